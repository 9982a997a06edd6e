package sim_test

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// TestClockIsVirtual protects the speed of simulations, and their first moment:
// a century of sleep is over at once, to the nanosecond.
func TestClockIsVirtual(t *testing.T) {
	config := sim.Config{Seed: 1, TimeMax: math.MaxInt64}
	r := runWith(t, config, body(func(ctx context.Context, rt *runtime.Runtime) {
		epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		if since := rt.Since(epoch); since < 0 || since > time.Millisecond {
			t.Errorf("the world began %v after the turn of the century", since)
		}
		for _, d := range []time.Duration{1, time.Microsecond, 1001, time.Hour, 100 * 365 * 24 * time.Hour} {
			start := rt.Now()
			must(rt.Sleep(ctx, d))
			const step = time.Microsecond // one before the sleep begins, and at least one while it lasts
			if got, want := rt.Since(start), step+max(d, step); got != want {
				t.Errorf("slept %v, want %v", got, want)
			}
		}
	}))
	if r.Verdict.Kind != sim.OK {
		t.Errorf("verdict %v", r.Verdict)
	}
}

// TestStepsTakeTime protects against spinning code that would stop the clock:
// a loop which waits for a deadline without ever sleeping gets there.
func TestStepsTakeTime(t *testing.T) {
	for _, cost := range []time.Duration{0, 1, time.Millisecond} {
		r := runWith(t, sim.Config{StepCost: cost}, body(func(_ context.Context, rt *runtime.Runtime) {
			if cost == 0 {
				cost = time.Microsecond
			}
			var fired atomic.Bool
			rt.AfterFunc(100*cost, func() { fired.Store(true) })
			for start := rt.Now(); rt.Since(start) < 1000*cost; {
				rt.Yield()
			}
			if !fired.Load() {
				t.Errorf("the timer starved beside a loop that yields, at a cost of %v", cost)
			}
		}))
		if r.Verdict.Kind != sim.OK || r.Steps < 900 || r.Steps > 1100 {
			t.Errorf("verdict %v after %d steps", r.Verdict, r.Steps)
		}
	}
}

// TestEqualDeadlinesAreAChoice protects against programs that rely on the order
// of timers: of three that are due at once each can come first, second or last.
func TestEqualDeadlinesAreAChoice(t *testing.T) {
	orders := make(map[string]int)
	for seed := range uint64(200) {
		var order worldly[string]
		run(t, seed, body(func(ctx context.Context, rt *runtime.Runtime) {
			at := rt.Now().Add(time.Second)
			for _, name := range []string{"a", "b", "c"} {
				rt.AfterFunc(at.Sub(rt.Now()), func() { note(&order, name) })
			}
			must(rt.Sleep(ctx, time.Minute))
		}))
		orders[order.get()]++
	}
	for _, want := range []string{"abc", "acb", "bac", "bca", "cab", "cba"} {
		if orders[want] == 0 {
			t.Errorf("order %s never happened: %v", want, orders)
		}
	}
}

// TestLaterDeadlinesComeLater protects the order of timers whose times differ
// by more than a step.
func TestLaterDeadlinesComeLater(t *testing.T) {
	wantOK(t, 50, body(func(ctx context.Context, rt *runtime.Runtime) {
		var last worldly[time.Time]
		for _, i := range []int{5, 2, 9, 1, 7, 3, 8, 4, 6, 0} {
			rt.AfterFunc(time.Duration(i)*time.Second, func() {
				if rt.Now().Before(last.get()) {
					t.Errorf("%v after %v", rt.Now(), last.get())
				}
				last.set(rt.Now())
			})
		}
		must(rt.Sleep(ctx, time.Minute))
	}))
}

// TestSleepOfNothingIsASchedulingPoint protects loops that pause with a sleep
// of zero: another task can run in between, and need not.
func TestSleepOfNothingIsASchedulingPoint(t *testing.T) {
	for _, d := range []time.Duration{0, -1, math.MinInt64} {
		seen := make(map[bool]int)
		for seed := range uint64(50) {
			var ran atomic.Bool
			run(t, seed, body(func(ctx context.Context, rt *runtime.Runtime) {
				rt.Go(ctx, "other", func(context.Context) error { ran.Store(true); return nil })
				must(rt.Sleep(ctx, d))
				seen[ran.Load()]++
			}))
		}
		if seen[true] == 0 || seen[false] == 0 {
			t.Errorf("sleep of %d: another task ran in between: %v", d, seen)
		}
	}
}

// TestFarFutureNeverComes protects against deadlines that do not fit into 64
// bits of nanoseconds: they must not turn into the past.
func TestFarFutureNeverComes(t *testing.T) {
	tests := map[string]func(ctx context.Context, w *sim.World) bool{
		"sleep": func(ctx context.Context, w *sim.World) bool {
			woken := false
			w.Runtime().Go(ctx, "sleeper", func(ctx context.Context) error {
				must(w.Runtime().Sleep(ctx, math.MaxInt64))
				woken = true
				return nil
			})
			pass(ctx, w, time.Hour)
			return woken
		},
		"timer": func(ctx context.Context, w *sim.World) bool {
			fired := false
			w.Runtime().AfterFunc(math.MaxInt64, func() { fired = true })
			pass(ctx, w, time.Hour)
			return fired
		},
		"timeout": func(ctx context.Context, w *sim.World) bool {
			ctx, cancel := w.Runtime().WithTimeout(ctx, math.MaxInt64)
			defer cancel()
			return w.Runtime().Sleep(ctx, time.Hour) != nil
		},
		"fault": func(ctx context.Context, w *sim.World) bool {
			n := booted(w, "n1", forEver)
			must(w.Inject(sim.Fault{Kind: sim.FaultCrash, Target: n.Name(), Step: 1, Duration: math.MaxInt64}))
			pass(ctx, w, time.Hour)
			return n.State() != sim.Crashed
		},
		"grace": func(_ context.Context, w *sim.World) bool {
			n := booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
				defer rt.Sleep(context.Background(), time.Hour) //nolint:errcheck // never cancelled
				return forEver(ctx, rt)
			})
			w.Runtime().Yield()
			return n.Stop(math.MaxInt64) != nil
		},
		"quiesce": func(ctx context.Context, w *sim.World) bool {
			done := false
			booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
				err := rt.Sleep(ctx, time.Hour)
				done = true
				return err
			})
			w.Quiesce(math.MaxInt64)
			return !done
		},
	}
	for name, far := range tests {
		wantOK(t, 5, func(ctx context.Context, w *sim.World) error {
			if far(ctx, w) {
				return fmt.Errorf("the far future of a %s has come", name)
			}
			return nil
		})
	}
}
