package frontier_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
	"github.com/tidemarkdb/tidemark/frontier/internal/partial"
)

// Package frontier and its model share no line of reasoning: the one keeps
// sorted structures and moves by single steps, the other appends, scans and
// recomputes. On any sequence of batches they must tell the same story.
func TestSpecialisedAndModelAgreeOnCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var specialised specialisedCounter
		var model modelCounter[partial.Uint64]
		for range rapid.IntRange(0, 20).Draw(t, "batches") {
			batch := frontiertest.ChangeBatch().Draw(t, "batch")
			changes := collect(batch.All())
			moved, want := specialised.apply(changes...), model.apply(changes...)
			if !slices.Equal(moved, want) {
				t.Fatalf("moved by %v, model by %v", moved, want)
			}
			if !slices.Equal(specialised.frontier(), model.frontier()) {
				t.Fatalf("frontier %v, model %v", specialised.frontier(), model.frontier())
			}
			if !slices.Equal(specialised.counts(), model.counts()) {
				t.Fatalf("counts %v, model %v", specialised.counts(), model.counts())
			}
			if err := specialised.check(); err != nil {
				t.Fatal(err)
			}
			if err := model.check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// The model sums up when somebody looks, package frontier at once: nobody may
// see the difference.
func TestSpecialisedAndModelAgreeOnBatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var batch, other frontier.ChangeBatch
		var modelBatch, modelOther partial.ChangeBatch[partial.Uint64]
		t.Repeat(map[string]func(*rapid.T){
			"update": func(t *rapid.T) {
				c := frontiertest.Change().Draw(t, "change")
				must(batch.Update(c.Time, c.Diff))
				modelBatch.Update(partial.Uint64(c.Time), c.Diff)
			},
			"is empty": func(t *rapid.T) {
				if batch.IsEmpty() != modelBatch.IsEmpty() {
					t.Fatalf("%v is empty: %t", batch, batch.IsEmpty())
				}
			},
			"drain": func(t *rapid.T) {
				if got, want := collect(batch.Drain()), modelBatch.Drain(); !slices.Equal(got, want) {
					t.Fatalf("drained %v, model %v", got, want)
				}
			},
			"drain into": func(t *rapid.T) {
				must(batch.DrainInto(&other))
				modelBatch.DrainInto(&modelOther)
				if got, want := collect(other.All()), modelOther.Changes(); !slices.Equal(got, want) {
					t.Fatalf("drained into %v, model %v", got, want)
				}
			},
			"": func(t *rapid.T) {
				if err := modelBatch.Check(); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}
