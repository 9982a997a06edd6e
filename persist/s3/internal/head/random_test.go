package head_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// overtake is what many others do at once: after it, no ring covers what was before.
func overtake(w *world, a *actor) outcome {
	w.commit(head.RingLength + 1)
	return scan(w, a)
}

// truncateNewest leaves only the newest version that the process knows.
func truncateNewest(w *world, a *actor) outcome {
	before := state.SeqNo(1)
	if a.known != nil {
		before = a.known.Object.Current()
	}
	return truncateTo(before)(w, a)
}

// TestManyTogether protects the same promises as the exhaustive test, with more processes,
// more calls and more that goes wrong: committers, truncaters, spillers, sweepers and readers
// against a plain list of versions.
func TestManyTogether(t *testing.T) {
	calls := map[string]begin{
		"append": commitNext, "append to 3": commitAt(3), "create": commitAt(0), "spill": spill, "sweep": sweep,
		"scan": scan, "truncate": truncateNewest, "truncate to 4": truncateTo(4), "overtake": overtake,
	}
	names := []string{
		"append", "append", "append", "append", "append to 3", "create", "spill", "spill", "sweep", "scan",
		"truncate", "truncate to 4", "overtake",
	}
	reached := make(map[head.Outcome]int)
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		var actors []*actor
		for range rapid.IntRange(1, 4).Draw(t, "processes") {
			var a actor
			for _, name := range rapid.SliceOfN(rapid.SampledFrom(names), 1, 6).Draw(t, "calls") {
				a.script = append(a.script, calls[name])
			}
			actors = append(actors, &a)
		}
		quiet := rapid.IntRange(0, 8).Draw(t, "quiet") // that many of ten choices are 0
		ended := w.play(func(label string, n int) int {
			if n == 1 || label != "turn" && rapid.IntRange(0, 9).Draw(t, "luck") < quiet {
				return 0
			}
			return rapid.IntRange(0, n-1).Draw(t, label)
		}, actors...)
		for outcome, n := range ended {
			reached[outcome] += n
		}
	})
	for outcome := head.Committed; outcome <= head.Indeterminate; outcome++ {
		if reached[outcome] == 0 {
			t.Errorf("no call was ever %v", outcome)
		}
	}
}
