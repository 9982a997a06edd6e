package sim_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// worldEvents executes main and returns what happened to nodes, with steps.
func worldEvents(t *testing.T, seed uint64, main sim.Main) map[string]uint64 {
	t.Helper()
	events := make(map[string]uint64)
	r := runWith(t, sim.Config{Seed: seed, Trace: func(e trace.Event) {
		if e.Kind == trace.World || e.Kind == trace.Fault {
			events[e.Text] = e.Step
		}
	}}, main)
	if r.Verdict.Kind != sim.OK {
		t.Fatalf("verdict %v", r.Verdict)
	}
	return events
}

// TestFaultIsDeliveredAtItsStep protects plans: the fault comes before the
// decision that it names, is counted, and is over after its duration.
func TestFaultIsDeliveredAtItsStep(t *testing.T) {
	for seed := range uint64(20) {
		var count []runtime.Assertion
		events := worldEvents(t, seed, func(ctx context.Context, w *sim.World) error {
			n := booted(w, "n1", func(_ context.Context, rt *runtime.Runtime) error { spin(nil, rt); return nil })
			must(w.Inject(sim.Fault{Kind: sim.FaultCrash, Target: n.Name(), Step: 1000, Duration: time.Second}))
			for n.State() == sim.Up {
				w.Runtime().Yield()
			}
			before := w.Elapsed()
			for n.State() != sim.Up {
				must(w.Runtime().Sleep(ctx, time.Millisecond))
			}
			if d := w.Elapsed() - before; d < time.Second || d > time.Second+2*time.Millisecond {
				t.Errorf("down for %v, want a second", d)
			}
			count = w.Runtime().Assertions()
			return nil
		})
		if events["crash n1"] != 1000 {
			t.Errorf("seed %d: delivered at step %d, want 1000", seed, events["crash n1"])
		}
		want := []runtime.Assertion{{Kind: runtime.KindFault, ID: "crash", Evaluated: 1, Held: 1}}
		if diff := cmp.Diff(want, count); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
	}
}

// TestFaultThatDoesNotFitIsNotCounted protects obligations: a fault that was
// planned but could not happen has not happened.
func TestFaultThatDoesNotFitIsNotCounted(t *testing.T) {
	wantOK(t, 5, func(ctx context.Context, w *sim.World) error {
		n, err := w.Node("n1", forEver)
		must(err)
		plan := func(kind sim.FaultKind) {
			must(w.Inject(sim.Fault{Kind: kind, Target: n.Name(), Step: 1, Duration: time.Second}))
			w.Runtime().Yield()
		}
		plan(sim.FaultCrash) // down
		plan(sim.FaultPause)
		must(n.Boot())
		must(n.Pause())
		plan(sim.FaultPause) // paused by somebody else, who resumes it
		pass(ctx, w, time.Minute)
		if n.State() != sim.Paused {
			t.Errorf("state %v", n.State())
		}
		must(n.Crash())
		plan(sim.FaultCrash) // crashed by somebody else, who restarts it
		pass(ctx, w, time.Minute)
		if n.State() != sim.Crashed || len(w.Runtime().Assertions()) > 0 {
			t.Errorf("state %v, counts %v", n.State(), w.Runtime().Assertions())
		}
		return nil
	})
}

// TestEndOfAFaultFitsItsFault protects nodes from the relief of a fault that
// somebody else has ended: it would restart or resume them at a wrong time.
func TestEndOfAFaultFitsItsFault(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		n := booted(w, "n1", forEver)
		fault := func(kind sim.FaultKind) {
			must(w.Inject(sim.Fault{Kind: kind, Target: n.Name(), Step: 1, Duration: 10 * time.Second}))
			w.Runtime().Yield()
		}
		fault(sim.FaultCrash)
		must(n.Restart())
		must(n.Crash())
		pass(ctx, w, time.Minute)
		if n.State() != sim.Crashed {
			t.Errorf("state %v: the end of a fault restarted a node that somebody else had crashed", n.State())
		}
		must(n.Restart())
		fault(sim.FaultPause)
		must(n.Resume())
		must(n.Pause())
		pass(ctx, w, time.Minute)
		if n.State() != sim.Paused {
			t.Errorf("state %v: the end of a fault resumed a node that somebody else had paused", n.State())
		}
		must(n.Resume())
		fault(sim.FaultPause)
		fault(sim.FaultCrash) // while paused: only its own end counts
		pass(ctx, w, 9*time.Second)
		if n.State() != sim.Crashed {
			t.Errorf("state %v", n.State())
		}
		pass(ctx, w, 2*time.Second)
		if n.State() != sim.Up {
			t.Errorf("state %v", n.State())
		}
		return nil
	})
}

// TestInjectChecksItsFaults protects plans from faults that cannot be.
func TestInjectChecksItsFaults(t *testing.T) {
	var other *sim.Node
	run(t, 1, func(_ context.Context, w *sim.World) error { other = booted(w, "elsewhere", forEver); return nil })
	wantOK(t, 1, func(_ context.Context, w *sim.World) error {
		n := booted(w, "n1", forEver)
		good := sim.Fault{Kind: sim.FaultCrash, Target: n.Name(), Step: 1}
		for name, bad := range map[string]sim.Fault{
			"unknown kind":  {Kind: "gremlins", Target: "n1"},
			"no node":       {Kind: sim.FaultCrash},
			"other world":   {Kind: sim.FaultCrash, Target: other.Name()},
			"negative time": {Kind: sim.FaultCrash, Target: "n1", Duration: -1},
		} {
			if err := w.Inject(good, bad); !errors.Is(err, sim.ErrFault) {
				t.Errorf("%s: error %v", name, err)
			}
		}
		w.Runtime().Yield()
		if n.State() != sim.Up {
			t.Error("a refused plan was carried out in part")
		}
		w.Quiesce(0)
		if err := w.Inject(good); !errors.Is(err, sim.ErrFault) {
			t.Errorf("after Quiesce: error %v", err)
		}
		return nil
	})
}

// TestFaultHasAText protects printed plans.
func TestFaultHasAText(t *testing.T) {
	wantOK(t, 1, func(_ context.Context, w *sim.World) error {
		f := sim.Fault{Kind: sim.FaultPause, Target: booted(w, "n1", forEver).Name(), Step: 120, Duration: 2 * time.Second}
		if got, want := f.String(), "pause n1 at step 120 for 2s"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		return nil
	})
}
