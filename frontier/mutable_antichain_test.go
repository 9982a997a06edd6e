package frontier_test

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
)

// One step and many small ones arrive at the same counts and the same frontier,
// and the movements on the way add up to the movement in one.
func TestApplyIsTheSumOfItsUpdates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := frontiertest.MutableAntichain().Draw(t, "antichain")
		single := whole.Clone()
		batch := frontiertest.ChangeBatch().Draw(t, "batch")

		moved, err := whole.Apply(batch)
		must(err)
		var sum frontier.ChangeBatch
		for time, diff := range batch.All() {
			movedOnce, err := single.Update(time, diff)
			must(err)
			must(sum.Merge(&movedOnce))
		}
		if !whole.Equal(single) || whole.Frontier() != single.Frontier() {
			t.Fatalf("got %v, want %v", whole, single)
		}
		if !moved.Equal(sum) {
			t.Fatalf("moved by %v, in steps by %v", moved, sum)
		}
	})
}

// The frontier of many holds is their meet, whoever comes and goes.
func TestFrontierIsTheMeetOfWhatIsHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var antichain frontier.MutableAntichain
		met := frontier.Empty()
		for _, hold := range rapid.SliceOfN(frontiertest.Antichain(), 0, 20).Draw(t, "holds") {
			var acquired frontier.ChangeBatch
			must(acquired.Move(frontier.Empty(), hold))
			_, err := antichain.Apply(&acquired)
			must(err)
			met = met.Meet(hold)
		}
		if antichain.Frontier() != met {
			t.Fatalf("frontier %v, want %v", antichain.Frontier(), met)
		}
	})
}

// An error must leave no trace: neither counts nor frontier.
func TestMutableAntichainRefusesOverflowAsAWhole(t *testing.T) {
	var antichain frontier.MutableAntichain
	_, err := antichain.Update(3, math.MaxInt64)
	must(err)
	before := antichain.Clone()
	var batch frontier.ChangeBatch
	must(batch.Extend(frontier.Change{Time: 1, Diff: 1}, frontier.Change{Time: 3, Diff: 1}))

	_, updateErr := antichain.Update(3, 1)
	_, applyErr := antichain.Apply(&batch)
	for _, err := range []error{updateErr, applyErr} {
		want := frontier.OverflowError{Time: 3, Sum: math.MaxInt64, Diff: 1}
		var overflow *frontier.OverflowError
		if !errors.As(err, &overflow) || *overflow != want {
			t.Errorf("got error %v, want %v", err, &want)
		}
	}
	if diff := cmp.Diff(before, antichain); diff != "" {
		t.Errorf("the multiset changed (-before +after):\n%s", diff)
	}
	expect(t, "frontier", antichain.Frontier(), frontier.At(3))
}

// Applying leaves the batch to its owner, who may have other uses for it.
func TestApplyLeavesTheBatchAlone(t *testing.T) {
	var antichain frontier.MutableAntichain
	var batch frontier.ChangeBatch
	must(batch.Extend(frontier.Change{Time: 5, Diff: 1}, frontier.Change{Time: 7, Diff: -1}))
	_, err := antichain.Apply(&batch)
	must(err)
	expect(t, "batch", batch.String(), "[5:+1 7:-1]")
}

// The last time is a time like any other: holding it is not holding nothing.
func TestHoldingTheLastTimeIsNotHoldingNothing(t *testing.T) {
	var antichain frontier.MutableAntichain
	_, err := antichain.Update(frontier.MaxTime, +1)
	must(err)
	expect(t, "frontier", antichain.Frontier(), frontier.At(frontier.MaxTime))
	_, err = antichain.Update(frontier.MaxTime, -1)
	must(err)
	expect(t, "frontier", antichain.Frontier(), frontier.Empty())
}
