package main

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/report"
	"github.com/tidemarkdb/tidemark/sim/shrink"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// sweepOver runs a scenario over seeds.
func sweepOver(t *testing.T, s sim.Scenario, first, last uint64) sweep.Report {
	t.Helper()
	r, err := sweep.Run(t.Context(), s, sweep.Options{Seeds: sweep.Seeds{{First: first, Last: last}}, Check: 10, FailuresMax: 1})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLibraryKeepsItsPromises protects the example: etcd's raft is sound, every kind of
// fault happens, and a seed repeats although the library draws from crypto/rand.
func TestLibraryKeepsItsPromises(t *testing.T) {
	last := uint64(200)
	if testing.Short() {
		last = 40
	}
	if r := sweepOver(t, Scenarios()[0], 1, last); r.Code() != sweep.CodeOK && !testing.Short() {
		t.Errorf("code %v, failures %v, divergences %v, missing %v", r.Code(), r.Failures, r.Divergences, r.Unmet())
	}
}

// TestForgottenVoteIsFound protects what the example is for: the planted bug is found, and
// told as a story of a few faults.
func TestForgottenVoteIsFound(t *testing.T) {
	scenario := Scenarios()[1]
	r := sweepOver(t, scenario, 1, 500)
	if len(r.Failures) != 1 || r.Failures[0].Result.Verdict.FailureID() != "one-leader-a-term" {
		t.Fatalf("failures %v", r.Failures)
	}
	failed := r.Failures[0].Result
	config := scenario.Config(sim.Config{Seed: failed.Seed})
	config.Replay = failed.Tape
	small, err := shrink.Run(t.Context(), scenario, config, shrink.Options{TimeMax: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if n := small.Script.Count(sim.Delivered); n == 0 || n > 4 {
		t.Errorf("%d faults, want a crash and little else: %v", n, small.Summary())
	}
	text := report.Failure{Title: scenario.Name, Result: failed, StoryMax: 40}
	text.Shrink(context.Background(), scenario, scenario.Config(sim.Config{}), shrink.Options{TimeMax: 20 * time.Second})
	text.Tell(context.Background(), scenario.Config(sim.Config{}), scenario.Run)
	t.Logf("seed %d\n%s", failed.Seed, text.String())
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
