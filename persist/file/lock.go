package file

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// directoryLock is the open file LOCK with an exclusive lock of the kernel on it,
// which ends with the process. The file stays; what it says, the process that has
// it locked, is for people.
type directoryLock struct{ file *os.File }

// lockDirectory does not wait.
func lockDirectory(directory string) (*directoryLock, error) {
	f, err := os.OpenFile(filepath.Join(directory, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if isReadOnly(err) {
		return nil, &DirectoryError{Directory: directory, Reason: "cannot be written", Cause: err}
	}
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		if errors.Is(err, errLocked) {
			err = &LockedError{Directory: directory, PID: holder(f)}
		}
		return nil, errors.Join(err, f.Close())
	}
	l := &directoryLock{f}
	if err := l.say(fmt.Sprintf("%d\n", os.Getpid())); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
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
	return errors.Join(l.say(""), unlockFile(l.file), l.file.Close())
}
