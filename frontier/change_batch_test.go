package frontier_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
)

// Neither the order nor the grouping of changes shows in the sums.
func TestChangeBatchForgetsTheOrderOfChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		changes := rapid.SliceOfN(frontiertest.Change(), 0, 40).Draw(t, "changes")
		shuffled := rapid.Permutation(changes).Draw(t, "shuffled")
		cut := rapid.IntRange(0, len(shuffled)).Draw(t, "cut")

		var one, first, second frontier.ChangeBatch
		must(one.Extend(changes...))
		must(first.Extend(shuffled[:cut]...))
		must(second.Extend(shuffled[cut:]...))
		must(first.Merge(&second))
		if !one.Equal(first) {
			t.Fatalf("got %v, want %v", first, one)
		}
	})
}

// An error must leave no trace, or the caller could not go on.
func TestChangeBatchRefusesOverflowAsAWhole(t *testing.T) {
	var before, other frontier.ChangeBatch
	must(before.Extend(frontier.Change{Time: 3, Diff: math.MaxInt64}, frontier.Change{Time: 5, Diff: math.MinInt64}))
	must(other.Extend(frontier.Change{Time: 1, Diff: 1}, frontier.Change{Time: 3, Diff: 2}))
	for name, call := range map[string]func(b *frontier.ChangeBatch) error{
		"Update":    func(b *frontier.ChangeBatch) error { return b.Update(3, 2) },
		"Extend":    func(b *frontier.ChangeBatch) error { return b.Extend(list(other.All())...) },
		"Merge":     func(b *frontier.ChangeBatch) error { return b.Merge(&other) },
		"Move":      func(b *frontier.ChangeBatch) error { return b.Move(frontier.At(5), frontier.At(7)) },
		"DrainInto": func(b *frontier.ChangeBatch) error { return other.DrainInto(b) },
	} {
		t.Run(name, func(t *testing.T) {
			batch := before.Clone()
			var overflow *frontier.OverflowError
			if err := call(&batch); !errors.As(err, &overflow) {
				t.Fatalf("got error %v, want an overflow", err)
			}
			if diff := cmp.Diff(before, batch); diff != "" {
				t.Errorf("the batch changed (-before +after):\n%s", diff)
			}
			expect(t, "entries of the other batch", other.Len(), 2)
		})
	}
}

// Extend may refuse what would cancel later: it takes changes in their order.
func TestExtendSumsInOrder(t *testing.T) {
	var batch frontier.ChangeBatch
	err := batch.Extend(
		frontier.Change{Time: 3, Diff: math.MaxInt64}, frontier.Change{Time: 3, Diff: 1},
		frontier.Change{Time: 3, Diff: -1},
	)
	want := frontier.OverflowError{Time: 3, Sum: math.MaxInt64, Diff: 1}
	var overflow *frontier.OverflowError
	if !errors.As(err, &overflow) || *overflow != want {
		t.Errorf("got error %v, want %v", err, &want)
	}
}

// A loop that stops early must not lose what it did not see: a lost release
// would stop compaction for ever.
func TestDrainStoppedEarlyLeavesTheRest(t *testing.T) {
	for _, size := range []uint64{3, 8, 9, 100} {
		var batch frontier.ChangeBatch
		for time := range size {
			must(batch.Update(time, 1))
		}
		var drained uint64
		for time := range batch.Drain() {
			expect(t, "drained", time, drained)
			if drained++; drained == 2 {
				break
			}
		}
		expect(t, "left", uint64(batch.Len()), size-2)
		for range batch.Drain() {
			drained++
		}
		expect(t, "drained in all", drained, size)
		expect(t, "is empty", batch.IsEmpty(), true)
	}
}

// The body of a draining loop may add work, which the same loop then does.
func TestDrainHandsOutWhatItsBodyAdds(t *testing.T) {
	var batch frontier.ChangeBatch
	must(batch.Update(1, 1))
	var drained []uint64
	for time := range batch.Drain() {
		drained = append(drained, time)
		if time < 20 {
			must(batch.Update(time+2, 1))
			must(batch.Update(time+3, 1))
		}
	}
	if want := []uint64{1, 3, 4}; !slices.Equal(drained[:3], want) || !slices.IsSorted(drained) {
		t.Errorf("drained %v, want %v first, in order", drained, want)
	}
	expect(t, "is empty", batch.IsEmpty(), true)
}

// A batch drained into itself would be emptied after it was filled.
func TestDrainIntoItselfChangesNothing(t *testing.T) {
	var batch frontier.ChangeBatch
	must(batch.Update(1, 1))
	must(batch.DrainInto(&batch))
	expect(t, "batch", batch.String(), "[1:+1]")
}

// A batch that was large for a while goes back into its own value, and does not
// change its form again and again while its size wavers around a limit.
func TestChangeBatchShrinks(t *testing.T) {
	var batch frontier.ChangeBatch
	between := func(low, high uint64) func() {
		return func() {
			for time := low; time < high; time++ {
				must(batch.Update(time, +1))
			}
			for time := low; time < high; time++ {
				must(batch.Update(time, -1))
			}
		}
	}
	for time := range uint64(9) {
		must(batch.Update(time, +1))
	}
	for time := uint64(8); time >= 5; time-- {
		must(batch.Update(time, -1))
	}
	expectAllocations(t, "a large batch between 5 and 10 entries", 0, between(5, 10))
	must(batch.Update(4, -1))
	if err := batch.Check(); err != nil {
		t.Errorf("after shrinking to 4 entries: %v", err)
	}
	expectAllocations(t, "a small batch between 4 and 8 entries", 0, between(4, 8))
}
