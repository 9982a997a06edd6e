// Not with the race detector: what is explored here races on purpose.

//go:build !race

package sim_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// thorough makes the tests of this package that have a short and a full form take the
// full one, which takes minutes.
var thorough = os.Getenv("SIM_THOROUGH") != ""

// explored is what an exploration of a small world came to.
type explored struct {
	sim.Exploration
	outcomes, failures []string
}

// exploreWorld explores a world beyond its failures.
func exploreWorld(t *testing.T, w smallWorld, bound sim.Bound) explored {
	t.Helper()
	outcomes, failures := make(map[string]bool), make(map[string]bool)
	outcome := ""
	bound.KeepGoing = true
	bound.Each = func(r sim.Result) {
		if r.Verdict.Failed() {
			failures[r.Verdict.FailureID()] = true
		} else {
			outcomes[outcome] = true
		}
	}
	main, window := w.main(func(text string) { outcome = text })
	bound.Window = window
	x := explore(t, bound, main)
	t.Logf("%s: %v; %d redundant", w.name, x, x.Redundant)
	return explored{x, slices.Sorted(maps.Keys(outcomes)), slices.Sorted(maps.Keys(failures))}
}

func explore(t *testing.T, bound sim.Bound, main sim.Main) sim.Exploration {
	t.Helper()
	x, err := sim.Explore(t.Context(), sim.Config{}, bound, main)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// wantOutcomes fails the test unless an exploration was complete and came to what the
// world says.
func (w smallWorld) wantOutcomes(t *testing.T, x explored) {
	t.Helper()
	if !x.Complete || x.Inconclusive > 0 {
		t.Errorf("%v", x)
	}
	if diff := cmp.Diff(w.outcomes, x.outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(w.failures, x.failures); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

// TestSmallWorldsAreExhausted protects what a complete exploration says: there are the
// outcomes that people can count, and no others. Sleep sets lose none of them, and save
// executions where there are operations that commute.
func TestSmallWorldsAreExhausted(t *testing.T) {
	for _, w := range smallWorlds {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			reduced := exploreWorld(t, w, sim.Bound{})
			w.wantOutcomes(t, reduced)
			if testing.Short() && w.isLarge {
				return
			}
			everything := exploreWorld(t, w, sim.Bound{Everything: true})
			w.wantOutcomes(t, everything)
			if everything.Redundant != 0 || reduced.Executions > everything.Executions ||
				!w.isOpaque && reduced.Executions == everything.Executions {
				t.Errorf("%d executions and %d redundant ones of %d", reduced.Executions, reduced.Redundant,
					everything.Executions)
			}
		})
	}
}

// TestTakeoverIsProven protects the fencing of epochs in the ledger: no order of three
// appends of two processes, with the answer to any one write lost before or after the
// fact, breaks it.
func TestTakeoverIsProven(t *testing.T) {
	w := smallWorld{name: "two-epoch takeover", main: takeover([]string{"a", "b"}, []string{"c"}, 1)}
	if x := exploreWorld(t, w, sim.Bound{}); !x.Complete || x.Failure != nil || len(x.outcomes) != 15 {
		t.Errorf("%v; outcomes %q", x, x.outcomes)
	}
}

// TestHoldMailboxIsProven protects holds from being overtaken, with three operations
// on them at once. It takes ten seconds.
func TestHoldMailboxIsProven(t *testing.T) {
	if !thorough {
		t.Skip("SIM_THOROUGH is not set; the mailbox with two operations is among the small worlds")
	}
	w := smallWorld{name: "hold mailbox, three operations", main: holdMailbox(true)}
	w.outcomes = []string{"{3}"}
	w.wantOutcomes(t, exploreWorld(t, w, sim.Bound{}))
}

// interleaved is a world of tasks that each start and take some steps, beside the one
// step of the harness, after which it sleeps until they have ended.
func interleaved(steps []int, step func(rt *runtime.Runtime, task int)) (sim.Main, func() bool) {
	var isOpen atomic.Bool
	main := body(func(ctx context.Context, rt *runtime.Runtime) {
		isOpen.Store(false)
		for i, n := range steps {
			rt.Go(ctx, "task", func(context.Context) error {
				for range n {
					step(rt, i)
				}
				return nil
			})
		}
		isOpen.Store(true)
		must(rt.Sleep(ctx, time.Second))
	})
	return main, isOpen.Load
}

// TestEveryInterleavingIsExploredOnce protects the counting. Of steps that do not
// commute all interleavings are explored: (1+a+b)!/a!b! for tasks of a and b steps,
// starts included. If only the step of the harness does not commute, there are
// (1+a)(1+b) places for it.
func TestEveryInterleavingIsExploredOnce(t *testing.T) {
	for _, test := range []struct {
		steps       []int
		all, places int
	}{
		{[]int{1}, 3, 3},
		{[]int{1, 1}, 30, 9},
		{[]int{2, 2}, 140, 16},
		{[]int{1, 3}, 105, 15},
		{[]int{1, 1, 1}, 630, 27},
	} {
		run := func(bound sim.Bound, step func(rt *runtime.Runtime, task int)) (executions, distinct int) {
			orders := make(map[string]bool)
			var order worldly[string]
			main, window := interleaved(test.steps, func(rt *runtime.Runtime, task int) {
				step(rt, task)
				note(&order, fmt.Sprint(task))
			})
			bound.Window = window
			bound.Each = func(sim.Result) { orders[order.get()] = true; order.set("") }
			x := explore(t, bound, main)
			if !x.Complete {
				t.Errorf("%v: %v", test.steps, x)
			}
			return x.Executions, len(orders)
		}
		yield := func(rt *runtime.Runtime, _ int) { rt.Yield() }
		read := func(rt *runtime.Runtime, _ int) { rt.Read(runtime.NewResource("register", "shared")) }
		write := func(rt *runtime.Runtime, task int) { rt.Write(runtime.NewResource("register", fmt.Sprint(task))) }
		all, _ := run(sim.Bound{Everything: true}, yield)
		if all != test.all {
			t.Errorf("%v: %d executions in all, want %d", test.steps, all, test.all)
		}
		for name, step := range map[string]func(*runtime.Runtime, int){"read": read, "write": write} {
			if got, _ := run(sim.Bound{}, step); got != test.places {
				t.Errorf("%v: %d executions of %ss, want %d", test.steps, got, name, test.places)
			}
		}
		_, everything := run(sim.Bound{Everything: true}, yield)
		if reduced, orders := run(sim.Bound{}, yield); orders != everything || reduced > all {
			t.Errorf("%v: %d orders in %d executions, want %d", test.steps, orders, reduced, everything)
		}
	}
}

// TestRedundantExecutionsEndSoon protects the saving: what was found to be equivalent
// in one part of a run is not repeated with all that there is in the next.
func TestRedundantExecutionsEndSoon(t *testing.T) {
	isOpen := false
	x := explore(t, sim.Bound{Window: func() bool { return isOpen }}, body(
		func(ctx context.Context, rt *runtime.Runtime) {
			for part := range 3 {
				isOpen = false
				for range 2 {
					rt.Go(ctx, "task", func(context.Context) error {
						isOpen = true // the harness sleeps
						rt.NewMutex().Lock()
						return nil
					})
				}
				must(rt.Sleep(ctx, time.Duration(part+1)*time.Second))
			}
		}))
	if x.Executions != 1 || x.Redundant > 12 || !x.Complete {
		t.Errorf("%v, %d redundant", x, x.Redundant)
	}
}

// TestDrawsAreExplored protects faults: each outcome of each choice is tried.
func TestDrawsAreExplored(t *testing.T) {
	seen := make(map[[3]int]bool)
	x := explore(t, sim.Bound{}, body(func(_ context.Context, rt *runtime.Runtime) {
		one := rt.Choose("network", "one", 3)
		rt.Yield()
		two, three := rt.Choose("storage", "two", 2), 0
		if one == 2 {
			three = rt.Choose("storage", "three", 4)
		}
		seen[[3]int{one, two, three}] = true
	}))
	if !x.Complete || x.Executions != 12 || len(seen) != 12 {
		t.Errorf("%v, %d outcomes", x, len(seen))
	}
}

// TestFailureIsReplayed protects what an exploration is for: the run that failed can be
// repeated from its tape.
func TestFailureIsReplayed(t *testing.T) {
	main := checkThenAct(func(string) {})
	x := explore(t, sim.Bound{}, main)
	if x.Failure == nil || x.Complete || x.Failures != 1 || x.Failure.Verdict.ID != "no-overdraft" {
		t.Fatalf("%v", x)
	}
	again := runWith(t, sim.Config{Replay: x.Failure.Tape}, main)
	if again.Verdict.ID != "no-overdraft" || again.Hash != x.Failure.Hash {
		t.Errorf("replayed: %v", again.Verdict)
	}
	if want := "incomplete, 1 failed: no-overdraft balance=-20"; !strings.HasSuffix(x.String(), want) {
		t.Errorf("%v, want %s at the end", x, want)
	}
}

// TestPreemptionsAreBounded protects the bound: more of them lead to more executions,
// up to all; the overdraft needs one.
func TestPreemptionsAreBounded(t *testing.T) {
	last := 0
	for _, bound := range []int{sim.NonPreemptive, 1, 2, 3, 0} {
		w := smallWorld{main: whole(checkThenAct)}
		x := exploreWorld(t, w, sim.Bound{Preemptions: bound, Everything: true})
		if !x.Complete || x.Executions <= last {
			t.Errorf("%d: %v, after %d", bound, x, last)
		}
		if found := x.Failures > 0; found != (bound != sim.NonPreemptive) {
			t.Errorf("%d: %v", bound, x)
		}
		if bound == sim.NonPreemptive && x.Executions != 2 { // either task may be the first
			t.Errorf("%v", x)
		}
		last = x.Executions
	}
}

// TestBoundsLoseNothing protects the executions within a bound of preemptions from sleep
// sets: what is equivalent to an execution that was explored may be one of fewer
// preemptions, and lead to more within the bound (Coons, Musuvathi and McKinley,
// "Bounded Partial-Order Reduction", OOPSLA 2013).
func TestBoundsLoseNothing(t *testing.T) {
	for _, w := range smallWorlds {
		if w.isLarge {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			for _, preemptions := range []int{sim.NonPreemptive, 1, 2} {
				got := exploreWorld(t, w, sim.Bound{Preemptions: preemptions})
				want := exploreWorld(t, w, sim.Bound{Preemptions: preemptions, Everything: true})
				if diff := cmp.Diff(want.outcomes, got.outcomes) + cmp.Diff(want.failures, got.failures); diff != "" {
					t.Errorf("%d preemptions: (-want +got)\n%s", preemptions, diff)
				}
			}
		})
	}
}

