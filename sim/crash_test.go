package sim_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// TestCrashedTasksNeverRunAgain protects the meaning of a crash: nothing that
// the node did afterwards is ever seen, no deferred function, no timer, no
// callback.
func TestCrashedTasksNeverRunAgain(t *testing.T) {
	wantOK(t, 100, func(ctx context.Context, w *sim.World) error {
		var signs atomic.Int64
		rand := w.Runtime().Rand("crash")
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			defer func() { signs.Add(1) }()
			child, cancel := rt.WithTimeout(ctx, 5*time.Millisecond)
			defer cancel()
			rt.AfterCancel(child, func() { signs.Add(1) })
			rt.AfterFunc(7*time.Millisecond, func() { signs.Add(1) })
			ticker := rt.NewTicker(time.Millisecond)
			for {
				_, err := ticker.C.Recv(ctx)
				must(err)
				signs.Add(1)
			}
		})
		pass(ctx, w, time.Duration(rand.IntN(10_000))*time.Microsecond)
		must(n.Crash())
		before := signs.Load()
		pass(ctx, w, time.Second)
		if n := signs.Load() - before; n != 0 {
			t.Errorf("%d signs of life after the crash", n)
		}
		return nil
	})
}

// TestClockSurvivesACrash protects the next incarnation from a clock that
// starts anew: time goes on while a node is down.
func TestClockSurvivesACrash(t *testing.T) {
	wantOK(t, 5, func(ctx context.Context, w *sim.World) error {
		var boots worldly[[]time.Time]
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			now := rt.Now()
			boots.change(func(all []time.Time) []time.Time { return append(all, now) })
			return forEver(ctx, rt)
		})
		pass(ctx, w, time.Minute)
		must(n.Crash())
		pass(ctx, w, time.Hour)
		must(n.Restart())
		pass(ctx, w, time.Minute)
		if down := boots.get()[1].Sub(boots.get()[0]); down < time.Hour || down > time.Hour+2*time.Minute {
			t.Errorf("%v between two boots", down)
		}
		return nil
	})
}

// TestDueTimersOfACrashedNodeAreGone protects decisions from candidates that
// are dead: timers whose time had come when their node crashed.
func TestDueTimersOfACrashedNodeAreGone(t *testing.T) {
	var crashed atomic.Bool
	tasksFirst := looking(func(d *sim.Decision) int {
		for i := range d.Len() {
			if d.Task(i) == nil && crashed.Load() {
				t.Errorf("candidate %d of %d is an alarm", i, d.Len())
			}
		}
		if d.Task(0) != nil {
			return 0
		}
		return d.Len() - 1 // the alarm of the harness
	})
	r := runWith(t, sim.Config{Strategy: always(tasksFirst)}, func(ctx context.Context, w *sim.World) error {
		n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
			for range 10 {
				rt.AfterFunc(time.Second-rt.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), func() {})
			}
			return forEver(ctx, rt)
		})
		pass(ctx, w, time.Second)
		must(n.Crash())
		crashed.Store(true)
		w.Runtime().Go(ctx, "other", func(context.Context) error { return nil })
		w.Runtime().Yield()
		return nil
	})
	if r.Verdict.Kind != sim.OK || !crashed.Load() {
		t.Errorf("verdict %v", r.Verdict)
	}
}

// TestTimersOfAnEndedNodeNeverFire protects the next incarnation from the one
// before, which ended without a crash.
func TestTimersOfAnEndedNodeNeverFire(t *testing.T) {
	wantOK(t, 10, func(ctx context.Context, w *sim.World) error {
		var fired atomic.Int64
		n := booted(w, "n1", func(_ context.Context, rt *runtime.Runtime) error {
			rt.AfterFunc(time.Second, func() { fired.Add(1) })
			rt.NewTicker(time.Second)
			return nil
		})
		must(n.Wait())
		must(n.Boot())
		must(n.Wait())
		pass(ctx, w, time.Minute)
		if fired.Load() > 0 || n.State() != sim.Down {
			t.Errorf("%d timers fired, the node is %v", fired.Load(), n.State())
		}
		return nil
	})
}

// TestGrantedWakeUpOfADeadTaskIsLost protects wait queues: a task that was
// woken and then crashed before it could run takes nothing away from others,
// and is not woken again.
func TestGrantedWakeUpOfADeadTaskIsLost(t *testing.T) {
	reached := make(map[int64]bool)
	for seed := range uint64(100) {
		var woken atomic.Int64
		r := run(t, seed, func(ctx context.Context, w *sim.World) error {
			rt := w.Runtime()
			shared, cancel := rt.WithCancel(ctx) // a queue with tasks of several nodes in it
			wait := func(_ context.Context, rt *runtime.Runtime) error {
				err := rt.Sleep(shared, time.Hour)
				woken.Add(1)
				return err
			}
			victim, witness := booted(w, "victim", wait), booted(w, "witness", wait)
			pass(ctx, w, time.Second)
			cancel()
			if err := victim.Crash(); err != nil {
				rt.Reachable("had-ended")
			}
			pass(ctx, w, time.Second)
			rt.Always(witness.State() == sim.Down, "witness-woken")
			return nil
		})
		if r.Verdict.Kind != sim.OK {
			t.Fatalf("seed %d: %v", seed, r.Verdict)
		}
		reached[woken.Load()] = true
	}
	if !reached[1] || !reached[2] || reached[0] {
		t.Errorf("numbers of tasks woken: %v, want 1 and 2", reached)
	}
}

// counted is a context of nobody's that counts how often it is asked.
type counted struct {
	context.Context
	asked atomic.Int64
}

func (c *counted) Err() error { c.asked.Add(1); return c.Context.Err() }

// TestPollsOfDeadTasksAreDropped protects long runs with many crashes from
// asking contexts of the standard library on behalf of the dead.
func TestPollsOfDeadTasksAreDropped(t *testing.T) {
	wantOK(t, 3, func(ctx context.Context, w *sim.World) error {
		standard, cancel := context.WithCancel(context.Background())
		defer cancel()
		foreign := &counted{Context: standard}
		n := booted(w, "n1", func(_ context.Context, rt *runtime.Runtime) error { return rt.Sleep(foreign, time.Hour) })
		pass(ctx, w, time.Second)
		if asked := foreign.asked.Load(); asked < 2 {
			t.Errorf("asked %d times: it is not polled at all", asked)
		}
		must(n.Crash())
		before := foreign.asked.Load()
		pass(ctx, w, time.Second)
		if asked := foreign.asked.Load() - before; asked > 1 { // the crash itself is a decision
			t.Errorf("asked %d times after the crash", asked)
		}
		return nil
	})
}
