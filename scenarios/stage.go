package scenarios

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// stage is where a scenario takes place: a simulated world, or the real one (live.go). What
// it can do is what a [sim.World] can.
type stage interface {
	Runtime() *runtime.Runtime
	Plan(draw func() sim.Plan) sim.Plan
	Handle(kind sim.FaultKind, h sim.Handler) error
	Inject(faults ...sim.Fault) error
	Quiesce(within time.Duration)
	Eventually(id string, within time.Duration, condition func() bool, kv ...any)
	// boot adds a node and boots it.
	boot(name string, boot sim.Boot) error
	// access returns how processes get at the store of the stage, under faults.
	access(faults *faulty.Faults) access
}

// access opens the store as one process sees it: under the faults of the run, or without.
type access func(ctx context.Context, rt *runtime.Runtime, isCalm bool) (persist.Blob, persist.Consensus, error)

// simulated is a simulated world with a store in memory.
type simulated struct{ *sim.World }

func (s simulated) boot(name string, boot sim.Boot) error {
	n, err := s.Node(name, boot)
	if err != nil {
		return err
	}
	return n.Boot()
}

// access is nil: the scenario makes a store in memory, and watches it from below.
func (s simulated) access(*faulty.Faults) access { return nil }

// inWorld returns what runs a scenario that only a simulated world can give what it needs.
func inWorld(run func(context.Context, simulated) error) func(context.Context, *sim.World) error {
	return func(ctx context.Context, w *sim.World) error { return run(ctx, simulated{w}) }
}

// onStage is inWorld for a scenario that runs on any stage.
func onStage(run func(context.Context, stage) error) func(context.Context, *sim.World) error {
	return inWorld(func(ctx context.Context, w simulated) error { return run(ctx, w) })
}