// TestExplorationIsBounded protects people from a world that is not small.
func TestExplorationIsBounded(t *testing.T) {
	x := explore(t, sim.Bound{Executions: 10}, lockers(func(string) {}))
	if x.Executions+x.Redundant != 10 || x.Complete || x.Failure != nil ||
		!strings.HasSuffix(x.String(), " executions, incomplete") {
		t.Errorf("%v, %d redundant", x, x.Redundant)
	}
}

// TestEndlessExecutionsAreNoProof protects against an exploration that is complete but
// for those that never end.
func TestEndlessExecutionsAreNoProof(t *testing.T) {
	x, err := sim.Explore(t.Context(), sim.Config{StepsMax: 30}, sim.Bound{}, body(
		func(ctx context.Context, rt *runtime.Runtime) {
			c := runtime.NewChan[int](rt, 1)
			rt.Go(ctx, "sender", func(ctx context.Context) error { return c.Send(ctx, 1) })
			for received := false; !received; {
				_, received, _ = c.TryRecv()
			}
		}))
	if err != nil || x.Complete || x.Inconclusive == 0 || x.Failure != nil || x.Executions < 10 {
		t.Errorf("%v, %v", x, err)
	}
}

// TestNondeterminismIsFound protects against a world that is another one each time.
func TestNondeterminismIsFound(t *testing.T) {
	for name, twist := range map[string]func(ctx context.Context, rt *runtime.Runtime, times int){
		"another task": func(ctx context.Context, rt *runtime.Runtime, times int) {
			rt.Go(ctx, fmt.Sprint("task", times), func(context.Context) error { return nil })
		},
		"another choice": func(_ context.Context, rt *runtime.Runtime, times int) { rt.Choose("a", "b", 1+times) },
		"a choice at all": func(_ context.Context, rt *runtime.Runtime, times int) {
			if times == 2 {
				rt.Choose("a", "b", 2)
			}
		},
	} {
		times := 0
		x := explore(t, sim.Bound{KeepGoing: true}, body(func(ctx context.Context, rt *runtime.Runtime) {
			times++
			twist(ctx, rt, times)
			rt.Go(ctx, "last", func(context.Context) error { return nil })
			rt.Yield()
		}))
		if x.Failure == nil || x.Failure.Verdict.Kind != sim.Diverged || x.Complete {
			t.Errorf("%s: %v", name, x)
		}
	}
}

