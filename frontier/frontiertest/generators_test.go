package frontiertest_test

import (
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
)

// seeds is how many fixed draws the generators get to show their range.
const seeds = 500

// A generator that no longer reaches the awkward values would let every property
// pass for the wrong reason.
func TestGeneratorsReachTheAwkwardValues(t *testing.T) {
	reached := map[string]bool{}
	for seed := range seeds {
		time := frontiertest.Time().Example(seed)
		reached["time 0"] = reached["time 0"] || time == 0
		reached["last time"] = reached["last time"] || time == frontier.MaxTime
		reached["any time"] = reached["any time"] || 1<<40 < time && time < 1<<63

		a, b := frontiertest.Antichain().Example(2*seed), frontiertest.Antichain().Example(2*seed+1)
		reached["empty frontier"] = reached["empty frontier"] || a.IsEmpty()
		reached["equal frontiers"] = reached["equal frontiers"] || a == b && !a.IsEmpty()

		change := frontiertest.Change().Example(seed)
		reached["zero diff"] = reached["zero diff"] || change.Diff == 0

		batch := frontiertest.ChangeBatch().Example(seed)
		reached["empty batch"] = reached["empty batch"] || batch.IsEmpty()
		reached["large batch"] = reached["large batch"] || batch.Len() > 8

		antichain := frontiertest.MutableAntichain().Example(seed)
		reached["empty multiset"] = reached["empty multiset"] || antichain.Len() == 0
		reached["large multiset"] = reached["large multiset"] || antichain.Len() > 8
	}
	for what, isReached := range reached {
		if !isReached {
			t.Errorf("no %s in %d draws", what, seeds)
		}
	}
}

// Whoever draws a multiset relies on counts that its owner would accept.
func TestMutableAntichainHasPositiveCounts(t *testing.T) {
	for seed := range seeds {
		antichain := frontiertest.MutableAntichain().Example(seed)
		for time, count := range antichain.Counts() {
			if count <= 0 {
				t.Fatalf("seed %d: count %d at %d", seed, count, time)
			}
		}
	}
}
