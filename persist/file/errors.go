package file

import (
	"errors"
	"fmt"
	"os"

	"github.com/tidemarkdb/tidemark/persist"
)

// LockedError says that a store is open in the directory. Nothing was changed.
type LockedError struct {
	// Directory is where the store is.
	Directory string
	// PID is the process that has it open, if that is known, else 0.
	PID int
}

// Error implements error.
func (e *LockedError) Error() string {
	switch e.PID {
	case 0:
		return fmt.Sprintf("%s is in use by another process", e.Directory)
	case os.Getpid():
		return fmt.Sprintf("%s is in use by this process, %d", e.Directory, e.PID)
	}
	return fmt.Sprintf("%s is in use by process %d", e.Directory, e.PID)
}

// Is reports that the error is determinate.
func (e *LockedError) Is(target error) bool { return target == persist.ErrDeterminate }

// DirectoryError says that there can be no store at a path. Nothing was changed.
type DirectoryError struct {
	// Directory is the path.
	Directory string
	// Reason says why not.
	Reason string
	// Cause is what the operating system says, or nil.
	Cause error
}

// Error implements error.
func (e *DirectoryError) Error() string {
	if e.Cause == nil {
		return fmt.Sprintf("%s %s", e.Directory, e.Reason)
	}
	return fmt.Sprintf("%s %s: %v", e.Directory, e.Reason, e.Cause)
}

// Is reports that the error is one of usage.
func (e *DirectoryError) Is(target error) bool { return target == persist.ErrUsage }

// Unwrap returns the cause.
func (e *DirectoryError) Unwrap() error { return e.Cause }

// BrokenError says that an earlier call failed in such a way, as a rule in an
// fsync, that nobody knows what the disk has kept. Every later call of the store
// returns it. Look after the disk, and open the store again.
//
// It is final for the engine, which gives the handles up: it is
// [persist.ErrCorruption].
type BrokenError struct {
	// Directory is where the store is.
	Directory string
	// Cause is the failure of the earlier call.
	Cause error
}

// Error implements error.
func (e *BrokenError) Error() string {
	return fmt.Sprintf("the store in %s has failed, and has to be opened again: %v", e.Directory, e.Cause)
}

// Is reports that what is stored can not be relied upon, and that this call did
// nothing.
func (e *BrokenError) Is(target error) bool {
	return target == persist.ErrCorruption || target == persist.ErrDeterminate
}

var (
	errClosed    = fmt.Errorf("%w: the store is closed", persist.ErrUsage)
	errReadOnly  = fmt.Errorf("%w: %w: the store is open for reading only", persist.ErrUsage, persist.ErrDeterminate)
	errSimulated = fmt.Errorf("%w: a simulation has no files, use persist/memory there", persist.ErrUsage)
)

// determinate wraps the error of an operation that has had no effect and will not
// have one.
func determinate(err error) error {
	if err == nil || errors.Is(err, persist.ErrDeterminate) {
		return err
	}
	return fmt.Errorf("%w: %w", persist.ErrDeterminate, err)
}

// indeterminate wraps the error of an operation that may have happened.
func indeterminate(err error) error { return fmt.Errorf("%w: %w", persist.ErrIndeterminate, err) }
