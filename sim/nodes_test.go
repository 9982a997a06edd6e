package sim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// TestVerbsFitStates protects the life of a node: each verb works in its states
// and changes nothing in others.
func TestVerbsFitStates(t *testing.T) {
	verbs := []struct {
		name string
		do   func(n *sim.Node) error
		then map[sim.NodeState]sim.NodeState // missing: ErrState
	}{
		{"boot", (*sim.Node).Boot, map[sim.NodeState]sim.NodeState{sim.Down: sim.Up}},
		{"restart", (*sim.Node).Restart, map[sim.NodeState]sim.NodeState{sim.Crashed: sim.Up}},
		{"crash", (*sim.Node).Crash, map[sim.NodeState]sim.NodeState{sim.Up: sim.Crashed, sim.Paused: sim.Crashed}},
		{"pause", (*sim.Node).Pause, map[sim.NodeState]sim.NodeState{sim.Up: sim.Paused}},
		{"resume", (*sim.Node).Resume, map[sim.NodeState]sim.NodeState{sim.Paused: sim.Up}},
		{"stop", func(n *sim.Node) error { return n.Stop(time.Second) }, map[sim.NodeState]sim.NodeState{sim.Up: sim.Down}},
		{"run on", func(n *sim.Node) error { return n.Go("task", forEver) }, map[sim.NodeState]sim.NodeState{sim.Up: sim.Up}},
	}
	into := map[sim.NodeState]func(n *sim.Node){
		sim.Down:    func(*sim.Node) {},
		sim.Up:      func(n *sim.Node) { must(n.Boot()) },
		sim.Paused:  func(n *sim.Node) { must(n.Boot()); must(n.Pause()) },
		sim.Crashed: func(n *sim.Node) { must(n.Boot()); must(n.Crash()) },
	}
	for _, verb := range verbs {
		for state, enter := range into {
			t.Run(fmt.Sprint(verb.name, " when ", state), func(t *testing.T) {
				wantOK(t, 3, func(_ context.Context, w *sim.World) error {
					n, err := w.Node("n1", forEver)
					must(err)
					enter(n)
					if n.State() != state {
						t.Fatalf("state %v, want %v", n.State(), state)
					}
					want, fits := verb.then[state]
					if !fits {
						want = state
					}
					if err := verb.do(n); fits == (err != nil) || !fits && !errors.Is(err, sim.ErrState) {
						t.Errorf("error %v", err)
					}
					if n.State() != want {
						t.Errorf("state %v, want %v", n.State(), want)
					}
					return nil
				})
			})
		}
	}
}

// TestNodeRefusesBadNames protects the identity of nodes.
func TestNodeRefusesBadNames(t *testing.T) {
	wantOK(t, 1, func(_ context.Context, w *sim.World) error {
		_, err := w.Node("n1", forEver)
		must(err)
		for name, boot := range map[string]sim.Boot{"": forEver, "n1": forEver, "n2": nil} {
			if _, err := w.Node(name, boot); !errors.Is(err, sim.ErrState) {
				t.Errorf("node %q: error %v", name, err)
			}
		}
		if all := w.Nodes(); len(all) != 1 || all[0].Name() != "n1" {
			t.Errorf("nodes %v", all)
		}
		return nil
	})
}

// TestWorldKnowsItself protects scenarios that ask where they are.
func TestWorldKnowsItself(t *testing.T) {
	r := run(t, 77, func(ctx context.Context, w *sim.World) error {
		booted(w, "b", forEver)
		booted(w, "a", forEver)
		step, elapsed := w.Step(), w.Elapsed()
		pass(ctx, w, time.Second)
		if w.Seed() != 77 || w.Step() <= step || w.Elapsed()-elapsed < time.Second {
			t.Errorf("seed %d, step %d after %d, %v after %v", w.Seed(), w.Step(), step, w.Elapsed(), elapsed)
		}
		all := w.Nodes()
		if len(all) != 2 || all[0].Name() != "b" || all[1].Name() != "a" {
			t.Errorf("nodes %v", all)
		}
		all[0] = nil // the list is the caller's
		if w.Nodes()[0] == nil {
			t.Error("the world has lost a node")
		}
		return nil
	})
	if r.Seed != 77 || r.Verdict.Kind != sim.OK || r.Switches == 0 || r.Switches > r.Steps || r.Time < time.Second {
		t.Errorf("result %+v", r)
	}
}

// TestWaitReturnsTheErrorOfBoot protects harnesses that look after their nodes.
func TestWaitReturnsTheErrorOfBoot(t *testing.T) {
	broken := errors.New("no disk")
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		never, err := w.Node("never", forEver)
		must(err)
		must(never.Wait())
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			must(rt.Sleep(ctx, time.Second))
			return broken
		})
		second := w.Runtime().Go(ctx, "waiter", func(context.Context) error { return n.Wait() })
		if err := n.Wait(); !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
		if err := second.Wait(ctx); !errors.Is(err, broken) {
			t.Errorf("error %v for the second who waits", err)
		}
		return nil
	})
}

