package file_test

import (
	"errors"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/persist/persisttest"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestMain lets the test binary be the other process of a test, too.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	goleak.VerifyTestMain(m)
}

// openStore opens a store that is closed when the test ends.
func openStore(t testing.TB, directory string) *file.Store {
	t.Helper()
	store, err := file.Open(t.Context(), runtime.New(runtime.Options{}), directory, file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// failsToOpen returns the error of opening a directory.
func failsToOpen(t *testing.T, directory string) error {
	t.Helper()
	store, err := file.Open(t.Context(), runtime.New(runtime.Options{}), directory, file.Options{})
	if err == nil {
		t.Fatalf("%s could be opened: %v", directory, store.Close())
	}
	return err
}

// views opens the two views of a store on the live runtime.
func views(t testing.TB, directory string) (persist.Blob, persist.Consensus) {
	t.Helper()
	rt, store := runtime.New(runtime.Options{}), openStore(t, directory)
	return store.Blob(rt), store.Consensus(rt)
}

// TestConformance protects the contract of persist, with two views of one store.
func TestConformance(t *testing.T) {
	open := func(t *testing.T) func(rt *runtime.Runtime) (persist.Blob, persist.Consensus) {
		store := openStore(t, t.TempDir())
		return func(rt *runtime.Runtime) (persist.Blob, persist.Consensus) {
			return store.Blob(rt), store.Consensus(rt)
		}
	}
	t.Run("blob", func(t *testing.T) { persisttest.Blob(t, open) })
	t.Run("consensus", func(t *testing.T) { persisttest.Consensus(t, open) })
}

// TestClosedStoreRefuses protects a directory that belongs to another process by now.
func TestClosedStoreRefuses(t *testing.T) {
	rt := runtime.New(runtime.Options{})
	store, err := file.Open(t.Context(), rt, t.TempDir(), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	blob, log := store.Blob(rt), store.Consensus(rt)
	for range 2 {
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, _, getErr := blob.Get(t.Context(), "k")
	_, _, headErr := log.Head(t.Context(), "k")
	_, casErr := log.CompareAndSet(t.Context(), "k", 0, persist.Versioned{SeqNo: 1})
	for _, err := range []error{getErr, headErr, casErr, blob.Set(t.Context(), "k", nil)} {
		if !errors.Is(err, persist.ErrUsage) {
			t.Errorf("error is %v, want a usage error", err)
		}
	}
}
