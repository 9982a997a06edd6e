package file

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

var errLocked = errors.New("locked by another")

// lockOffsetHigh is the upper half of where the locked byte is, far beyond what
// the file says: locks keep others from reading.
const lockOffsetHigh = 1

// lockFile locks an open file for this handle alone, or for all that share it,
// without waiting.
func lockFile(f *os.File, isShared bool) error {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if !isShared {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{OffsetHigh: lockOffsetHigh})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, windows.ERROR_LOCK_VIOLATION):
		return errLocked
	}
	return fmt.Errorf("lock %s: %w", f.Name(), err)
}

func unlockFile(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, &windows.Overlapped{OffsetHigh: lockOffsetHigh})
}

// syncDirectory does nothing: this system writes entries through its own journal,
// and has no call for it.
func syncDirectory(string) error { return nil }

// isNoSpace reports that a write failed for lack of space.
func isNoSpace(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}
