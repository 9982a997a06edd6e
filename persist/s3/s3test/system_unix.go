//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package s3test

import (
	"errors"
	"os"
	"syscall"
)

// lockFile locks a file, which it makes if need be, until the result is closed or the
// process ends, and waits for that if others have it locked and it is told to.
func lockFile(path string, waits bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if !waits {
		how |= syscall.LOCK_NB
	}
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(f.Fd()), how)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
