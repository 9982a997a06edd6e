package sim_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// about allows for the time that steps take.
func about(got, want time.Duration) bool { return got >= want && got < want+time.Millisecond }

// withClock runs a program on a node with a clock.
func withClock(t *testing.T, c sim.Clock, program func(ctx context.Context, w *sim.World, n *sim.Node, rt *runtime.Runtime)) {
	t.Helper()
	wantOK(t, 10, func(_ context.Context, w *sim.World) error {
		var n *sim.Node
		n, err := w.Node("n1", func(ctx context.Context, rt *runtime.Runtime) error {
			program(ctx, w, n, rt)
			return nil
		})
		must(err)
		must(n.SetClock(c))
		must(n.Boot())
		return n.Wait()
	})
}

// TestOffsetShowsInNowAlone protects programs that compare times of two machines, and
// those that do not: timers, timeouts and deadlines go by the time that passes.
func TestOffsetShowsInNowAlone(t *testing.T) {
	withClock(t, sim.Clock{Offset: -time.Hour}, func(ctx context.Context, w *sim.World, n *sim.Node, rt *runtime.Runtime) {
		start, virtual := w.Elapsed(), time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		if ahead := rt.Now().Sub(virtual.Add(start)); !about(ahead, -time.Hour) {
			t.Errorf("ahead by %v", ahead)
		}
		must(rt.Sleep(ctx, time.Second))
		for _, limited := range []func() (context.Context, context.CancelFunc){
			func() (context.Context, context.CancelFunc) { return rt.WithTimeout(ctx, time.Second) },
			func() (context.Context, context.CancelFunc) { return rt.WithDeadline(ctx, rt.Now().Add(time.Second)) },
		} {
			ctx, cancel := limited()
			if _, err := runtime.NewChan[int](rt, 0).Recv(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			cancel()
		}
		at, err := rt.NewTimer(time.Second).C.Recv(ctx)
		must(err)
		if took := w.Elapsed() - start; !about(took, 4*time.Second) || !about(rt.Now().Sub(at), 0) {
			t.Errorf("took %v, the timer says %v", took, at)
		}
	})
}

// TestDriftSpeedsTimersUp protects leases that two clocks measure.
func TestDriftSpeedsTimersUp(t *testing.T) {
	for rate, want := range map[int64]time.Duration{
		0: time.Hour, 1_000_000: 30 * time.Minute, -500_000: 2 * time.Hour, 100: time.Hour - 359_964*time.Microsecond,
	} {
		withClock(t, sim.Clock{Rate: rate}, func(ctx context.Context, w *sim.World, n *sim.Node, rt *runtime.Runtime) {
			start, began := w.Elapsed(), rt.Now()
			must(rt.Sleep(ctx, time.Hour))
			if took := w.Elapsed() - start; !about(took, want) {
				t.Errorf("%d ppm: an hour took %v, want %v", rate, took, want)
			}
			if passed := rt.Since(began); passed < time.Hour || passed > time.Hour+time.Second {
				t.Errorf("%d ppm: %v passed", rate, passed)
			}
		})
	}
}

// TestSwingComesBack protects programs under a clock that is set right again and again.
func TestSwingComesBack(t *testing.T) {
	clock := sim.Clock{Offset: time.Minute, Swing: time.Second, Period: 10 * time.Second}
	withClock(t, clock, func(ctx context.Context, w *sim.World, n *sim.Node, rt *runtime.Runtime) {
		epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		var seen []time.Duration
		for range 5 {
			at := w.Elapsed().Truncate(5*time.Second) + 5*time.Second
			must(rt.Sleep(ctx, at-w.Elapsed()))
			seen = append(seen, rt.Now().Sub(epoch.Add(w.Elapsed())).Round(10*time.Millisecond))
		}
		for i, ahead := range seen {
			if want := time.Minute + time.Duration(1-i%2)*time.Second; ahead != want {
				t.Errorf("after %d half periods ahead by %v, want %v", i+1, ahead, want)
			}
		}
	})
}

// TestClockFaults protects the clocks' own faults: they come, they show, they end with
// their duration or with Quiesce.
func TestClockFaults(t *testing.T) {
	wantOK(t, 10, func(ctx context.Context, w *sim.World) error {
		n := booted(w, "n1", forEver)
		inject := func(text string) {
			f, err := sim.ParseFault(text)
			must(err)
			must(w.Inject(f))
			w.Runtime().Yield()
		}
		inject("jump n1 by -1h at step 1 for 10s")
		inject("jump n1 by 1ms at step 1 for 0s")
		inject("drift n1 by 1000ppm at step 1 for 5s")
		if c := n.Clock(); c.Offset != time.Millisecond-time.Hour || c.Rate != 1000 {
			t.Errorf("%+v", c)
		}
		pass(ctx, w, 6*time.Second)
		if c := n.Clock(); c.Offset != time.Millisecond-time.Hour || c.Rate != 0 {
			t.Errorf("after the drift: %+v", c)
		}
		inject("drift n1 by -1000ppm at step 1 for 1h")
		w.Quiesce(0)
		if c := n.Clock(); c.Offset != time.Millisecond || c.Rate != 0 {
			t.Errorf("quiet: %+v", c)
		}
		return nil
	})
}

// TestImpossibleClocksAreRefused protects worlds from clocks that stand or run backwards.
func TestImpossibleClocksAreRefused(t *testing.T) {
	wantOK(t, 1, func(_ context.Context, w *sim.World) error {
		n := booted(w, "n1", forEver)
		for _, c := range []sim.Clock{
			{Rate: -1_000_000}, {Rate: 1 << 40}, {Swing: time.Second}, {Period: time.Second}, {Swing: -1, Period: 1},
		} {
			if err := n.SetClock(c); !errors.Is(err, sim.ErrState) || n.Clock() != (sim.Clock{}) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		return nil
	})
}

// TestAlarmsFarAway protects timers that are meant never to fire, on any clock.
func TestAlarmsFarAway(t *testing.T) {
	for _, rate := range []int64{-999_999, -1, 0, 1, 1_000_000_000} {
		withClock(t, sim.Clock{Rate: rate}, func(ctx context.Context, w *sim.World, n *sim.Node, rt *runtime.Runtime) {
			rt.NewTimer(1 << 62)
			rt.NewTimer(1<<63 - 1)
			must(rt.Sleep(ctx, time.Microsecond))
		})
	}
}
