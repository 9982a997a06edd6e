package part

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// Update says that at a time, and from then on, there is Diff more of a row.
type Update struct {
	// Row is the encoded row, any bytes.
	Row []byte
	// Time is in the unit of the collection, as a rule milliseconds since the
	// Unix epoch.
	Time uint64
	// Diff is the change of the row's multiplicity.
	Diff int64
}

// OverflowError says that the diffs of one row at one time add up to more than
// an int64 holds. Nothing was written.
type OverflowError struct {
	// Time is where the sum overflows.
	Time uint64
}

// Error implements error.
func (e *OverflowError) Error() string {
	return fmt.Sprintf("the diffs of a row at time %d overflow", e.Time)
}

// Consolidate returns the normal form of the updates: sorted by row and then
// time, the diffs of equal row and time added up, and no update whose diff is
// zero. Their meaning is the same. The updates are left alone; the result shares
// their rows. It returns an [*OverflowError] if a sum does not fit.
func Consolidate(updates []Update) ([]Update, error) {
	sorted := slices.Clone(updates)
	slices.SortFunc(sorted, compare)
	consolidated := sorted[:0]
	for i := 0; i < len(sorted); {
		sum, next, err := sumFrom(sorted, i)
		if err != nil {
			return nil, err
		}
		if sum.Diff != 0 {
			consolidated = append(consolidated, sum)
		}
		i = next
	}
	return consolidated, nil
}

// sumFrom adds up the updates from place first on that are of its row and time.
func sumFrom(sorted []Update, first int) (sum Update, next int, err error) {
	sum = sorted[first]
	var diffs total
	for next = first; next < len(sorted) && compare(sorted[next], sum) == 0; next++ {
		diffs.add(sorted[next].Diff)
	}
	isFit := false
	if sum.Diff, isFit = diffs.sum(); !isFit {
		return Update{}, 0, &OverflowError{Time: sum.Time}
	}
	return sum, next, nil
}

// total is a sum of diffs, high * 2^32 + low: up to 2^31 of them, of any size, add up
// without loss, so that only a result that does not fit is an overflow, whatever the
// order.
type total struct{ high, low int64 }

func (t *total) add(diff int64) {
	t.high += diff >> 32
	t.low += diff & (1<<32 - 1)
}

// sum returns the sum, and whether it fits.
func (t *total) sum() (diff int64, isFit bool) {
	high := t.high + t.low>>32
	diff = high<<32 | t.low&(1<<32-1)
	return diff, diff>>32 == high
}

func compare(a, b Update) int {
	return cmp.Or(bytes.Compare(a.Row, b.Row), cmp.Compare(a.Time, b.Time))
}

// IsBefore reports whether a comes before b in a run: by row, and then by time.
func IsBefore(a, b Update) bool { return compare(a, b) < 0 }

// DiffsSum returns the sum of all diffs, modulo 2^64: a cheap check that
// consolidating, or advancing times, has lost nothing.
func DiffsSum(updates []Update) (sum int64) {
	for _, update := range updates {
		sum += update.Diff
	}
	return sum
}
