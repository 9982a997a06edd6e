package scenarios

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Indeterminate loses the answers of three in ten compare-and-sets.
func Indeterminate() sim.Scenario {
	return sim.Scenario{
		Name: "indeterminate",
		Doc: "three compare-and-sets in ten have their effect, or not, and never answer; no process fences itself, no move" +
			" of a since is lost, and every read agrees",
		Run: indeterminate,
		Faults: []string{
			string(sim.FaultCrash), string(sim.FaultPause), string(faulty.FailBefore), string(faulty.FailAfter),
			string(faulty.Late),
		},
		Goals: []string{"appended", "rows-read", "hold-kept"},
	}
}

func indeterminate(ctx context.Context, w *sim.World) error {
	rt := w.Runtime()
	rand := rt.Rand("indeterminate")

	// Given a process whose store loses one answer in three, before or after the
	// effect, or lets it happen later,
	c, err := newCollectionsWorld(rand)
	if err != nil {
		return err
	}
	c.faults, err = faulty.New(faulty.Plan{
		{Op: faulty.CAS, Effect: faulty.FailAfter, OneIn: 5},
		{Op: faulty.CAS, Effect: faulty.Late, OneIn: 10},
		{Op: faulty.CAS, Effect: faulty.FailBefore, OneIn: 10},
	}, 0)
	if err != nil {
		return err
	}
	c.catalogFails.Refuse, c.catalogFails.FailBefore, c.catalogFails.FailAfter = 0, 0, 0
	var descriptions []collections.Description
	for range runtime.Between(rand, 2, 4) {
		descriptions = append(descriptions, collections.Description{ID: c.newID()})
	}
	if err := bootNodes(w, 1, func(ctx context.Context, rt *runtime.Runtime) error {
		return c.run(ctx, rt, func(ctx context.Context, p *process, group *runtime.Group) error {
			group.Go("steer", p.steer)
			return p.holdAndRead(ctx, group, descriptions)
		})
	}); err != nil {
		return err
	}

	// when it crashes and pauses besides,
	if err := injectFaults(w, rand, runtime.Between(rand, 0, 2), 4000); err != nil {
		return err
	}
	if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 3, 7))*time.Second); err != nil {
		return err
	}

	// then nobody else has ever owned the collections, and all is as it was answered.
	c.end()
	w.Quiesce(10 * time.Second)
	if err := rt.Sleep(ctx, 20*time.Second); err != nil {
		return err
	}
	return c.checkQuiescent(ctx, rt)
}
