package frontiertest

import (
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
)

// Time generates times: mostly small ones, sometimes near [frontier.MaxTime] or
// anywhere.
func Time() *rapid.Generator[uint64] {
	small := rapid.Uint64Range(0, 20)
	return rapid.OneOf(
		small, small, small,
		rapid.Uint64Min(frontier.MaxTime-3),
		rapid.Uint64(),
	)
}

// Antichain generates frontiers, one in four of them empty.
func Antichain() *rapid.Generator[frontier.Antichain] {
	at := rapid.Map(Time(), frontier.At)
	return rapid.OneOf(at, at, at, rapid.Just(frontier.Empty()))
}

// Change generates changes at any [Time] by a diff from -3 to 3, zero included.
func Change() *rapid.Generator[frontier.Change] {
	return rapid.Custom(func(t *rapid.T) frontier.Change {
		return frontier.Change{
			Time: Time().Draw(t, "time"),
			Diff: rapid.Int64Range(-3, 3).Draw(t, "diff"),
		}
	})
}

// ChangeBatch generates batches of up to 30 changes, before consolidation. Each
// draw is a batch of its own.
func ChangeBatch() *rapid.Generator[*frontier.ChangeBatch] {
	return rapid.Custom(func(t *rapid.T) *frontier.ChangeBatch {
		batch := new(frontier.ChangeBatch)
		if err := batch.Extend(rapid.SliceOfN(Change(), 0, 30).Draw(t, "changes")...); err != nil {
			t.Fatalf("30 small diffs: %v", err)
		}
		return batch
	})
}

// MutableAntichain generates multisets of up to 30 times, whose counts are
// positive. Each draw is a multiset of its own.
func MutableAntichain() *rapid.Generator[*frontier.MutableAntichain] {
	return rapid.Custom(func(t *rapid.T) *frontier.MutableAntichain {
		antichain := new(frontier.MutableAntichain)
		for _, time := range rapid.SliceOfN(Time(), 0, 30).Draw(t, "times") {
			if _, err := antichain.Update(time, +1); err != nil {
				t.Fatalf("30 small counts: %v", err)
			}
		}
		return antichain
	})
}
