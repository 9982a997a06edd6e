package sim_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

const planText = `crash p1+p2 at step 120 for 2s
jump p1 by -1h0m0s at step 9 for 0s
partition p1|p2+p3 when elected#2 for 1m30s
network: any drop 1/20; any duplicate 1/50
storage: cas fail-after 1/20
`

// TestPlanReadsWhatItPrints protects plans that are printed, edited and given back.
func TestPlanReadsWhatItPrints(t *testing.T) {
	p, err := sim.ParsePlan("# by hand\n\n" + planText)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(planText, p.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(p.Faults) != 3 || p.Faults[2].When != "elected#2" || len(p.Rules) != 2 {
		t.Errorf("%+v", p)
	}
}

// TestPlanRefusesNonsense protects those who write plans: the line is named.
func TestPlanRefusesNonsense(t *testing.T) {
	for _, line := range []string{
		"crash", "crash p1", "crash p1 at step x for 1s", "crash p1 at step 1", "crash p1 at step 1 for ever",
		"crash p1 at step 1 for -1s", "crash p1 p2 at step 1 for 1s", "crash p1 when for 1s",
		"crash p1 by 2 on step 1 for 1s", ": drop 1/2", "storage: x\nstorage: y", strings.Repeat("\n", 200_000),
	} {
		if _, err := sim.ParsePlan("\n" + line); !errors.Is(err, sim.ErrFault) {
			t.Errorf("%.40q: %v", line, err)
		} else if len(line) < 100 && !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v names no line", line, err)
		}
	}
	if _, err := sim.ReadPlan(filepath.Join(t.TempDir(), "none")); !errors.Is(err, sim.ErrFault) || !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzParsePlan(f *testing.F) {
	f.Add(planText)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := sim.ParsePlan(text)
		if err != nil {
			if !errors.Is(err, sim.ErrFault) {
				t.Error(err)
			}
			return
		}
		again, err := sim.ParsePlan(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%q is read as %q: %v", p, again, err)
		}
	})
}

// TestConfigurationReplacesThePlan protects plans that are given by file.
func TestConfigurationReplacesThePlan(t *testing.T) {
	given, err := sim.ParsePlan("pause n1 at step 3 for 1s\nstorage: get stall 1/2\n")
	must(err)
	main := func(_ context.Context, w *sim.World) error {
		booted(w, "n1", forEver)
		p := w.Plan(func() sim.Plan { return sim.Plan{Rules: map[string]string{"storage": "drawn"}} })
		must(w.Inject(p.Faults...))
		w.Runtime().Always(p.Rules["storage"] != "", "rules")
		return nil
	}
	for _, plan := range []*sim.Plan{nil, &given} {
		r := runWith(t, sim.Config{Seed: 1, Plan: plan}, main)
		want := "storage: drawn\n"
		if plan != nil {
			want = plan.String()
		}
		if r.Verdict.Kind != sim.OK || r.Plan == nil || r.Plan.String() != want {
			t.Errorf("%v, plan %v", r.Verdict, r.Plan)
		}
	}
}

// TestSwarm protects the variety of plans: each kind and each rule is missing from many,
// all can be planned, and a seed draws the same plan again.
func TestSwarm(t *testing.T) {
	swarm := sim.Swarm{
		Nodes: []string{"a", "b", "c"}, Faults: 6, Steps: 500, Rules: map[string][]string{"storage": {"one", "two"}},
		Kinds: []sim.FaultKind{sim.FaultCrash, sim.FaultWipe, sim.FaultStop, sim.FaultPause, sim.FaultJump, sim.FaultDrift, "cut"},
		Targets: map[sim.FaultKind]func(*runtime.Rand, []string) (string, string){
			"cut": func(*runtime.Rand, []string) (string, string) { return "a>b", "" },
		},
	}
	with := make(map[string]int)
	const seeds = 400
	for seed := range uint64(seeds) {
		p := swarm.Draw(runtime.NewRand(seed))
		if diff := cmp.Diff(p, swarm.Draw(runtime.NewRand(seed))); diff != "" {
			t.Fatalf("seed %d twice:\n%s", seed, diff)
		}
		again, err := sim.ParsePlan(p.String())
		if err != nil || again.String() != p.String() {
			t.Fatalf("seed %d: %v", seed, err)
		}
		wantOK(t, 1, func(_ context.Context, w *sim.World) error {
			for _, name := range swarm.Nodes {
				booted(w, name, forEver).OnWipe(func() {})
			}
			must(w.Handle("cut", sim.Handler{
				Check: func(sim.Fault) error { return nil }, Deliver: func(sim.Fault) (func(), bool) { return nil, true },
			}))
			return w.Inject(p.Faults...)
		})
		kinds := make(map[string]bool)
		for _, f := range p.Faults {
			kinds[string(f.Kind)] = true
			if strings.Contains(f.Target, "+") {
				kinds["several"] = true
			}
		}
		for _, rule := range strings.Split(p.Rules["storage"], "; ") {
			kinds[rule] = true
		}
		for kind := range kinds {
			with[kind]++
		}
	}
	for _, kind := range []string{"crash", "wipe", "stop", "pause", "jump", "drift", "cut", "several", "one", "two"} {
		if n := with[kind]; n < seeds/20 || n > seeds*3/4 {
			t.Errorf("%s is in %d of %d plans", kind, n, seeds)
		}
	}
}

