package frontier

import (
	"errors"
	"fmt"
)

// ErrMalformed says that text or bytes are no encoding of an [Antichain].
var ErrMalformed = errors.New("frontier: malformed antichain")

// OverflowError says that a sum of diffs does not fit an int64. The change was
// refused and nothing was modified. No honest history comes near such sums:
// whoever gets this error is looking at corrupt data.
type OverflowError struct {
	Time uint64 // at which the sum was to change
	Sum  int64  // the sum so far, which stays
	Diff int64  // the diff that does not fit
}

// Error names the time and both numbers.
func (e *OverflowError) Error() string {
	return fmt.Sprintf("frontier: diffs at time %d overflow: %d and %d more", e.Time, e.Sum, e.Diff)
}
