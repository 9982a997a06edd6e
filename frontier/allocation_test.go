package frontier_test

import (
	"testing"
	"unsafe"

	"github.com/tidemarkdb/tidemark/frontier"
)

func expectAllocations(t *testing.T, what string, want float64, run func()) {
	t.Helper()
	if got := testing.AllocsPerRun(100, run); got != want {
		t.Errorf("%s: %v allocations, want %v", what, got, want)
	}
}

// Frontiers are passed and stored by value everywhere: they must stay small.
func TestAntichainIs16Bytes(t *testing.T) {
	if size := unsafe.Sizeof(frontier.Antichain{}); size > 16 {
		t.Errorf("an antichain has %d bytes, want at most 16", size)
	}
}

func TestAntichainDoesNotAllocate(t *testing.T) {
	a, b, sum := frontier.At(5), frontier.Empty(), uint64(0)
	expectAllocations(t, "the algebra", 0, func() {
		a = a.Join(frontier.At(3)).Meet(b).Insert(9, 7)
		for time := range a.Elements() {
			sum += time
		}
		if a.LessThan(b) && a.LessEqualTime(sum) {
			sum = a.AdvanceTime(sum)
		}
	})
}

// Up to 8 distinct times a batch lives in its own value, whatever is done.
func TestChangeBatchOf8TimesDoesNotAllocate(t *testing.T) {
	var sum int64
	expectAllocations(t, "filling, merging and draining", 0, func() {
		var batch, other frontier.ChangeBatch
		for time := range uint64(8) {
			must(batch.Update(time, +1))
			must(batch.Update(time, +1))
		}
		must(other.Extend(frontier.Change{Time: 1, Diff: -2}, frontier.Change{Time: 9, Diff: 1}))
		must(other.Move(frontier.At(9), frontier.Empty()))
		must(batch.Merge(&other))
		must(batch.Merge(&batch))
		twin := batch.Clone()
		for _, diff := range twin.All() {
			sum += diff
		}
		must(batch.DrainInto(&other))
		for _, diff := range other.Drain() {
			sum += diff
		}
	})
	if sum == 0 {
		t.Error("nothing was summed up")
	}
}

func TestMutableAntichainOf8TimesDoesNotAllocate(t *testing.T) {
	expectAllocations(t, "holding, moving and letting go", 0, func() {
		var antichain frontier.MutableAntichain
		var batch frontier.ChangeBatch
		for time := range uint64(8) {
			_, err := antichain.Update(time, +1)
			must(err)
		}
		must(batch.Move(frontier.At(0), frontier.At(1)))
		moved, err := antichain.Apply(&batch)
		must(err)
		for time := range moved.All() {
			if antichain.Count(time) < 0 {
				t.Error("a negative count")
			}
		}
	})
}

// A mailbox is taken by swapping it for an empty one, however much is in it.
func TestDrainIntoAnEmptyBatchMovesNothing(t *testing.T) {
	var mailbox, taken frontier.ChangeBatch
	for time := range uint64(1000) {
		must(mailbox.Update(time, +1))
	}
	expectAllocations(t, "there and back", 0, func() {
		must(mailbox.DrainInto(&taken))
		must(taken.DrainInto(&mailbox))
	})
	expect(t, "entries", mailbox.Len(), 1000)
}

// Holds that come and go at the frontier touch one count, however many others
// there are.
func TestAcquireAndReleaseDoNotAllocateInALargeMultiset(t *testing.T) {
	antichain := held(1000)
	expectAllocations(t, "acquiring and releasing", 0, func() { acquireAndRelease(antichain) })
}

// held returns a multiset of n distinct times, the first at 1000.
func held(n uint64) *frontier.MutableAntichain {
	antichain := new(frontier.MutableAntichain)
	for time := range n {
		_, err := antichain.Update(1000+time, +1)
		must(err)
	}
	return antichain
}

// acquireAndRelease adds a hold where the frontier is, and takes it away.
func acquireAndRelease(antichain *frontier.MutableAntichain) {
	time, _ := antichain.Frontier().Time()
	_, err := antichain.Update(time, +1)
	must(err)
	_, err = antichain.Update(time, -1)
	must(err)
}