// TestWaitIncludesAllTasks protects the meaning of the end of a process: its
// boot function and all tasks have ended.
func TestWaitIncludesAllTasks(t *testing.T) {
	wantOK(t, 50, func(_ context.Context, w *sim.World) error {
		var ended atomic.Int64
		later := func(ctx context.Context, rt *runtime.Runtime) error {
			must(rt.Sleep(ctx, time.Second))
			ended.Add(1)
			return nil
		}
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			rt.Go(ctx, "child", func(ctx context.Context) error { return later(ctx, rt) })
			return nil
		})
		must(n.Go("other", later))
		must(n.Wait())
		if ended.Load() != 2 || n.State() != sim.Down {
			t.Errorf("%d tasks had ended, the node is %v", ended.Load(), n.State())
		}
		return nil
	})
}

// TestIncarnationsShareNothing protects restarts: each has a runtime, a number
// and random streams of its own.
func TestIncarnationsShareNothing(t *testing.T) {
	wantOK(t, 3, func(ctx context.Context, w *sim.World) error {
		var boots worldly[[]*runtime.Runtime]
		var drawn worldly[[]uint64]
		n, err := w.Node("n1", func(ctx context.Context, rt *runtime.Runtime) error {
			boots.change(func(all []*runtime.Runtime) []*runtime.Runtime { return append(all, rt) })
			drawn.change(func(all []uint64) []uint64 { return append(all, rt.Rand("stream").Uint64()) })
			return forEver(ctx, rt)
		})
		must(err)
		must(n.Boot())
		pass(ctx, w, time.Second)
		must(n.Crash())
		must(n.Restart())
		pass(ctx, w, time.Second)
		must(n.Stop(time.Second))
		must(n.Boot())
		pass(ctx, w, time.Second)
		seen := make(map[*runtime.Runtime]bool)
		for _, rt := range boots.get() {
			seen[rt] = true
		}
		numbers := drawn.get()
		slices.Sort(numbers)
		if len(seen) != 3 || len(slices.Compact(numbers)) != 3 || n.Incarnation() != 3 {
			t.Errorf("runtimes %d, numbers %v, incarnation %d", len(seen), numbers, n.Incarnation())
		}
		return nil
	})
}

// TestStopRunsDeferredFunctions protects the difference to a crash: a node that
// is stopped tidies up, and may take its time within the grace period.
func TestStopRunsDeferredFunctions(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		tidy := false
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			defer func() {
				must(rt.Sleep(context.Background(), time.Second))
				tidy = true
			}()
			return forEver(ctx, rt)
		})
		pass(ctx, w, time.Second)
		must(n.Stop(time.Minute))
		if !tidy || n.State() != sim.Down {
			t.Errorf("tidy %v, state %v", tidy, n.State())
		}
		before := w.Elapsed()
		w.Quiesce(time.Hour) // nothing is left of the grace period
		if took := w.Elapsed() - before; took > time.Second {
			t.Errorf("a world without tasks took %v to be idle", took)
		}
		return nil
	})
}

// TestStopEndsWithTheGracePeriod protects harnesses from nodes that do not
// stop: they are crashed, and the error says so.
func TestStopEndsWithTheGracePeriod(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		n := booted(w, "n1", stubborn)
		pass(ctx, w, time.Second)
		before := w.Elapsed()
		err := n.Stop(time.Minute)
		if !errors.Is(err, sim.ErrState) || n.State() != sim.Crashed {
			t.Errorf("error %v, state %v", err, n.State())
		}
		if took := w.Elapsed() - before; took < time.Minute || took > time.Minute+time.Millisecond {
			t.Errorf("took %v", took)
		}
		must(n.Restart())
		return nil
	})
}

// TestStopReportsACrash protects those who stop a node from taking a crash in
// the meantime for a clean end, and its second incarnation for the first.
func TestStopReportsACrash(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		n := booted(w, "n1", stubborn)
		pass(ctx, w, time.Second)
		w.Runtime().Go(ctx, "mishap", func(ctx context.Context) error {
			pass(ctx, w, time.Second)
			must(n.Crash())
			return n.Restart()
		})
		if err := n.Stop(time.Minute); !errors.Is(err, sim.ErrState) {
			t.Errorf("error %v", err)
		}
		pass(ctx, w, time.Hour) // the grace period means the first incarnation only
		if n.State() != sim.Up || n.Incarnation() != 2 {
			t.Errorf("state %v, incarnation %d", n.State(), n.Incarnation())
		}
		return nil
	})
}

// TestStatesHaveNames protects the words in errors and stories.
func TestStatesHaveNames(t *testing.T) {
	var got []string
	for _, s := range []sim.NodeState{sim.Down, sim.Up, sim.Paused, sim.Crashed} {
		got = append(got, s.String())
	}
	if diff := cmp.Diff([]string{"down", "up", "paused", "crashed"}, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
