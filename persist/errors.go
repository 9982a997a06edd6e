package persist

import (
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// The classes of errors. An error of an external operation that is in none of
// them is indeterminate: the effect may have happened, or may happen later.
var (
	// ErrDeterminate is wrapped by errors of operations that had no effect, and
	// will not have one.
	ErrDeterminate = errors.New("determinate")
	// ErrIndeterminate is wrapped by errors of operations of which nobody knows.
	ErrIndeterminate = state.ErrIndeterminate
	// ErrUsage is wrapped by errors of calls that can never succeed. Nothing
	// happened.
	ErrUsage = state.ErrUsage
	// ErrCorruption is wrapped by errors about stored bytes that are not what
	// was written. Nothing of them is used.
	ErrCorruption = state.ErrCorruption
	// ErrBatchTooOld is wrapped by errors about batches that a sweep has overtaken, so
	// that their objects may be gone: the updates have to be written again. It comes
	// with ErrUsage.
	ErrBatchTooOld error = state.BatchTooOld
	// ErrNotFound is wrapped by errors about objects that do not exist.
	ErrNotFound = errors.New("not found")
)

// TooLargeError says that data does not fit into one write. Nothing happened.
type TooLargeError struct {
	// Size and SizeMax are in bytes.
	Size, SizeMax int
}

// Error implements error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("persist: %d bytes in one write, at most %d are possible", e.Size, e.SizeMax)
}

// Is reports that the error is one of usage and determinate.
func (e *TooLargeError) Is(target error) bool { return target == ErrUsage || target == ErrDeterminate }

type (
	// UsageError says that a call was wrong, and which rule it broke. It wraps
	// [ErrUsage].
	UsageError = state.UsageError
	// UpperMismatchError says that the upper of a shard was not the expected
	// one: the updates have not been added, and never will be by this call.
	UpperMismatchError = state.UpperMismatchError
	// UnknownOutcomeError says that an append may have happened, or may still
	// happen. It wraps [ErrIndeterminate].
	UnknownOutcomeError = state.UnknownOutcomeError
	// NotClosedError says that a shard cannot be finalized, because it can still
	// be read or written. It wraps [ErrUsage].
	NotClosedError = state.NotClosedError
	// CorruptionError says which stored bytes are damaged. It wraps
	// [ErrCorruption].
	CorruptionError = state.CorruptionError
	// VersionError says that stored bytes are of a format that this program
	// does not read.
	VersionError = state.VersionError
)

// OwnerError says that a critical capability has another owner than the caller
// thought. Nothing was changed.
type OwnerError struct {
	// Expected is what the caller left behind, Actual what is there.
	Expected, Actual Opaque
}

// Error implements error.
func (e *OwnerError) Error() string {
	return fmt.Sprintf("persist: the capability is owned by %v and not by %v", e.Actual, e.Expected)
}