// TestExploreRefusesNonsense protects the configuration.
func TestExploreRefusesNonsense(t *testing.T) {
	nothing := body(func(context.Context, *runtime.Runtime) {})
	for name, test := range map[string]struct {
		config sim.Config
		bound  sim.Bound
		main   sim.Main
	}{
		"strategy":    {sim.Config{Strategy: sim.Random}, sim.Bound{}, nothing},
		"tape":        {sim.Config{Replay: &sim.Tape{}}, sim.Bound{}, nothing},
		"script":      {sim.Config{Script: &sim.Script{}}, sim.Bound{}, nothing},
		"executions":  {sim.Config{}, sim.Bound{Executions: -1}, nothing},
		"preemptions": {sim.Config{}, sim.Bound{Preemptions: -2}, nothing},
		"limit":       {sim.Config{TimeMax: -1}, sim.Bound{}, nothing},
		"main":        {sim.Config{}, sim.Bound{}, nil},
	} {
		if _, err := sim.Explore(t.Context(), test.config, test.bound, test.main); !errors.Is(err, sim.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExplorationIsInterrupted protects Ctrl-C: the exploration ends, with an error and
// what it has found so far.
func TestExplorationIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	times := 0
	x, err := sim.Explore(ctx, sim.Config{}, sim.Bound{Each: func(sim.Result) {
		if times++; times == 5 {
			cancel()
		}
	}}, lockers(func(string) {}))
	if !errors.Is(err, context.Canceled) || x.Executions != 5 || x.Complete {
		t.Errorf("%v, %v", x, err)
	}
}
