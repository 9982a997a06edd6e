package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/persist/internal/processtest"
)

func init() {
	roles["limited"] = fillUnderLimit
	roles["full"] = fillSmallDisk
}

// runProcess runs another process to its end, which has to be a good one.
func runProcess(t *testing.T, command *exec.Cmd) {
	t.Helper()
	if out, err := processtest.Output(command); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestFileSizeLimit protects what is stored from a limit of the system that any
// program may run into.
func TestFileSizeLimit(t *testing.T) {
	directory := t.TempDir()
	runProcess(t, process("limited", directory, ""))
	wantNoTemporaries(t, directory)
}

// fillUnderLimit goes beyond the largest file that the process may write: an object
// is then not there, the log has to be opened again, and nothing is lost.
func fillUnderLimit(directory, _ string) error {
	ctx, large := context.Background(), make([]byte, 1<<20)
	store, rt, err := open(directory)
	if err != nil {
		return err
	}
	blob, log := store.Blob(rt), store.Consensus(rt)
	if _, err := log.CompareAndSet(ctx, "key", 0, persist.Versioned{SeqNo: 1, Data: []byte("one")}); err != nil {
		return err
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	unlimited := limit.Cur
	limit.Cur = 256 << 10
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if err := blob.Set(ctx, "large", large); !errors.Is(err, persist.ErrDeterminate) || !errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("a large object: %v", err)
	}
	if _, found, err := blob.Get(ctx, "large"); found || err != nil {
		return fmt.Errorf("the large object is there: %v, %w", found, err)
	}
	if err := blob.Set(ctx, "small", nil); err != nil {
		return err
	}
	ok, err := log.CompareAndSet(ctx, "key", 1, persist.Versioned{SeqNo: 2, Data: large})
	if ok || !errors.Is(err, persist.ErrDeterminate) || errors.Is(err, persist.ErrCorruption) {
		return fmt.Errorf("a large version: %v, %v", ok, err)
	}
	_, _, err = log.Head(ctx, "key")
	if broken := new(file.BrokenError); !errors.As(err, &broken) {
		return fmt.Errorf("head of a log that could not grow: %v", err)
	}
	limit.Cur = unlimited
	if err := errors.Join(store.Close(), unix.Setrlimit(unix.RLIMIT_FSIZE, &limit)); err != nil {
		return err
	}
	return goesOn(directory, 1, large)
}

// goesOn opens a store whose newest version is known, and appends one more.
func goesOn(directory string, newest persist.SeqNo, data []byte) error {
	store, rt, err := open(directory)
	if err != nil {
		return err
	}
	log := store.Consensus(rt)
	all, err := log.Scan(context.Background(), "key", 0, 1<<20)
	if err == nil && len(all) != int(newest) {
		err = fmt.Errorf("%d versions, %v were acknowledged", len(all), newest)
	}
	if err == nil {
		next := persist.Versioned{SeqNo: newest + 1, Data: data}
		_, err = log.CompareAndSet(context.Background(), "key", newest, next)
	}
	return errors.Join(err, store.Close())
}

// TestFullDisk protects what is stored on a disk that is full: each failure is
// determinate, and the store goes on as soon as there is space.
func TestFullDisk(t *testing.T) {
	command := process("full", t.TempDir(), "")
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		command.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := processtest.Output(command)
	var exit *exec.ExitError
	switch {
	case err == nil:
	case !errors.As(err, &exit), bytes.Contains(out, []byte(errMount.Error())):
		t.Skipf("THIS SYSTEM LETS NOBODY MOUNT A SMALL DISK: what happens on a full one is not tested: %v\n%s", err, out)
	default:
		t.Errorf("%v\n%s", err, out)
	}
}

var errMount = errors.New("no disk of our own")

// fillSmallDisk fills a disk of 1 MiB with versions and objects.
func fillSmallDisk(directory, _ string) error {
	if err := errors.Join(
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("none", directory, "tmpfs", 0, "size=1m"),
	); err != nil {
		return fmt.Errorf("%w: %w", errMount, err)
	}
	store, rt, err := open(filepath.Join(directory, "store"))
	if err != nil {
		return err
	}
	ctx, blob, log := context.Background(), store.Blob(rt), store.Consensus(rt)
	if err := blob.Set(ctx, "ballast", make([]byte, 300<<10)); err != nil {
		return err
	}
	newest, data := persist.SeqNo(0), make([]byte, 20<<10)
	for err == nil {
		var ok bool
		if ok, err = log.CompareAndSet(ctx, "key", newest, persist.Versioned{SeqNo: newest + 1, Data: data}); ok {
			newest++
		}
	}
	if !errors.Is(err, persist.ErrDeterminate) || !errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("version %v on a full disk: %w", newest+1, err)
	}
	if err := blob.Set(ctx, "more", data); !errors.Is(err, persist.ErrDeterminate) || !errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("an object on a full disk: %v", err)
	}
	if head, _, err := log.Head(ctx, "key"); head.SeqNo != newest || err != nil {
		return fmt.Errorf("head on a full disk: %v, %w", head.SeqNo, err)
	}
	if _, _, err := blob.Delete(ctx, "ballast"); err != nil {
		return err
	}
	if _, err := log.CompareAndSet(ctx, "key", newest, persist.Versioned{SeqNo: newest + 1, Data: data}); err != nil {
		return fmt.Errorf("with space again: %w", err)
	}
	if err := errors.Join(blob.Set(ctx, "more", data), store.Close()); err != nil {
		return err
	}
	return goesOn(filepath.Join(directory, "store"), newest+1, data)
}

// TestReadOnlyDirectory protects users from a late surprise.
func TestReadOnlyDirectory(t *testing.T) {
	closed := t.TempDir()
	must(t, os.Chmod(closed, 0o555))
	whole := filled(t)
	must(t, os.Chmod(whole, 0o755))
	must(t, os.Chmod(filepath.Join(whole, "LOCK"), 0o444))
	must(t, os.Chmod(filepath.Join(whole, "FORMAT"), 0o444))
	asNobody(t, func() {
		wantRefused(t, closed)
		wantRefused(t, filepath.Join(closed, "store"))
		wantRefused(t, whole)
	})
}

// asNobody calls f with the file permissions of a user who owns nothing, if the
// tests run as one who may do everything.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		goruntime.LockOSThread() // and never unlock it: the thread ends with f
		if err := unix.Setfsuid(65534); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}
