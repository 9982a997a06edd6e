package sim_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// TestPausedNodeIsAZombie protects the most instructive fault: none of the
// node's tasks runs, its clock goes on, and when it wakes up all its timers are
// late and it believes what it believed before.
func TestPausedNodeIsAZombie(t *testing.T) {
	wantOK(t, 50, func(ctx context.Context, w *sim.World) error {
		var steps, late atomic.Int64
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			start := rt.Now()
			rt.AfterFunc(2*time.Second, func() { late.Store(int64(rt.Since(start))) })
			for {
				steps.Add(1)
				must(rt.Sleep(ctx, time.Second))
			}
		})
		pass(ctx, w, 1500*time.Millisecond)
		must(n.Pause())
		pass(ctx, w, time.Minute)
		if steps.Load() != 2 || late.Load() != 0 {
			t.Errorf("%d steps and a timer after %v while paused", steps.Load(), time.Duration(late.Load()))
		}
		must(n.Resume())
		pass(ctx, w, time.Millisecond)
		after := time.Duration(late.Load())
		if steps.Load() != 3 || after < time.Minute || after > time.Minute+2*time.Second {
			t.Errorf("%d steps and a timer after %v when resumed", steps.Load(), after)
		}
		return nil
	})
}

// TestTasksHeldByAPauseKeepTheirPlace protects those that were ready, became
// ready, or were started while the node was paused.
func TestTasksHeldByAPauseKeepTheirPlace(t *testing.T) {
	wantOK(t, 100, func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		shared, cancel := rt.WithCancel(ctx)
		var ran atomic.Int64
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			for range 3 {
				rt.Go(ctx, "ready", func(context.Context) error { rt.Yield(); ran.Add(1); return nil })
			}
			rt.AfterCancel(shared, func() { ran.Add(1) }) // started by a cancellation from outside
			_ = rt.Sleep(shared, time.Hour)               // made ready by it
			ran.Add(1)
			return nil
		})
		for range rt.Rand("pause").IntN(10) {
			rt.Yield()
		}
		if n.Pause() != nil {
			return nil // it had ended
		}
		before := ran.Load()
		cancel()
		pass(ctx, w, time.Minute)
		if n := ran.Load() - before; n != 0 {
			t.Errorf("%d tasks ran while the node was paused", n)
		}
		must(n.Resume())
		must(n.Wait())
		if n := ran.Load(); n < 4 || n > 5 { // main may find its context ended before it registers the callback, which runs all the same
			t.Errorf("%d of 5 tasks ran", n)
		}
		return nil
	})
}

// TestLateTimersCanBeStoppedAndReset protects timers that come due while their
// node is paused: they have not fired yet, and whoever comes first decides.
func TestLateTimersCanBeStoppedAndReset(t *testing.T) {
	outcomes := make(map[string]bool)
	for seed := range uint64(100) {
		var outcome worldly[string]
		r := run(t, seed, func(ctx context.Context, w *sim.World) error {
			n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
				stopped := rt.NewTimer(time.Second)
				reset := rt.NewTimer(time.Second)
				called := rt.AfterFunc(time.Second, func() { note(&outcome, "fired ") })
				must(rt.Sleep(ctx, 2*time.Second))
				if called.Stop() {
					note(&outcome, "stopped ")
				}
				stopped.Stop()
				reset.Reset(time.Second)
				start := rt.Now()
				_, err := reset.C.Recv(ctx)
				must(err)
				if d := rt.Since(start); d < time.Second || d > time.Second+time.Millisecond {
					t.Errorf("seed %d: reset to a second, fired after %v", seed, d)
				}
				if _, received, _ := stopped.C.TryRecv(); received {
					t.Errorf("seed %d: a stopped timer has fired", seed)
				}
				return nil
			})
			pass(ctx, w, time.Second/2)
			must(n.Pause())
			pass(ctx, w, time.Minute)
			must(n.Resume())
			return n.Wait()
		})
		if r.Verdict.Kind != sim.OK {
			t.Fatalf("seed %d: %v %s", seed, r.Verdict.Kind, r.Verdict.Message)
		}
		outcomes[outcome.get()] = true
	}
	if !outcomes["fired "] || !outcomes["stopped "] || len(outcomes) != 2 {
		t.Errorf("outcomes %v, want fired and stopped, each in some runs", outcomes)
	}
}

