package runtime_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/tidemarkdb/tidemark/runtime"
)

// An injected clock drives everything that has to do with time: an hour of
// ticks passes when the test says so.
func TestInjectedClockDrivesTheTicker(t *testing.T) {
	mock := clock.NewMock()
	rt := runtime.New(runtime.Options{Clock: mock})
	ticker := rt.NewTicker(time.Hour)
	defer ticker.Stop()
	for i := range 3 {
		if _, received, _ := ticker.C.TryRecv(); received {
			t.Fatalf("tick %d before its time", i)
		}
		mock.Add(time.Hour)
		if _, received, _ := ticker.C.TryRecv(); !received {
			t.Fatalf("no tick %d", i)
		}
	}
	if got := rt.Since(time.Unix(0, 0)); got != 3*time.Hour {
		t.Errorf("%v have passed, want 3h", got)
	}
}

// Timers, functions, sleeps and deadlines follow the injected clock too.
func TestInjectedClockDrivesTheRest(t *testing.T) {
	mock := clock.NewMock()
	rt := runtime.New(runtime.Options{Clock: mock})
	ctx, cancel := rt.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	timer := rt.NewTimer(time.Hour)
	ran := runtime.NewChan[bool](rt, 1)
	rt.AfterFunc(time.Hour, func() { ran.TrySend(true) })
	mock.Add(time.Hour)
	if err := rt.Sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("sleep after the deadline: %v", err)
	}
	if _, err := timer.C.Recv(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := ran.Recv(context.Background()); err != nil {
		t.Error(err)
	}
}

// A ticker drops the ticks for which nobody is there, and goes on in step.
func TestTickerDropsForASlowReceiver(t *testing.T) {
	toy := &toyScheduler{}
	rt := runtime.Plug(toy, runtime.Options{})
	verdict := toy.Run(rt, func(ctx context.Context) {
		start := rt.Now()
		ticker := rt.NewTicker(time.Second)
		_ = rt.Sleep(ctx, 3500*time.Millisecond)
		var ticks []time.Duration
		for range 3 {
			tick, err := ticker.C.Recv(ctx)
			if err != nil {
				t.Error(err)
			}
			ticks = append(ticks, tick.Sub(start))
		}
		if ticks[0] != time.Second || ticks[1] != 4*time.Second || ticks[2] != 5*time.Second {
			t.Errorf("ticks at %v", ticks)
		}
	})
	if verdict != "ok" {
		t.Errorf("verdict %q", verdict)
	}
}

// Virtual time stands still while tasks run, and jumps when they all wait.
func TestVirtualTime(t *testing.T) {
	toy := &toyScheduler{}
	rt := runtime.Plug(toy, runtime.Options{})
	toy.Run(rt, func(ctx context.Context) {
		start := rt.Now()
		_ = rt.Sleep(ctx, 24*time.Hour)
		if got := rt.Since(start); got != 24*time.Hour {
			t.Errorf("%v have passed", got)
		}
		deadline, cancel := rt.WithDeadline(ctx, rt.Now().Add(time.Minute))
		defer cancel()
		if at, ok := deadline.Deadline(); !ok || !at.Equal(rt.Now().Add(time.Minute)) {
			t.Errorf("deadline %v, %v", at, ok)
		}
	})
}

// The bounds of a period are checked live as under a scheduler.
func TestTickerPeriodIsChecked(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, _ context.Context, rt *runtime.Runtime) {
		if recovered(func() { rt.NewTicker(-time.Second) }) == nil {
			t.Error("negative period accepted")
		}
	})
}

// Live, a sleep of nothing looks at its context and returns.
func TestLiveSleepOfNothing(t *testing.T) {
	rt := runtime.New(runtime.Options{})
	ctx, cancel := rt.WithCancel(context.Background())
	if err := rt.Sleep(ctx, 0); err != nil {
		t.Error(err)
	}
	cancel()
	if err := rt.Sleep(ctx, -1); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
