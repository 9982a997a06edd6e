package frontier_test

import (
	"maps"
	"math"
	"math/big"
	"slices"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
)

// twin is the slow and obvious form of a ChangeBatch and of the counts of a
// MutableAntichain: a Go map, and sums too big to overflow.
type twin map[uint64]*big.Int

// plus returns the twin with the changes made one by one, and the first of them
// whose sum leaves the range of int64, if there is one.
func (w twin) plus(changes ...frontier.Change) (sum twin, overflow *frontier.OverflowError) {
	sum = maps.Clone(w)
	for _, c := range changes {
		before := sum.at(c.Time)
		after := new(big.Int).Add(before, big.NewInt(c.Diff))
		if !after.IsInt64() && overflow == nil {
			overflow = &frontier.OverflowError{Time: c.Time, Sum: before.Int64(), Diff: c.Diff}
		}
		sum[c.Time] = after
		if after.Sign() == 0 {
			delete(sum, c.Time)
		}
	}
	return sum, overflow
}

func (w twin) at(time uint64) *big.Int {
	if sum, ok := w[time]; ok {
		return sum
	}
	return new(big.Int)
}

// changes returns the entries in the order of time.
func (w twin) changes() []frontier.Change {
	var changes []frontier.Change
	for _, time := range slices.Sorted(maps.Keys(w)) {
		changes = append(changes, frontier.Change{Time: time, Diff: w[time].Int64()})
	}
	return changes
}

// frontier is the minimum of the times with a positive count.
func (w twin) frontier() frontier.Antichain {
	least := frontier.Empty()
	for time, count := range w {
		if count.Sign() > 0 {
			least = least.Insert(time)
		}
	}
	return least
}

// anyChange draws changes among which sums overflow now and then.
func anyChange() *rapid.Generator[frontier.Change] {
	return rapid.OneOf(frontiertest.Change(), frontiertest.Change(), rapid.Custom(func(t *rapid.T) frontier.Change {
		return frontier.Change{
			Time: rapid.Uint64Range(0, 20).Draw(t, "time"),
			Diff: rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64, -math.MaxInt64}).Draw(t, "diff"),
		}
	}))
}

// sameOverflow reports whether a call failed exactly if the twin says so.
func sameOverflow(err error, want *frontier.OverflowError) bool {
	if err == nil || want == nil {
		return err == nil && want == nil
	}
	got, ok := err.(*frontier.OverflowError)
	return ok && *got == *want
}

func list(changes func(yield func(uint64, int64) bool)) []frontier.Change {
	var listed []frontier.Change
	for time, diff := range changes {
		listed = append(listed, frontier.Change{Time: time, Diff: diff})
	}
	return listed
}

// movement is how a frontier that goes from one place to another is told.
func movement(from, to frontier.Antichain) []frontier.Change {
	sum := twin{}
	for time := range from.Elements() {
		sum, _ = sum.plus(frontier.Change{Time: time, Diff: -1})
	}
	for time := range to.Elements() {
		sum, _ = sum.plus(frontier.Change{Time: time, Diff: +1})
	}
	return sum.changes()
}
