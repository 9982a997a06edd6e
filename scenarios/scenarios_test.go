package scenarios_test

import (
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/scenarios"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestScenarios sweeps every scenario that need not be named.
func TestScenarios(t *testing.T) {
	for _, s := range scenarios.All() {
		if s.Named {
			continue
		}
		t.Run(s.Name, func(t *testing.T) { simtest.RunScenario(t, s) })
	}
}

// TestCanaryFails protects against a simulator that finds nothing: the planted
// bug has to show within the seeds of a short test.
func TestCanaryFails(t *testing.T) {
	for seed := range uint64(20) {
		r, err := sim.Run(t.Context(), sim.Config{Seed: seed}, scenarios.Canary().Run)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict.FailureID() == "no-overdraft" {
			return
		}
	}
	t.Error("20 seeds, and the planted bug has not shown")
}

// TestRunsAreLongEnough protects against scenarios that end before anything
// can happen: nine runs in ten have at least 500 scheduling points, but for
// the canary, which is small so that its story is short.
func TestRunsAreLongEnough(t *testing.T) {
	for _, s := range scenarios.All() {
		if s.Named {
			continue
		}
		var steps []uint64
		seeds := 30
		if testing.Short() {
			seeds = 10
		}
		for seed := range uint64(seeds) {
			r, err := sim.Run(t.Context(), s.Config(sim.Config{Seed: seed}), s.Run)
			if err != nil {
				t.Fatal(err)
			}
			steps = append(steps, r.Steps)
		}
		slices.Sort(steps)
		if tenth := steps[seeds/10]; tenth < 500 {
			t.Errorf("%s: a tenth of the runs have at most %d steps", s.Name, tenth)
		}
	}
}
