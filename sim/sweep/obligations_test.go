package sweep_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// TestObligationsAreCollected protects against false green: what was meant to
// happen and never did is named, also if nobody ever evaluated it.
func TestObligationsAreCollected(t *testing.T) {
	s := scenario(meets)
	s.Faults = []string{"crash", "lost-answer"}
	s.Goals = []string{"met-once", "reached", "never-evaluated"}
	r := run(t, s, sweep.Options{Seeds: upTo(100)})
	want := []runtime.Assertion{
		{Kind: runtime.KindSometimes, ID: "met-once", Evaluated: 100, Held: 1},
		{Kind: runtime.KindSometimes, ID: "never-evaluated"},
		{Kind: runtime.KindSometimes, ID: "never-met", Evaluated: 100},
		{Kind: runtime.KindReachable, ID: "reached", Evaluated: 100, Held: 100},
		{Kind: runtime.KindFault, ID: "crash"},
		{Kind: runtime.KindFault, ID: "lost-answer", Evaluated: 100, Held: 100},
	}
	if diff := cmp.Diff(want, r.Obligations()); diff != "" {
		t.Errorf("obligations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]runtime.Assertion{want[1], want[2], want[4]}, r.Unmet()); diff != "" {
		t.Errorf("unmet (-want +got):\n%s", diff)
	}
	if r.Code() != sweep.CodeInconclusive {
		t.Errorf("code %d", r.Code())
	}
	if few := run(t, s, sweep.Options{Seeds: upTo(99)}); few.Code() != sweep.CodeOK {
		t.Errorf("code %d of a sweep too short to be judged by its obligations", few.Code())
	}
}

// TestCodeOfASweep protects scripts that look at exit codes.
func TestCodeOfASweep(t *testing.T) {
	divergence := []sweep.Divergence{{Seed: 1}}
	failure := []sweep.Failure{{}}
	unmet := []runtime.Assertion{{Kind: runtime.KindSometimes, ID: "goal"}}
	for _, test := range []struct {
		report sweep.Report
		want   sweep.Code
	}{
		{sweep.Report{Done: 1}, sweep.CodeOK},
		{sweep.Report{}, sweep.CodeInconclusive}, // nothing ran, so nothing was proved
		{sweep.Report{Done: 1, Inconclusive: 1}, sweep.CodeInconclusive},
		{sweep.Report{Done: 100, Assertions: unmet}, sweep.CodeInconclusive},
		{sweep.Report{Done: 99, Assertions: unmet}, sweep.CodeOK},
		{sweep.Report{Done: 1, Interrupted: true, Inconclusive: 1}, sweep.CodeInterrupted},
		{sweep.Report{Done: 1, Interrupted: true, Failures: failure}, sweep.CodeViolation},
		{sweep.Report{Done: 1, Failures: failure, Divergences: divergence}, sweep.CodeNondeterminism},
	} {
		if got := test.report.Code(); got != test.want {
			t.Errorf("%+v: code %d, want %d", test.report, got, test.want)
		}
	}
}

// TestWorstCodeCounts protects the exit code of several sweeps.
func TestWorstCodeCounts(t *testing.T) {
	order := []sweep.Code{
		sweep.CodeOK, sweep.CodeUsage, sweep.CodeInconclusive, sweep.CodeInterrupted, sweep.CodeViolation,
		sweep.CodeNondeterminism, sweep.CodeHarness,
	}
	for i, worse := range order {
		for _, better := range order[:i+1] {
			if a, b := sweep.Worst(better, worse), sweep.Worst(worse, better); a != worse || b != worse {
				t.Errorf("worst of %d and %d: %d, %d", better, worse, a, b)
			}
		}
	}
	if sweep.Worst() != sweep.CodeOK {
		t.Error("the worst of nothing is not ok")
	}
}

// TestEscapedRunsAreNotRepeated protects sweeps from waiting twice for what
// never ends.
func TestEscapedRunsAreNotRepeated(t *testing.T) {
	block := make(chan struct{})
	r := run(t, scenario(func(context.Context, *sim.World) error { <-block; return nil }), sweep.Options{
		Seeds: upTo(1), Check: 1, Config: sim.Config{StuckAfter: 1e8},
	})
	close(block)
	if r.Checked != 0 || len(r.Failures) != 1 || r.Failures[0].Result.Verdict.Kind != sim.Escape {
		t.Errorf("%d checked, failures %+v", r.Checked, r.Failures)
	}
}

func ExampleRun() {
	scenario := sim.Scenario{
		Name: "lottery",
		Doc:  "one seed in a few loses",
		Run: func(_ context.Context, w *sim.World) error {
			rt := w.Runtime()
			number := rt.Choose("lottery", "number", 10)
			rt.Sometimes(number == 0, "zero")
			rt.Always(number != 9, "not-nine", "number", number)
			return nil
		},
	}
	report, err := sweep.Run(context.Background(), scenario, sweep.Options{Seeds: sweep.Seeds{{First: 1, Last: 1000}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range report.Failures {
		fmt.Printf("%v, first by seed %d\n", f.Result.Verdict, f.Result.Seed)
	}
	fmt.Println(report.Done, "seeds, unmet:", len(report.Unmet()))
	// Output:
	// not-nine number=9, first by seed 32
	// 1000 seeds, unmet: 0
}
