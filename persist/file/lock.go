package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// directoryLock is the open file LOCK with a lock of the kernel on it, which ends
// with the process: exclusive, or shared by those who only read. The file stays;
// what it says, the process that has it locked, is for people.
type directoryLock struct {
	file     *os.File
	isShared bool
}

// lockDirectory does not wait.
func lockDirectory(directory string) (*directoryLock, error) {
	f, err := os.OpenFile(filepath.Join(directory, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if isReadOnly(err) {
		return nil, &DirectoryError{Directory: directory, Reason: "cannot be written", Cause: err}
	}
	if err != nil {
		return nil, err
	}
	l, err := lockOpened(directory, f, false)
	if err != nil {
		return nil, err
	}
	if err := l.say(fmt.Sprintf("%d\n", os.Getpid())); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// shareDirectory does not wait either. Where there is no LOCK, as in a copy of a
// store, nobody can have locked it, and the lock is nil.
func shareDirectory(directory string) (*directoryLock, error) {
	f, err := os.Open(filepath.Join(directory, lockName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case isReadOnly(err):
		return nil, &DirectoryError{Directory: directory, Reason: "cannot be read", Cause: err}
	case err != nil:
		return nil, err
	}
	return lockOpened(directory, f, true)
}

func lockOpened(directory string, f *os.File, isShared bool) (*directoryLock, error) {
	if err := lockFile(f, isShared); err != nil {
		if errors.Is(err, errLocked) {
			err = &LockedError{Directory: directory, PID: holder(f)}
		}
		return nil, errors.Join(err, f.Close())
	}
	return &directoryLock{f, isShared}, nil
}

// holder returns the process that a lock file names, or 0.
func holder(f *os.File) int {
	var text [32]byte
	n, _ := f.ReadAt(text[:], 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}

func (l *directoryLock) say(text string) error {
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err := l.file.WriteAt([]byte(text), 0)
	return err
}

// release gives the lock free, also for a process that is just being started and
// shares the open file for a moment.
func (l *directoryLock) release() error {
	if l.isShared {
		return errors.Join(unlockFile(l.file), l.file.Close())
	}
	return errors.Join(l.say(""), unlockFile(l.file), l.file.Close())
}
