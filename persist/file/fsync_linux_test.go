package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/persist/internal/processtest"
)

func init() {
	roles["no fsync"] = func(directory, _ string) error { return withoutSync(directory, unix.SYS_FSYNC, objectsNeedFsync) }
	roles["no fdatasync"] = func(directory, _ string) error {
		return withoutSync(directory, unix.SYS_FDATASYNC, versionsNeedFsync)
	}
}

// TestNothingIsAcknowledgedWithoutFsync protects from power failures, as far as a
// test can: where every fsync fails nothing must succeed, and the store is broken.
func TestNothingIsAcknowledgedWithoutFsync(t *testing.T) {
	for _, role := range []string{"no fsync", "no fdatasync"} {
		t.Run(role, func(t *testing.T) {
			out, err := processtest.Output(process(role, t.TempDir(), ""))
			var exit *exec.ExitError
			switch {
			case err == nil:
			case !errors.As(err, &exit), bytes.Contains(out, []byte(errFilter.Error())):
				t.Skipf("THIS SYSTEM FILTERS NO CALLS: that nothing goes without an fsync is not tested: %v\n%s", err, out)
			default:
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

var errFilter = errors.New("no filter of system calls")

// withoutSync opens a store with an object and a version, lets a system call fail
// from then on, and has the views tested.
func withoutSync(
	directory string, call uintptr, test func(context.Context, persist.Blob, persist.Consensus) error,
) error {
	store, rt, err := open(directory)
	if err != nil {
		return err
	}
	ctx, blob, log := context.Background(), store.Blob(rt), store.Consensus(rt)
	if err := blob.Set(ctx, "s1/here", nil); err != nil {
		return err
	}
	if _, err := log.CompareAndSet(ctx, "key", 0, persist.Versioned{SeqNo: 1}); err != nil {
		return err
	}
	if err := refuse(call); err != nil {
		return fmt.Errorf("%w: %w", errFilter, err)
	}
	return errors.Join(test(ctx, blob, log), wantOnlyBroken(ctx, blob, log))
}

func objectsNeedFsync(ctx context.Context, blob persist.Blob, _ persist.Consensus) error {
	err := blob.Set(ctx, "s1/there", nil)
	_, found, _ := blob.Get(ctx, "s1/there")
	if found || !errors.Is(err, persist.ErrDeterminate) || !errors.Is(err, unix.EIO) {
		return fmt.Errorf("set: %v, and it is there: %v", err, found)
	}
	_, _, err = blob.Delete(ctx, "s1/here")
	if errors.Is(err, persist.ErrDeterminate) || !errors.Is(err, unix.EIO) {
		return fmt.Errorf("delete: %v", err)
	}
	return nil
}

func versionsNeedFsync(ctx context.Context, _ persist.Blob, log persist.Consensus) error {
	ok, err := log.CompareAndSet(ctx, "key", 1, persist.Versioned{SeqNo: 2})
	if ok || !errors.Is(err, unix.EIO) {
		return fmt.Errorf("compare-and-set: %v, %v", ok, err)
	}
	return nil
}

func wantOnlyBroken(ctx context.Context, blob persist.Blob, log persist.Consensus) error {
	_, _, headErr := log.Head(ctx, "key")
	_, truncateErr := log.Truncate(ctx, "key", 1)
	for _, err := range []error{headErr, truncateErr, blob.Set(ctx, "s1/more", nil)} {
		if broken := new(file.BrokenError); !errors.As(err, &broken) {
			return fmt.Errorf("after a failed fsync: %v, want a BrokenError", err)
		}
	}
	return nil
}

// refuse lets a system call fail with EIO, in all threads of the process and for
// good. Nobody needs a privilege for that.
func refuse(call uintptr) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	const load, jumpIfEqual, answer = 0x20, 0x15, 0x06
	filter := []unix.SockFilter{
		{Code: load}, // the number of the call
		{Code: jumpIfEqual, K: uint32(call), Jf: 1},
		{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EIO)},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}
