package persisttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Open makes a new, empty store for one case and returns a function that opens
// it once more, as another process would.
type Open func(t *testing.T) func(rt *runtime.Runtime) (persist.Blob, persist.Consensus)

// Blob runs the cases of [persist.Blob].
func Blob(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, first, second persist.Blob)
	}{
		{"an absent key is not found", blobAbsent},
		{"a value is read back by every view", blobRoundTrip},
		{"an empty value differs from none", blobEmptyValue},
		{"values are copied in and out", blobCopies},
		{"delete is idempotent", blobDelete},
		{"list goes by prefix in order", blobList},
		{"list stops at an error", blobListStops},
		{"restore brings back, or says not found", blobRestore},
		{"an empty key is a usage error", blobEmptyKey},
		{"a cancelled write has not happened", blobCancelled},
		{"readers see a whole value", blobAtomic},
	} {
		t.Run(c.name, func(t *testing.T) {
			view := open(t)
			rt := runtime.New(runtime.Options{})
			first, _ := view(rt)
			second, _ := view(rt)
			c.run(t, first, second)
		})
	}
}

func blobAbsent(t *testing.T, b, _ persist.Blob) {
	value, found, err := b.Get(t.Context(), "s1/none")
	if err != nil || found || value == nil && found {
		t.Errorf("get of an absent key: %v, %v, %v", value, found, err)
	}
}

func blobRoundTrip(t *testing.T, first, second persist.Blob) {
	for i, value := range [][]byte{[]byte("one"), bytes.Repeat([]byte("0123456789"), 200_000)} {
		key := fmt.Sprintf("s1/e0-w1/p%d", i)
		must(t, first.Set(t.Context(), key, value))
		wantBlob(t, second, key, value)
	}
	must(t, second.Set(t.Context(), "s1/e0-w1/p0", []byte("two")))
	wantBlob(t, first, "s1/e0-w1/p0", []byte("two"))
}

func blobEmptyValue(t *testing.T, first, second persist.Blob) {
	must(t, first.Set(t.Context(), "s1/empty", nil))
	wantBlob(t, second, "s1/empty", []byte{})
}

func blobCopies(t *testing.T, b, _ persist.Blob) {
	value := []byte("abc")
	must(t, b.Set(t.Context(), "s1/k", value))
	value[0] = 'x'
	got, _, err := b.Get(t.Context(), "s1/k")
	must(t, err)
	if string(got) != "abc" {
		t.Errorf("the store kept the caller's slice: %q", got)
	}
	got[0] = 'y'
	wantBlob(t, b, "s1/k", []byte("abc"))
}

func blobDelete(t *testing.T, first, second persist.Blob) {
	must(t, first.Set(t.Context(), "s1/k", []byte("abc")))
	size, existed, err := second.Delete(t.Context(), "s1/k")
	if err != nil || !existed || size != 3 {
		t.Errorf("first delete: %d, %v, %v", size, existed, err)
	}
	size, existed, err = first.Delete(t.Context(), "s1/k")
	if err != nil || existed || size != 0 {
		t.Errorf("second delete: %d, %v, %v", size, existed, err)
	}
	blobAbsentKey(t, first, "s1/k")
}

func blobList(t *testing.T, first, second persist.Blob) {
	for _, key := range []string{"s2/b", "s1/v7/r", "s1/a", "s10/a", "s1/a/b"} {
		must(t, first.Set(t.Context(), key, []byte(key)))
	}
	for prefix, want := range map[string][]string{
		"":      {"s1/a", "s1/a/b", "s1/v7/r", "s10/a", "s2/b"},
		"s1/":   {"s1/a", "s1/a/b", "s1/v7/r"},
		"s1":    {"s1/a", "s1/a/b", "s1/v7/r", "s10/a"},
		"s1/v7": {"s1/v7/r"},
		"s3":    nil,
	} {
		var got []string
		must(t, second.List(t.Context(), prefix, func(key string, size int) error {
			if size != len(key) {
				t.Errorf("list says %s has %d bytes", key, size)
			}
			got = append(got, key)
			return nil
		}))
		if !slices.Equal(got, want) {
			t.Errorf("list %q: got %q, want %q", prefix, got, want)
		}
	}
}

func blobListStops(t *testing.T, b, _ persist.Blob) {
	for i := range 3 {
		must(t, b.Set(t.Context(), fmt.Sprintf("s1/%d", i), nil))
	}
	stop := errors.New("enough")
	visited := 0
	err := b.List(t.Context(), "", func(string, int) error {
		visited++
		return stop
	})
	if !errors.Is(err, stop) || visited != 1 {
		t.Errorf("list went on after an error: %d visits, %v", visited, err)
	}
}

func blobRestore(t *testing.T, b, _ persist.Blob) {
	must(t, b.Set(t.Context(), "s1/k", []byte("abc")))
	must(t, b.Restore(t.Context(), "s1/k"))
	if err := b.Restore(t.Context(), "s1/none"); !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("restore of what never was: %v", err)
	}
	_, _, err := b.Delete(t.Context(), "s1/k")
	must(t, err)
	err = b.Restore(t.Context(), "s1/k")
	_, found, getErr := b.Get(t.Context(), "s1/k")
	must(t, getErr)
	if found != (err == nil) || err != nil && !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("restore: %v, and the key exists: %v", err, found)
	}
}

func blobEmptyKey(t *testing.T, b, _ persist.Blob) {
	if err := b.Set(t.Context(), "", nil); !errors.Is(err, persist.ErrUsage) {
		t.Errorf("set of an empty key: %v", err)
	}
}

func blobCancelled(t *testing.T, b, _ persist.Blob) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := b.Set(ctx, "s1/k", []byte("abc"))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("set under a cancelled context: %v", err)
	}
	blobAbsentKey(t, b, "s1/k")
}

// blobAtomic overwrites a key while others read it.
func blobAtomic(t *testing.T, first, second persist.Blob) {
	const size, rounds = 1 << 16, 50
	must(t, first.Set(t.Context(), "s1/k", bytes.Repeat([]byte{0}, size)))
	rt := runtime.New(runtime.Options{})
	group := rt.NewGroup(t.Context())
	group.Go("writer", func(ctx context.Context) error {
		for i := range rounds {
			if err := first.Set(ctx, "s1/k", bytes.Repeat([]byte{byte(i)}, size)); err != nil {
				return err
			}
		}
		return nil
	})
	group.Go("reader", func(ctx context.Context) error {
		for range rounds {
			value, found, err := second.Get(ctx, "s1/k")
			if err != nil {
				return err
			}
			if !found || len(value) != size || bytes.Count(value, value[:1]) != size {
				return fmt.Errorf("a torn value of %d bytes", len(value))
			}
		}
		return nil
	})
	must(t, group.Wait())
}

func blobAbsentKey(t *testing.T, b persist.Blob, key string) {
	t.Helper()
	if _, found, err := b.Get(t.Context(), key); found || err != nil {
		t.Errorf("%s: found %v, %v; want it absent", key, found, err)
	}
}

func wantBlob(t *testing.T, b persist.Blob, key string, want []byte) {
	t.Helper()
	got, found, err := b.Get(t.Context(), key)
	if err != nil || !found || got == nil || !bytes.Equal(got, want) {
		t.Errorf("get %s: %d bytes, %v, %v; want %d bytes", key, len(got), found, err, len(want))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
