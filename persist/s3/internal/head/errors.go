package head

import (
	"errors"
	"fmt"
)

var (
	// ErrFull says that a head holds as much as it may. A [Spill] makes room.
	ErrFull = errors.New("the head is full")
	// ErrOvertaken says that so many versions have been committed since an attempt
	// that nobody remembers whether it was one of them.
	ErrOvertaken = errors.New("overtaken by more versions than are remembered")
	// ErrAbsent says that the key has no versions.
	ErrAbsent = errors.New("the key has no versions")
)

// TooLargeError says that the data of a version is larger than [VersionBytesMax].
type TooLargeError struct {
	Bytes, BytesMax int
}

// Error implements error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("version of %d bytes is larger than %d", e.Bytes, e.BytesMax)
}
