package fate_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/fate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// lost makes a mistake in the middle that shows at the end: one of two tasks reads
// while the other is between reading and writing.
func lost(mistake *uint64) sim.Scenario {
	return sim.Scenario{Name: "lost", Doc: "loses an update", Run: func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		var n atomic.Int64
		wait := func() {
			for range 100 {
				rt.Yield()
			}
		}
		group := rt.NewGroup(ctx)
		for range 2 {
			group.Go("adder", func(context.Context) error {
				wait()
				old := n.Load()
				rt.Yield()
				if n.Load() != old && mistake != nil {
					*mistake = w.Step()
				}
				n.Store(old + 1)
				wait()
				return nil
			})
		}
		_ = group.Wait()
		rt.Always(n.Load() == 2, "lost-update", "n", n.Load())
		return nil
	}}
}

// TestFindsTheStepOfTheMistake protects people from reading what comes after it.
func TestFindsTheStepOfTheMistake(t *testing.T) {
	found := 0
	for seed := range uint64(400) {
		var mistake uint64
		scenario := lost(&mistake)
		r, err := sim.Run(t.Context(), sim.Config{Seed: seed}, scenario.Run)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Verdict.Failed() || mistake == 0 {
			continue
		}
		f, err := fate.Find(t.Context(), lost(nil), sim.Config{Seed: seed}, fate.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if f.Before.Percent() > 60 || f.After.Percent() < 90 || f.After.Step+8 < mistake || f.After.Step > mistake+8 {
			t.Errorf("seed %d: the mistake was at step %d, the jump is %+v to %+v", seed, mistake, f.Before, f.After)
		}
		if found++; found == 3 {
			return
		}
	}
	t.Errorf("only %d seeds fail", found)
}

// TestARunThatPassesIsRefused protects from searching for nothing.
func TestARunThatPassesIsRefused(t *testing.T) {
	s := sim.Scenario{Name: "fine", Doc: "passes", Run: func(context.Context, *sim.World) error { return nil }}
	if _, err := fate.Find(t.Context(), s, sim.Config{}, fate.Options{}); !errors.Is(err, fate.ErrNoFailure) {
		t.Errorf("error %v", err)
	}
}

func ExampleFind() {
	scenario := sim.Scenario{Name: "doomed", Doc: "fails from the start", Run: func(_ context.Context, w *sim.World) error {
		rt := w.Runtime()
		isDoomed := rt.Choose("storage", "disk", 2) == 1
		for range 100 {
			rt.Yield()
		}
		rt.Always(!isDoomed, "doomed")
		return nil
	}}
	for seed := range uint64(10) {
		if f, err := fate.Find(context.Background(), scenario, sim.Config{Seed: seed}, fate.Options{}); err == nil {
			fmt.Printf("from step %d on %d%% fail\n", f.After.Step, f.After.Percent())
			break
		}
	}
	// Output:
	// from step 2 on 100% fail
}