// TestTriggers protects "when X happens, do Y": the fault comes with the announcement that
// it waits for, and not before.
func TestTriggers(t *testing.T) {
	for seed := range uint64(20) {
		announced := 0
		events := worldEvents(t, seed, func(ctx context.Context, w *sim.World) error {
			announced = 0
			n, err := w.Node("n1", func(ctx context.Context, rt *runtime.Runtime) error {
				for {
					announced++
					rt.Sometimes(false, "elected") // does not count
					rt.Reachable("elected")
					must(rt.Sleep(ctx, time.Second))
				}
			})
			must(err)
			f, err := sim.ParseFault("crash n1 when elected#3 for 1h")
			must(err)
			must(w.Inject(f))
			must(n.Boot())
			pass(ctx, w, time.Minute)
			if n.State() != sim.Crashed {
				t.Errorf("state %v", n.State())
			}
			return nil
		})
		if announced != 3 || events["crash n1"] == 0 {
			t.Errorf("seed %d: crashed after %d announcements", seed, announced)
		}
	}
}

// TestConditionsTrigger protects triggers that look at the world.
func TestConditionsTrigger(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		var steps atomic.Int64
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			for {
				steps.Add(1)
				rt.Yield()
			}
		})
		must(w.When(func() bool { return steps.Load() == 7 }, sim.Fault{Kind: sim.FaultPause, Target: "n1", Duration: time.Hour}))
		pass(ctx, w, time.Minute)
		if n.State() != sim.Paused || steps.Load() != 7 {
			t.Errorf("state %v after %d steps", n.State(), steps.Load())
		}
		return nil
	})
}

// TestVeto protects guarantees that hold under some faults only: the policy is asked when
// the fault is due, is obeyed, and its answer is told and counted.
func TestVeto(t *testing.T) {
	var told []string
	r := runWith(t, sim.Config{Seed: 3, Trace: func(e trace.Event) {
		if e.Kind == trace.World && strings.HasPrefix(e.Text, "veto") {
			told = append(told, e.Text)
		}
	}}, func(ctx context.Context, w *sim.World) error {
		nodes := []*sim.Node{booted(w, "a", forEver), booted(w, "b", forEver)}
		w.Veto(func(f sim.Fault) string {
			for _, n := range nodes {
				if n.State() == sim.Crashed {
					return "one of two is down"
				}
			}
			return ""
		})
		for _, n := range nodes {
			must(w.Inject(sim.Fault{Kind: sim.FaultCrash, Target: n.Name(), Duration: time.Minute}))
		}
		w.Runtime().Yield()
		if nodes[0].State() != sim.Crashed || nodes[1].State() != sim.Up {
			t.Errorf("%v, %v", nodes[0].State(), nodes[1].State())
		}
		return nil
	})
	want := []string{"veto: crash b at step 0 for 1m0s: one of two is down"}
	if diff := cmp.Diff(want, told); diff != "" || r.Vetoes != 1 {
		t.Errorf("%d vetoes (-want +got):\n%s", r.Vetoes, diff)
	}
}

// TestStopFault protects programs that tidy up: a stop is not a crash, unless it takes too
// long, and the node comes back.
func TestStopFault(t *testing.T) {
	for _, isStubborn := range []bool{false, true} {
		wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
			tidy := 0
			n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
				if isStubborn {
					ctx = context.WithoutCancel(ctx)
				}
				defer func() { tidy++ }()
				return forEver(ctx, rt)
			})
			must(w.Inject(sim.Fault{Kind: sim.FaultStop, Target: "n1", Duration: time.Minute}))
			pass(ctx, w, time.Second)
			if want := map[bool]sim.NodeState{false: sim.Down, true: sim.Up}[isStubborn]; n.State() != want {
				t.Errorf("state %v, want %v", n.State(), want)
			}
			pass(ctx, w, time.Minute)
			if n.State() != sim.Up || n.Incarnation() != 2 || (tidy == 1) == isStubborn {
				t.Errorf("state %v, incarnation %d, tidied up %d times", n.State(), n.Incarnation(), tidy)
			}
			return nil
		})
	}
}

