//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package s3test

import (
	"errors"
	"os"
)

// lockFile is what keeps two processes from the same build. Without one there is no server.
func lockFile(string, bool) (*os.File, error) {
	return nil, errors.New("this system has no locks that the tests could use: set " + endpointVariable)
}
