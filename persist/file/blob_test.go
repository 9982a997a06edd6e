package file_test

import (
	"context"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
)

// keys are short, so that they meet again, and of what a path could stumble over.
func keys() *rapid.Generator[string] {
	parts := []string{
		"a", "A", "b", "", ".", "..", "a.blob", "a.d", "%61", "\x00", "é", "\xff", "~", "con", "-", "a b",
		strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a", 65), strings.Repeat("\x01", 200),
	}
	return rapid.Custom(func(t *rapid.T) string {
		key := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 3).Draw(t, "parts"), "/")
		if key == "" {
			return "/"
		}
		return key
	})
}

func list(t *rapid.T, b persist.Blob, prefix string) (found []string) {
	err := b.List(t.Context(), prefix, func(key string, size int) error {
		value, isFound, err := b.Get(t.Context(), key)
		if err == nil && (!isFound || len(value) != size) {
			t.Errorf("%q is listed with %d bytes and has %d", key, size, len(value))
		}
		found = append(found, key+" = "+string(value))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// deleteAll deletes what an earlier check has left.
func deleteAll(t *rapid.T, b persist.Blob) {
	err := b.List(t.Context(), "", func(key string, _ int) error {
		_, _, err := b.Delete(t.Context(), key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestObjectsOfAnyKey compares with the store in memory, whatever the keys: they
// neither meet nor leave the directory, and are listed in their order.
func TestObjectsOfAnyKey(t *testing.T) {
	ours, _ := views(t, t.TempDir())
	rapid.Check(t, func(t *rapid.T) {
		deleteAll(t, ours)
		rt := runtime.New(runtime.Options{})
		model := memory.New("model", memory.Options{}).Blob(rt)
		used := rapid.SliceOfNDistinct(keys(), 1, 6, rapid.ID[string]).Draw(t, "keys")
		for _, key := range rapid.SliceOfN(rapid.SampledFrom(used), 1, 12).Draw(t, "steps") {
			if rapid.IntRange(0, 2).Draw(t, "deletes") > 0 {
				for _, b := range []persist.Blob{ours, model} {
					if err := b.Set(t.Context(), key, []byte(key)); err != nil {
						t.Fatal(err)
					}
				}
				continue
			}
			size, existed, err := ours.Delete(t.Context(), key)
			wantSize, wantExisted, _ := model.Delete(t.Context(), key)
			if err != nil || size != wantSize || existed != wantExisted {
				t.Fatalf("delete %q: %d, %v, %v; want %d, %v", key, size, existed, err, wantSize, wantExisted)
			}
		}
		prefix := rapid.SampledFrom(append(used, "")).Draw(t, "prefix")
		prefix = prefix[:rapid.IntRange(0, len(prefix)).Draw(t, "cut")]
		if diff := cmp.Diff(list(t, model, prefix), list(t, ours, prefix)); diff != "" {
			t.Fatalf("list %q (-want +got):\n%s", prefix, diff)
		}
	})
}

// plainName is what every file system can tell from others.
var plainName = regexp.MustCompile(`^[0-9a-z_%-]{0,200}\.(blob|d|more)$`)

// TestNamesAreSafe protects objects on file systems that fold case or limit names,
// and the disk from empty directories.
func TestNamesAreSafe(t *testing.T) {
	directory := t.TempDir()
	blob, _ := views(t, directory)
	all := []string{
		"../../x", "/etc/passwd", "S1/K", "s1/k", "a/../b", strings.Repeat("\xff/", 300), strings.Repeat("\xff", 1024),
	}
	for _, key := range all {
		must(t, blob.Set(t.Context(), key, []byte(key)))
	}
	root := filepath.Join(directory, "blobs")
	seen := 0
	must(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if path != root && !plainName.MatchString(entry.Name()) {
			t.Errorf("%q is not a safe name", entry.Name())
		}
		if err == nil && !entry.IsDir() {
			seen++
		}
		return err
	}))
	if seen != len(all) {
		t.Errorf("%d files, want %d", seen, len(all))
	}
	for _, key := range slices.Backward(all) {
		if _, existed, err := blob.Delete(t.Context(), key); !existed || err != nil {
			t.Errorf("delete %q: %v, %v", key, existed, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(root, "*")); len(left) > 0 || err != nil {
		t.Errorf("empty directories have stayed: %q, %v", left, err)
	}
	if err := blob.Set(t.Context(), strings.Repeat("k", 1025), nil); err == nil {
		t.Error("a key of 1,025 bytes is taken")
	}
}

// TestDirectoriesComeAndGo lets directories become empty while others store objects
// there: no object gets lost.
func TestDirectoriesComeAndGo(t *testing.T) {
	blob, _ := views(t, t.TempDir())
	group := runtime.New(runtime.Options{}).NewGroup(t.Context())
	for task := range 8 {
		key := "s1/w1/p" + string(rune('a'+task))
		group.Go("churn", func(ctx context.Context) error {
			for range 40 {
				if err := blob.Set(ctx, key, []byte(key)); err != nil {
					return err
				}
				if _, found, err := blob.Get(ctx, key); !found || err != nil {
					t.Errorf("get %s: %v, %v", key, found, err)
				}
				if _, existed, err := blob.Delete(ctx, key); !existed || err != nil {
					t.Errorf("delete %s: %v, %v", key, existed, err)
				}
			}
			return nil
		})
	}
	must(t, group.Wait())
}