// TestQuiesceBootsWhatWasStopped protects liveness after faults.
func TestQuiesceBootsWhatWasStopped(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		n := booted(w, "n1", forEver)
		must(w.Inject(sim.Fault{Kind: sim.FaultStop, Target: "n1", Duration: 24 * time.Hour}))
		pass(ctx, w, time.Second)
		w.Quiesce(time.Second)
		if n.State() != sim.Up {
			t.Errorf("state %v", n.State())
		}
		return nil
	})
}

// TestQuiesceBootsWhatIsStopping protects the same of nodes that take their time.
func TestQuiesceBootsWhatIsStopping(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			_ = forEver(ctx, rt)
			return rt.Sleep(context.WithoutCancel(ctx), 10*time.Second)
		})
		must(w.Inject(sim.Fault{Kind: sim.FaultStop, Target: "n1", Duration: 24 * time.Hour}))
		pass(ctx, w, time.Second)
		w.Quiesce(20 * time.Second)
		if n.State() != sim.Up || n.Incarnation() != 2 {
			t.Errorf("state %v, incarnation %d", n.State(), n.Incarnation())
		}
		return nil
	})
}

// TestWipeEmptiesTheDisk protects recovery from nothing; a node without a disk cannot lose
// it.
func TestWipeEmptiesTheDisk(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		var disk atomic.Int64
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			disk.Add(1)
			return forEver(ctx, rt)
		})
		wipe := sim.Fault{Kind: sim.FaultWipe, Target: "n1", Duration: time.Second}
		if err := w.Inject(wipe); !errors.Is(err, sim.ErrFault) {
			t.Errorf("no disk: %v", err)
		}
		n.OnWipe(func() { disk.Store(0) })
		pass(ctx, w, time.Second)
		must(w.Inject(wipe))
		pass(ctx, w, time.Minute)
		if disk.Load() != 1 || n.Incarnation() != 2 {
			t.Errorf("disk %d, incarnation %d", disk.Load(), n.Incarnation())
		}
		return nil
	})
}

// TestCorrelatedCrash protects programs that survive one machine and not a rack: the nodes
// go in the same step.
func TestCorrelatedCrash(t *testing.T) {
	for seed := range uint64(20) {
		events := worldEvents(t, seed, func(ctx context.Context, w *sim.World) error {
			for _, name := range []string{"a", "b", "c"} {
				booted(w, name, forEver)
			}
			must(w.Inject(sim.Fault{Kind: sim.FaultCrash, Target: "a+c", Step: w.Step() + 2, Duration: time.Second}))
			pass(ctx, w, time.Minute)
			return nil
		})
		if events["crash a"] == 0 || events["crash a"] != events["crash c"] || events["crash b"] != 0 {
			t.Errorf("seed %d: %v", seed, events)
		}
	}
}

// TestForeignFaultsEnd protects faults of objects of the world: they end with their
// duration, or with Quiesce, once.
func TestForeignFaultsEnd(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		var level atomic.Int64
		flood := sim.Handler{
			Check:   func(sim.Fault) error { return nil },
			Deliver: func(f sim.Fault) (func(), bool) { level.Add(1); return func() { level.Add(-1) }, f.Target != "hill" },
		}
		must(w.Handle("flood", flood))
		for kind, h := range map[sim.FaultKind]sim.Handler{"flood": flood, "crash": flood, "": flood, "fire": {}} {
			if err := w.Handle(kind, h); !errors.Is(err, sim.ErrFault) {
				t.Errorf("%q: %v", kind, err)
			}
		}
		must(w.Inject(
			sim.Fault{Kind: "flood", Target: "valley", Duration: time.Second},
			sim.Fault{Kind: "flood", Target: "city", Duration: time.Hour},
		))
		w.Runtime().Yield()
		if level.Load() != 2 {
			t.Errorf("level %d", level.Load())
		}
		pass(ctx, w, time.Minute)
		if level.Load() != 1 {
			t.Errorf("level %d after a minute", level.Load())
		}
		w.Quiesce(2 * time.Hour)
		if level.Load() != 0 {
			t.Errorf("level %d in the end", level.Load())
		}
		return nil
	})
}

// TestAfterOutlivesItsNode protects messages on their way: who sent them may be dead.
func TestAfterOutlivesItsNode(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		var arrived atomic.Int64
		var stopped atomic.Bool
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			w.After(time.Second, func() { arrived.Store(int64(w.Elapsed())) })
			stop := w.After(time.Second, func() { t.Error("stopped") })
			stopped.Store(stop() && !stop())
			return forEver(ctx, rt)
		})
		pass(ctx, w, time.Millisecond)
		must(n.Crash())
		pass(ctx, w, time.Minute)
		if at := time.Duration(arrived.Load()); at < time.Second || at > 2*time.Second || !stopped.Load() {
			t.Errorf("arrived at %v, stopped %v", at, stopped.Load())
		}
		return nil
	})
}
