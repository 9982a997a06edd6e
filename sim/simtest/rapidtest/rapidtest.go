package rapidtest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// Check lets rapid look for a plan under which a world fails. Property draws the plan,
// and returns what a world is to do with it; it must depend on nothing but its draws,
// and main must not draw. The test fails with the smallest plan that rapid has found
// for the first failure's id, and with the story of the smallest run of that plan.
func Check(t *testing.T, property func(*rapid.T) sim.Main) {
	t.Helper()
	c := &checker{t: t, property: property, others: make(map[string]int)}
	defer c.tell()
	rapid.Check(t, c.check)
}

// checker keeps what the cases of one Check have in common.
type checker struct {
	t        *testing.T
	property func(*rapid.T) sim.Main
	id       string         // of the first failure; empty before
	last     *simtest.Trial // the last one that failed so: in the end, the smallest
	others   map[string]int // how often which other failures were met
}

// check runs one case, and fails it in the goroutine that rapid has called.
func (c *checker) check(t *rapid.T) {
	seed := rapid.Uint64().Draw(t, "seed")
	trial := simtest.Try(c.t, seed, c.property(t))
	switch id := trial.Result.Verdict.FailureID(); {
	case trial.Result.Verdict.Kind == sim.Goexit, trial.Result.Races > 0: // which rapid cannot repeat
		c.last = trial
		c.t.FailNow()
	case id == "":
		return
	case c.id == "":
		c.id = id
	case c.id != id:
		c.others[id]++
		return
	}
	c.last = trial
	t.Fatalf("%s", trial.Result.Verdict)
}

// tell writes the story of the smallest case.
func (c *checker) tell() {
	if c.last == nil || !c.t.Failed() {
		return
	}
	fmt.Fprintln(c.t.Output(), c.last.Describe("drawn by rapid", ""))
	for _, id := range slices.Sorted(maps.Keys(c.others)) {
		fmt.Fprintf(c.t.Output(), "  besides: %s, %d times, is another failure\n", id, c.others[id])
	}
}
