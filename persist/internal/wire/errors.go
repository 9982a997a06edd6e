package wire

import (
	"errors"
	"fmt"
)

// ErrCorruption is what every [CorruptionError] is, for errors.Is.
var ErrCorruption = errors.New("corruption")

// CorruptionError says that stored bytes are not what was written, or that
// records which belong together do not fit each other. Nothing of them is used.
type CorruptionError struct {
	// What was being read, such as "rollup" or "diff v4 to v5".
	What string
	// Reason says what is wrong with it. It quotes no stored data.
	Reason string
}

// Corrupt returns a CorruptionError whose reason is formatted like
// [fmt.Sprintf].
func Corrupt(what, format string, args ...any) *CorruptionError {
	return &CorruptionError{What: what, Reason: fmt.Sprintf(format, args...)}
}

// Error implements error.
func (e *CorruptionError) Error() string {
	return fmt.Sprintf("corrupt %s: %s", e.What, e.Reason)
}

// Is reports that the error is [ErrCorruption].
func (e *CorruptionError) Is(target error) bool { return target == ErrCorruption }

// VersionError says that a record is intact, but of a format that this program
// does not read: as a rule, a newer program has written it.
type VersionError struct {
	// Found is the version of the record.
	Found uint64
	// Oldest and Newest are the versions that this program reads.
	Oldest, Newest uint64
}

// Error implements error.
func (e *VersionError) Error() string {
	if e.Found > e.Newest {
		return fmt.Sprintf("format version %d is newer than this program, which reads %d to %d",
			e.Found, e.Oldest, e.Newest)
	}
	return fmt.Sprintf("format version %d is too old for this program, which reads %d to %d",
		e.Found, e.Oldest, e.Newest)
}
