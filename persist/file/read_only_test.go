package file_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/runtime"
)

// everything returns all that a directory says of its files, LOCK included: names,
// permissions, times and contents.
func everything(t *testing.T, directory string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	must(t, filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		var data []byte
		if info.Mode().IsRegular() {
			data, err = os.ReadFile(path)
		}
		all[path] = fmt.Sprintf("%v %v %x", info.Mode(), info.ModTime(), data)
		return err
	}))
	return all
}

func openReadOnly(t *testing.T, directory string) (*file.Store, *runtime.Runtime, error) {
	t.Helper()
	rt := runtime.New(runtime.Options{})
	store, err := file.Open(t.Context(), rt, directory, file.Options{ReadOnly: true})
	return store, rt, err
}

// TestLookingChangesNothing protects a store from those who only look at it, and what
// they see from being another store's: also where processes have left things behind,
// where there is no LOCK, and where nothing may be written.
func TestLookingChangesNothing(t *testing.T) {
	for name, prepare := range map[string]func(directory string) error{
		"closed":  func(string) error { return nil },
		"no LOCK": func(directory string) error { return os.Remove(filepath.Join(directory, "LOCK")) },
		"unfinished": func(directory string) error {
			return os.WriteFile(filepath.Join(directory, "tmp", "7"), []byte("half"), 0o600)
		},
		"write-protected": func(directory string) error { return os.Chmod(directory, 0o500) },
	} {
		t.Run(name, func(t *testing.T) {
			directory := filled(t)
			must(t, prepare(directory))
			t.Cleanup(func() { must(t, os.Chmod(directory, 0o700)) })
			before := everything(t, directory)
			store, rt, err := openReadOnly(t, directory)
			must(t, err)
			other, _, err := openReadOnly(t, directory)
			must(t, err)
			blob, log := store.Blob(rt), store.Consensus(rt)
			versions, err := log.Scan(t.Context(), "key", 0, 100)
			if err != nil || len(versions) != 40 {
				t.Errorf("%d versions, %v", len(versions), err)
			}
			if value, _, err := blob.Get(t.Context(), "s1/e0-w1/p1"); err != nil || string(value) != "an object" {
				t.Errorf("object %q, %v", value, err)
			}
			_, _, deleteErr := blob.Delete(t.Context(), "s1/e0-w1/p1")
			_, casErr := log.CompareAndSet(t.Context(), "key", 40, persist.Versioned{SeqNo: 41})
			_, truncateErr := log.Truncate(t.Context(), "key", 3)
			setErr := blob.Set(t.Context(), "k", nil)
			for _, err := range []error{deleteErr, casErr, truncateErr, setErr} {
				if !errors.Is(err, persist.ErrUsage) || !errors.Is(err, persist.ErrDeterminate) {
					t.Errorf("a change gives %v, want an error of usage", err)
				}
			}
			must(t, errors.Join(store.Close(), other.Close()))
			if diff := cmp.Diff(before, everything(t, directory)); diff != "" {
				t.Errorf("files were changed (-before +after):\n%s", diff)
			}
		})
	}
}

// TestLookingWhereThereIsNoStore protects paths that were mistyped from becoming stores.
func TestLookingWhereThereIsNoStore(t *testing.T) {
	above := t.TempDir()
	foreign, empty, plain := filepath.Join(above, "foreign"), filepath.Join(above, "empty"), filepath.Join(above, "plain")
	must(t, errors.Join(os.Mkdir(foreign, 0o700), os.Mkdir(empty, 0o700), os.WriteFile(plain, nil, 0o600),
		os.WriteFile(filepath.Join(foreign, "notes"), nil, 0o600)))
	before := everything(t, above)
	missing, below := filepath.Join(above, "missing"), filepath.Join(plain, "below")
	for _, directory := range []string{foreign, empty, plain, missing, below} {
		_, _, err := openReadOnly(t, directory)
		var refused *file.DirectoryError
		if !errors.As(err, &refused) || !errors.Is(err, persist.ErrUsage) {
			t.Errorf("%s: %v, want a DirectoryError", directory, err)
		}
	}
	if diff := cmp.Diff(before, everything(t, above)); diff != "" {
		t.Errorf("files were changed (-before +after):\n%s", diff)
	}
}

// TestLookersAndWritersExcludeEachOther protects what is seen from changing meanwhile.
func TestLookersAndWritersExcludeEachOther(t *testing.T) {
	directory := filled(t)
	writer, _, err := open(directory)
	must(t, err)
	_, _, err = openReadOnly(t, directory)
	var locked *file.LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() {
		t.Errorf("while a process writes: %v", err)
	}
	must(t, writer.Close())
	looker, _, err := openReadOnly(t, directory)
	must(t, err)
	if _, _, err := open(directory); !errors.As(err, &locked) {
		t.Errorf("while a process looks: %v", err)
	}
	must(t, looker.Close())
	openStore(t, directory)
}
