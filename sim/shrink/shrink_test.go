package shrink_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/shrink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// failing returns the first failing run of a fixture.
func failing(t *testing.T, f fixture) sim.Result {
	t.Helper()
	for seed := range uint64(2000) {
		r, err := sim.Run(t.Context(), sim.Config{Seed: seed}, f.run)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict.Failed() {
			return r
		}
	}
	t.Fatal("no seed fails")
	return sim.Result{}
}

func scenarioOf(f fixture) sim.Scenario {
	return sim.Scenario{Name: strings.ReplaceAll(f.name, " ", "-"), Doc: f.name, Run: f.run}
}

// TestShrinksToTheKnownMinimum protects people from long stories: what is left is at
// most twice what is needed, fails in the same way, and repeats.
func TestShrinksToTheKnownMinimum(t *testing.T) {
	if len(fixtures) < 12 {
		t.Errorf("only %d fixtures", len(fixtures))
	}
	for _, f := range fixtures {
		t.Run(f.name, func(t *testing.T) {
			first := failing(t, f)
			r, err := shrink.Run(t.Context(), scenarioOf(f), sim.Config{Replay: first.Tape}, shrink.Options{TimeMax: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d deviations, then %s, after %d runs", r.Before, r.Summary(), r.Runs)
			if got := len(r.Script.Deviations); got > 2*f.minimum || got < f.minimum {
				t.Errorf("%d deviations are left, %d are needed: %v", got, f.minimum, r.Script.Deviations)
			}
			if r.Run.Verdict.FailureID() != first.Verdict.FailureID() || !r.IsComplete {
				t.Errorf("ends with %v, not %v; complete %v", r.Run.Verdict, first.Verdict, r.IsComplete)
			}
			again, err := sim.Run(t.Context(), sim.Config{Script: r.Script}, f.run)
			if err != nil || again.Hash != r.Run.Hash || len(again.Left) != 0 {
				t.Errorf("followed again: hash %016x, not %016x; left %v; %v", again.Hash, r.Run.Hash, again.Left, err)
			}
		})
	}
}

// TestShrinksTheWorkload protects people from long stories of programs that draw what
// they do: of up to 50 operations three are left, which it takes, by no more limits than
// needed, and the script alone repeats that.
func TestShrinksTheWorkload(t *testing.T) {
	f := fixture{name: "operations", run: operations}
	first := failing(t, f)
	r, err := shrink.Run(t.Context(), scenarioOf(f), sim.Config{Replay: first.Tape}, shrink.Options{TimeMax: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s after %d runs: %v", r.Summary(), r.Runs, r.Script.Limits)
	for _, want := range []string{"done=3"} {
		if !strings.Contains(r.Run.Verdict.String(), want) {
			t.Errorf("shrunk to %v, want %s", r.Run.Verdict, want)
		}
	}
	data, err := r.Script.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var read sim.Script
	if err := read.UnmarshalText(data); err != nil {
		t.Fatal(err)
	}
	again, err := sim.Run(t.Context(), sim.Config{Script: &read}, f.run)
	if err != nil || again.Hash != r.Run.Hash || len(again.Left) > 0 || again.Tape != nil {
		t.Errorf("read again: hash %016x, not %016x; left %v; tape %v; %v",
			again.Hash, r.Run.Hash, again.Left, again.Tape, err)
	}
	if n := len(r.Script.Deviations); n > 2 || len(r.Script.Limits) != 1 {
		t.Errorf("%d deviations: %v; limits %v", n, r.Script.Deviations, r.Script.Limits)
	}
}

// TestWorkloadGoesBeforeTheInterleaving protects the order of the stages: the first smaller
// workload is found while the switches are all there, and each run that is told of is calmer than
// the one before, also where a second attempt is made.
func TestWorkloadGoesBeforeTheInterleaving(t *testing.T) {
	f := fixture{name: "operations", run: operations}
	var told []shrink.Result
	r, err := shrink.Run(t.Context(), scenarioOf(f), sim.Config{Replay: failing(t, f).Tape}, shrink.Options{
		TimeMax: time.Minute, Progress: func(r shrink.Result) { told = append(told, r) },
	})
	if err != nil || len(told) < 3 {
		t.Fatalf("%d runs told of, %v", len(told), err)
	}
	if len(told[0].Script.Limits) == 0 {
		t.Errorf("the first smaller run has the whole workload: %s", told[0].Summary())
	}
	for i, later := range told[1:] {
		if len(later.Script.Deviations) > len(told[i].Script.Deviations) {
			t.Errorf("%s, then %s", told[i].Summary(), later.Summary())
		}
	}
	if last := told[len(told)-1]; last.Run.Hash != r.Run.Hash {
		t.Errorf("the last one told of is %s, the result is %s", last.Summary(), r.Summary())
	}
}

// TestARunThatPassesIsRefused protects from shrinking nothing to nothing.
func TestARunThatPassesIsRefused(t *testing.T) {
	s := sim.Scenario{Name: "fine", Doc: "passes", Run: func(context.Context, *sim.World) error { return nil }}
	if _, err := shrink.Run(t.Context(), s, sim.Config{}, shrink.Options{}); !errors.Is(err, shrink.ErrNotRepeated) {
		t.Errorf("error %v", err)
	}
}

// TestTimeIsUp protects Ctrl-C and limits: the best run until then is returned.
func TestTimeIsUp(t *testing.T) {
	f := fixtures[0]
	first := failing(t, f)
	r, err := shrink.Run(t.Context(), scenarioOf(f), sim.Config{Replay: first.Tape}, shrink.Options{TimeMax: time.Nanosecond})
	if err != nil || r.IsComplete || r.Script == nil {
		t.Errorf("%+v, error %v", r, err)
	}
}

// TestSummary protects the words.
func TestSummary(t *testing.T) {
	r := shrink.Result{Run: sim.Result{Steps: 24, Operations: 9}, Script: &sim.Script{
		Deviations: []sim.Deviation{{Kind: sim.Preemption}, {Kind: sim.Preemption}, {Kind: sim.Delivered}},
		Limits:     []sim.Number{{Stream: "workload"}},
	}}
	if diff := cmp.Diff("2 preemptions, 1 fault, 9 operations", r.Summary()); diff != "" {
		t.Error(diff)
	}
	r.Script.Deviations = []sim.Deviation{{Kind: sim.Order}, {Kind: sim.Order}, {Kind: sim.Drawn}}
	if diff := cmp.Diff("2 choices of order, 1 draw, 9 operations", r.Summary()); diff != "" {
		t.Error(diff)
	}
	r.Run.Operations, r.Script.Deviations = 1, nil
	if diff := cmp.Diff("nothing out of the ordinary, 1 operation", r.Summary()); diff != "" {
		t.Error(diff)
	}
}
