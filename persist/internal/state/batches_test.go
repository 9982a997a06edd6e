package state_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// The twin looks at one batch after the other.
func TestCoveringFindsTheBatchOfATime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var batches state.Batches
		var upper frontier.Antichain
		for !upper.IsEmpty() && rapid.IntRange(0, 50).Draw(t, "more") > 0 {
			id := batches.NextID()
			start, _ := upper.Time()
			end := frontier.At(start + rapid.Uint64Range(1, 4).Draw(t, "width"))
			if rapid.IntRange(0, 20).Draw(t, "closes") == 0 {
				end = frontier.Empty()
			}
			batch := state.Batch{IDs: state.BatchIDs{Lower: id, Upper: id + 1}, Desc: state.Desc{Lower: upper, Upper: end}}
			batches = batches.Updated(func(yield func(state.BatchID, *state.Batch) bool) { yield(id, &batch) })
			upper = end
		}
		for time := range uint64(220) {
			want, isThere := state.Batch{}, false
			for _, batch := range batches.All() {
				if batch.Desc.Lower.LessEqualTime(time) && !batch.Desc.Upper.LessEqualTime(time) {
					want, isThere = batch, true
				}
			}
			if got, ok := batches.Covering(time); ok != isThere || !got.Equal(want) {
				t.Fatalf("time %d is in %v (%t), want %v (%t)", time, got, ok, want, isThere)
			}
		}
		if batches.Upper() != upper {
			t.Fatalf("the upper is %v, want %v", batches.Upper(), upper)
		}
	})
}