// TestLateAlarmOfAWokenTaskIsTakenBack protects a sleeper whose time came, and
// whose context was cancelled from outside, while its node was paused: it wakes
// up once, for the reason that came first to be seen.
func TestLateAlarmOfAWokenTaskIsTakenBack(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		shared, cancel := w.Runtime().WithCancel(ctx)
		n := booted(w, "n1", func(_ context.Context, rt *runtime.Runtime) error {
			err := rt.Sleep(shared, time.Second)
			must(rt.Sleep(context.Background(), time.Second)) // its alarm is the same one, and is not due
			return err
		})
		pass(ctx, w, time.Second/2)
		must(n.Pause())
		pass(ctx, w, time.Second)
		cancel()
		before := w.Elapsed()
		must(n.Resume())
		if err := n.Wait(); err != context.Canceled { //nolint:errorlint // as in Go, it is not wrapped
			t.Errorf("error %v", err)
		}
		if took := w.Elapsed() - before; took < time.Second {
			t.Errorf("the second sleep ended after %v", took)
		}
		return nil
	})
}

// TestCrashWhilePaused protects the sum of two faults.
func TestCrashWhilePaused(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		var signs atomic.Int64
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			rt.AfterFunc(time.Second, func() { signs.Add(1) })
			rt.Go(ctx, "task", func(context.Context) error { rt.Yield(); rt.Yield(); signs.Add(1); return nil })
			return forEver(ctx, rt)
		})
		must(n.Pause())
		pass(ctx, w, time.Minute)
		must(n.Crash())
		must(n.Wait())
		before := signs.Load()
		pass(ctx, w, time.Minute)
		if signs.Load() != before || n.State() != sim.Crashed {
			t.Errorf("%d signs of life, state %v", signs.Load()-before, n.State())
		}
		must(n.Restart())
		pass(ctx, w, time.Minute)
		if n := signs.Load() - before; n != 2 {
			t.Errorf("%d signs of life after the restart, want 2", n)
		}
		return nil
	})
}

// TestQuiesceEndsFaults protects the second phase: who was paused goes on, who
// crashed starts again, who was stopped stays down, and faults stay away.
func TestQuiesceEndsFaults(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		paused, crashed, stopped := booted(w, "paused", forEver), booted(w, "crashed", forEver), booted(w, "stopped", forEver)
		pass(ctx, w, time.Second)
		must(stopped.Stop(time.Second))
		must(w.Inject(
			sim.Fault{Kind: sim.FaultPause, Target: paused.Name(), Step: w.Step(), Duration: time.Hour},
			sim.Fault{Kind: sim.FaultCrash, Target: crashed.Name(), Step: w.Step(), Duration: time.Hour},
			sim.Fault{Kind: sim.FaultCrash, Target: crashed.Name(), Step: w.Step() + 100, Duration: time.Hour},
		))
		rt.Yield()
		if paused.State() != sim.Paused || crashed.State() != sim.Crashed {
			t.Fatalf("before: %v %v", paused.State(), crashed.State())
		}
		w.Quiesce(time.Minute)
		for range 200 {
			rt.Yield()
		}
		if paused.State() != sim.Up || crashed.State() != sim.Up || stopped.State() != sim.Down {
			t.Errorf("after: %v %v %v", paused.State(), crashed.State(), stopped.State())
		}
		if paused.Incarnation() != 1 || crashed.Incarnation() != 2 {
			t.Errorf("incarnations %d %d", paused.Incarnation(), crashed.Incarnation())
		}
		for _, stream := range []string{"storage", "network", "clock", "fault", "buggify"} {
			for range 20 {
				if rt.Choose(stream, "site", 100) != 0 {
					t.Errorf("a choice of %s is not 0", stream)
				}
			}
		}
		other := make([]int, 20)
		for i := range other {
			other[i] = rt.Choose("workload", "site", 100)
		}
		if slices.Max(other) == 0 {
			t.Error("choices that are no faults are gone, too")
		}
		return nil
	})
}

// TestQuiesceWaitsUntilIdle protects liveness checks: the others get all the
// time that they need, up to the bound, and no more.
func TestQuiesceWaitsUntilIdle(t *testing.T) {
	wantOK(t, 20, func(ctx context.Context, w *sim.World) error {
		var done atomic.Bool
		booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			must(rt.Sleep(ctx, 10*time.Second))
			done.Store(true)
			_, err := runtime.NewChan[int](rt, 0).Recv(ctx) // waits for ever, without an alarm
			return err
		})
		before := w.Elapsed()
		w.Quiesce(time.Hour)
		if took := w.Elapsed() - before; !done.Load() || took > 30*time.Second {
			t.Errorf("done %v after %v", done.Load(), took)
		}
		booted(w, "n2", func(ctx context.Context, rt *runtime.Runtime) error {
			for {
				must(rt.Sleep(ctx, time.Second))
			}
		})
		before = w.Elapsed()
		w.Quiesce(time.Minute)
		if took := w.Elapsed() - before; took < time.Minute || took > time.Minute+time.Millisecond {
			t.Errorf("beside a node that never rests it took %v, want a minute", took)
		}
		w.Quiesce(-1)
		return nil
	})
}
