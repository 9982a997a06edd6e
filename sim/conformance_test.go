package sim_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/runtime/runtimetest"
	"github.com/tidemarkdb/tidemark/sim"
)

// TestPrimitivesBehaveAsInGo protects everything that is found in a simulation
// from being an artefact of it: over the seeds, each case of the conformance
// suite reaches every outcome that Go allows, and no other.
func TestPrimitivesBehaveAsInGo(t *testing.T) {
	seeds := 500
	if testing.Short() {
		seeds = 50
	}
	runtimetest.Run(t, runtimetest.Implementation{
		Execute: simulate, Repetitions: seeds, Parallel: 2, Complete: !testing.Short(), Scheduler: true,
	})
}

func simulate(t *testing.T, c runtimetest.Case, seed int) (outcome string) {
	r, err := sim.Run(t.Context(), sim.Config{Seed: uint64(seed)}, func(ctx context.Context, w *sim.World) error {
		outcome = c.Body(ctx, w.Runtime())
		return nil
	})
	return concluded(r, err, outcome)
}

// concluded returns the outcome of a case. A run that does not return has the
// kind of its verdict as the outcome.
func concluded(r sim.Result, err error, outcome string) string {
	switch {
	case err != nil:
		return err.Error()
	case r.Verdict.Kind == sim.OK:
		return outcome
	case r.Verdict.Kind == sim.Deadlock, r.Verdict.Kind == sim.Misuse:
		return r.Verdict.Kind.String()
	}
	return r.Verdict.String()
}

// TestPausedNodesBehaveAsInGo protects the same on a node that is paused and
// resumed in between: being late changes no outcome into one that Go does not
// allow.
func TestPausedNodesBehaveAsInGo(t *testing.T) {
	seeds := 50
	if testing.Short() {
		seeds = 5
	}
	runtimetest.Run(t, runtimetest.Implementation{
		Execute: simulatePaused, Repetitions: seeds, Parallel: 2, Scheduler: true,
	})
}

func simulatePaused(t *testing.T, c runtimetest.Case, seed int) (outcome string) {
	r, err := sim.Run(t.Context(), sim.Config{Seed: uint64(seed)}, func(_ context.Context, w *sim.World) error {
		n, err := w.Node("n1", func(ctx context.Context, rt *runtime.Runtime) error {
			outcome = c.Body(ctx, rt)
			return nil
		})
		must(err)
		rand := w.Runtime().Rand("pauses")
		for range 3 {
			pause := sim.Fault{
				Kind: sim.FaultPause, Target: n.Name(), Step: runtime.Between[uint64](rand, 5, 40),
				Duration: runtime.Between(rand, 1, time.Millisecond),
			}
			if !strings.HasPrefix(c.Name, "timer/") { // cases about what comes first by the clock
				must(w.Inject(pause))
			}
		}
		must(n.Boot())
		return n.Wait()
	})
	return concluded(r, err, outcome)
}
