package file

import (
	"errors"
	"io/fs"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

func openAt(t *testing.T, directory string) (*Store, *Blob, *Consensus) {
	t.Helper()
	rt := runtime.New(runtime.Options{})
	s, err := Open(t.Context(), rt, directory, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s, s.Blob(rt), s.Consensus(rt)
}

// wantBroken checks that every call fails for good.
func wantBroken(t *testing.T, blob *Blob, log *Consensus) {
	t.Helper()
	_, _, getErr := blob.Get(t.Context(), "k")
	_, _, headErr := log.Head(t.Context(), "key")
	_, casErr := log.CompareAndSet(t.Context(), "key", 1, persist.Versioned{SeqNo: 2})
	for _, err := range []error{getErr, headErr, casErr, blob.Set(t.Context(), "k", nil)} {
		var broken *BrokenError
		if !errors.As(err, &broken) || !errors.Is(err, persist.ErrCorruption) || !errors.Is(err, persist.ErrDeterminate) {
			t.Errorf("error is %v, want a BrokenError", err)
		}
	}
}

// TestFailedFsyncBreaksTheStore protects from a second fsync, which would succeed
// without having written what the first one has lost.
func TestFailedFsyncBreaksTheStore(t *testing.T) {
	s, blob, log := openAt(t, t.TempDir())
	defer s.Close()
	if err := blob.judge(fs.ErrPermission); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
	if err := blob.Set(t.Context(), "k", nil); err != nil {
		t.Fatalf("an error that is no fsync's has broken the store: %v", err)
	}
	cause := errors.New("the disk is gone")
	if err := blob.judge(indeterminate(&syncError{cause})); !errors.Is(err, cause) {
		t.Error(err)
	}
	wantBroken(t, blob, log)
}

// TestFailedCommitBreaksTheStore lets writes fail for another reason than a full
// disk. What was there stays, also that nothing was added: the description of the
// transaction was never written.
func TestFailedCommitBreaksTheStore(t *testing.T) {
	directory := t.TempDir()
	s, blob, log := openAt(t, directory)
	if ok, err := log.CompareAndSet(t.Context(), "key", 0, persist.Versioned{SeqNo: 1}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := s.log.file.Close(); err != nil {
		t.Fatal(err)
	}
	ok, err := log.CompareAndSet(t.Context(), "key", 1, persist.Versioned{SeqNo: 2})
	if ok || !errors.Is(err, persist.ErrDeterminate) || errors.Is(err, persist.ErrCorruption) {
		t.Errorf("compare-and-set: %v, %v; want a determinate error", ok, err)
	}
	wantBroken(t, blob, log)
	_ = s.Close() // it finds a closed file
	s, _, log = openAt(t, directory)
	defer s.Close()
	if head, _, err := log.Head(t.Context(), "key"); head.SeqNo != 1 || err != nil {
		t.Errorf("head: %v, %v", head.SeqNo, err)
	}
}

// TestUnknownCommitIsIndeterminate protects callers from a verdict on a transaction
// whose description may be on the disk.
func TestUnknownCommitIsIndeterminate(t *testing.T) {
	s, blob, log := openAt(t, t.TempDir())
	defer s.Close()
	changing, refused := &write{changed: true}, &write{}
	s.log.fail([]*write{changing, refused}, &fs.PathError{Op: "write", Err: errors.New("lost")}, true)
	if !errors.Is(changing.err, persist.ErrIndeterminate) || errors.Is(changing.err, persist.ErrDeterminate) {
		t.Errorf("a write: %v, want indeterminate", changing.err)
	}
	if !errors.Is(refused.err, persist.ErrDeterminate) {
		t.Errorf("a mismatch: %v, want determinate", refused.err)
	}
	wantBroken(t, blob, log)
}

// TestReadersWaitForDurability protects readers from a version that a power failure
// may still take away.
func TestReadersWaitForDurability(t *testing.T) {
	s, _, log := openAt(t, t.TempDir())
	defer s.Close()
	if ok, err := log.CompareAndSet(t.Context(), "key", 0, persist.Versioned{SeqNo: 1}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	durable, _ := s.log.durable.Get()
	s.log.durable.Set(durable - 1) // as while the last fsync is under way
	rt := runtime.New(runtime.Options{})
	ctx, cancel := rt.WithCancel(t.Context())
	cancel()
	if err := s.log.view(ctx, func(*bbolt.Tx) error { return nil }); !errors.Is(err, ctx.Err()) {
		t.Errorf("a reader got %v, and did not wait", err)
	}
	s.log.durable.Set(durable)
	if _, found, err := log.Head(t.Context(), "key"); !found || err != nil {
		t.Errorf("head: %v, %v", found, err)
	}
}
