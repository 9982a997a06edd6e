package scenarios

import (
	"context"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Indeterminate loses the answers of three in ten compare-and-sets.
func Indeterminate() sim.Scenario {
	return sim.Scenario{
		Name: "indeterminate",
		Doc: "three compare-and-sets in ten have their effect, or not, and never answer; no process fences itself, no move" +
			" of a since is lost, and every read agrees",
		Run:    inWorld(indeterminate),
		Faults: kindNames(nodeFaults, strings.Split(threeInTen, ";")...),
		Goals:  []string{"appended", "rows-read", "hold-kept"},
	}
}

// threeInTen is what the store does to compare-and-sets.
const threeInTen = "cas fail-after 1/5; cas late 1/10; cas fail-before 1/10"

func indeterminate(ctx context.Context, w simulated) error {
	rt := w.Runtime()
	rand := rt.Rand("indeterminate")

	// Given a process whose store loses one answer in three, before or after the
	// effect, or lets it happen later,
	plan := trouble{nodes: 1, faults: 3, steps: 4000, kinds: nodeFaults, always: threeInTen}.plan(w)
	c, err := newCollectionsWorld(w, rand, plan)
	if err != nil {
		return err
	}
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

	// when it and its clock are in trouble besides,
	if err := strike(ctx, w, plan, runtime.Between(rand, 3, 7)); err != nil {
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
