package sim_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// spin yields for ever.
func spin(_ context.Context, rt *runtime.Runtime) {
	for {
		rt.Yield()
	}
}

// TestLimitOfStepsIsInconclusive protects sweeps from runs that never end, and
// from taking such a run for a pass or a failure.
func TestLimitOfStepsIsInconclusive(t *testing.T) {
	for _, limit := range []uint64{1, 2, 100, 255, 256, 257, 1000} {
		r := runWith(t, sim.Config{StepsMax: limit}, body(spin))
		v := r.Verdict
		if v.Kind != sim.Inconclusive || v.Message != "step limit reached" || v.Failed() || r.Steps != limit {
			t.Errorf("limit %d: %v %q after %d steps", limit, v.Kind, v.Message, r.Steps)
		}
	}
}

// TestLimitOfTimeIsInconclusive protects the same in virtual time, also where
// the clock leaps.
func TestLimitOfTimeIsInconclusive(t *testing.T) {
	sleepy := body(func(ctx context.Context, rt *runtime.Runtime) {
		for {
			must(rt.Sleep(ctx, time.Hour))
		}
	})
	ticking := body(func(ctx context.Context, rt *runtime.Runtime) {
		rt.NewTicker(time.Hour) // nobody receives its ticks
		must(rt.Sleep(ctx, 1<<62))
	})
	for name, main := range map[string]sim.Main{"spins": body(spin), "sleeps": sleepy, "ticks": ticking} {
		limit := 10 * time.Hour
		if name == "spins" {
			limit = time.Millisecond
		}
		r := runWith(t, sim.Config{TimeMax: limit}, main)
		if r.Verdict.Kind != sim.Inconclusive || r.Verdict.Message != "limit of virtual time reached" {
			t.Errorf("%s: %v %q", name, r.Verdict.Kind, r.Verdict.Message)
		}
		if slack := 300 * time.Microsecond; r.Time > limit+slack {
			t.Errorf("%s: %v passed, the limit is %v", name, r.Time, limit)
		}
	}
}

// TestInterruptedRunIsInconclusive protects Ctrl-C: the end of the context ends
// the run at its next step, and nothing is proved.
func TestInterruptedRunIsInconclusive(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, err := sim.Run(ctx, sim.Config{StepsMax: 1 << 60}, body(func(_ context.Context, rt *runtime.Runtime) {
		rt.Yield()
		cancel()
		spin(ctx, rt)
	}))
	if err != nil || r.Verdict.Kind != sim.Inconclusive || r.Verdict.Message != "interrupted" {
		t.Errorf("%v, %v %q", err, r.Verdict.Kind, r.Verdict.Message)
	}
}

// TestInterruptReachesAWorldOfAlarms protects Ctrl-C where no task ever runs,
// and such a world from being taken for one that hangs.
func TestInterruptReachesAWorldOfAlarms(t *testing.T) {
	patiently(t, sim.Inconclusive, func(patience time.Duration) sim.Result {
		ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
		defer cancel()
		config := sim.Config{StepsMax: 1 << 60, TimeMax: 1<<63 - 1, StuckAfter: patience}
		r, err := sim.Run(ctx, config, body(func(ctx context.Context, rt *runtime.Runtime) {
			rt.NewTicker(time.Microsecond) // nobody receives its ticks
			must(rt.Sleep(ctx, 1<<62))
		}))
		must(err)
		return r
	})
}

// TestRunUnderAnEndedContextIsInconclusive protects the edge: however short the
// run is, it is not a pass.
func TestRunUnderAnEndedContextIsInconclusive(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := sim.Run(ctx, sim.Config{}, body(func(context.Context, *runtime.Runtime) { t.Error("ran") }))
	if err != nil || r.Verdict.Kind != sim.Inconclusive {
		t.Errorf("%v, %v", err, r.Verdict)
	}
}

// TestConfigurationIsChecked protects against runs that mean nothing.
func TestConfigurationIsChecked(t *testing.T) {
	nothing := body(func(context.Context, *runtime.Runtime) {})
	for name, config := range map[string]sim.Config{
		"negative TimeMax":    {TimeMax: -1},
		"negative StepCost":   {StepCost: -1},
		"negative StuckAfter": {StuckAfter: -1},
		"two masters":         {Replay: &sim.Tape{}, Strategy: sim.Random},
	} {
		if _, err := sim.Run(t.Context(), config, nothing); !errors.Is(err, sim.ErrConfig) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := sim.Run(t.Context(), sim.Config{}, nil); !errors.Is(err, sim.ErrConfig) {
		t.Errorf("without a main function: error %v", err)
	}
}

// broken is a strategy that does not keep its contract.
type broken struct{ pick, draw func(n int) int }

func (b broken) Pick(d *sim.Decision) int    { return b.pick(d.Len()) }
func (b broken) Draw(_, _ string, n int) int { return b.draw(n) }
func zero(int) int                           { return 0 }
func beyond(n int) int                       { return n }
func below(int) int                          { return -1 }
func panicking(int) int                      { panic("strategy") }
func pair(ctx context.Context, rt *runtime.Runtime) {
	rt.Go(ctx, "other", func(context.Context) error { rt.Yield(); return nil })
	rt.Choose("network", "here", 3)
	rt.Yield()
}

// TestBrokenStrategyGetsAVerdict protects the promise of Run against strategies
// of other people.
func TestBrokenStrategyGetsAVerdict(t *testing.T) {
	for name, test := range map[string]struct {
		strategy broken
		kind     sim.VerdictKind
	}{
		"picks too much":   {broken{beyond, zero}, sim.Misuse},
		"picks too little": {broken{below, zero}, sim.Misuse},
		"draws too much":   {broken{zero, beyond}, sim.Misuse},
		"draws too little": {broken{zero, below}, sim.Misuse},
		"panics in Pick":   {broken{panicking, zero}, sim.Panic},
		"panics in Draw":   {broken{zero, panicking}, sim.Panic},
	} {
		if r := runWith(t, sim.Config{Strategy: always(test.strategy)}, body(pair)); r.Verdict.Kind != test.kind {
			t.Errorf("%s: verdict %v %q, want %v", name, r.Verdict.Kind, r.Verdict.Message, test.kind)
		}
	}
}
