package scenarios

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Takeover lets processes take all collections from each other by epoch.
func Takeover() sim.Scenario {
	return sim.Scenario{
		Name: "takeover",
		Doc: "processes take the collections over from each other under load, two or three at once, paused ones wake up as" +
			" zombies; who was replaced moves no since, commits nothing to the catalog, and ends when it learns it",
		Run:    inWorld(takeover),
		Faults: collectionsFaults(),
		Goals:  []string{"appended", "rows-read", "fenced-at-boot", "fenced-by-catalog", "fenced-by-shard"},
	}
}

func takeover(ctx context.Context, w simulated) error {
	rt := w.Runtime()
	rand := rt.Rand("takeover")

	// Given processes that all want to own the same collections,
	nodes := 2 + rand.IntN(4)/3
	plan := collectionsTrouble(nodes, 6, 6000).plan(w)
	c, err := newCollectionsWorld(w, rand, plan)
	if err != nil {
		return err
	}
	if rand.IntN(3) == 0 {
		c.openingMax, c.pauseMax, c.writes = 1500, 500, 30
	}
	var descriptions []collections.Description
	for i := range runtime.Between(rand, 1, runtime.Between(rand, 2, 5)) {
		d := collections.Description{ID: c.newID()}
		if i > 0 && rand.IntN(4) > 0 {
			d.DependsOn = append(d.DependsOn, descriptions[rand.IntN(i)].ID)
		}
		descriptions = append(descriptions, d)
	}
	boot := func(ctx context.Context, rt *runtime.Runtime) error { return c.takeTurns(ctx, rt, descriptions) }
	if err := bootNodes(w, nodes, boot); err != nil {
		return err
	}

	// when they, their store and their clocks are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, 4, 9)); err != nil {
		return err
	}

	// then, once nobody boots any more, the last one owns all of them.
	c.end()
	w.Quiesce(10 * time.Second)
	if err := rt.Sleep(ctx, 25*time.Second); err != nil {
		return err
	}
	return c.checkQuiescent(ctx, rt)
}

// takeTurns is a process that comes back with another epoch each time it was
// replaced, until the world ends.
func (w *collectionsWorld) takeTurns(
	ctx context.Context, rt *runtime.Runtime, descriptions []collections.Description,
) error {
	rand := rt.Rand("take turns")
	for {
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 1, 5000))*time.Millisecond); err != nil {
			return err
		}
		if err := w.run(ctx, rt, func(ctx context.Context, p *process, group *runtime.Group) error {
			group.Go("change", func(ctx context.Context) error { return p.changeCatalog(ctx) })
			return p.holdAndRead(ctx, group, descriptions)
		}); err != nil {
			return err
		}
		if w.ending() {
			return nil
		}
	}
}

// changeCatalog is a task that creates and drops collections, until the process was
// replaced: from the moment when another one has opened, that must not succeed.
func (p *process) changeCatalog(ctx context.Context) error {
	rand := p.rt.Rand("change catalog")
	for !p.world.ending() {
		if err := p.pause(ctx, rand, 100, 2000); err != nil {
			return err
		}
		id := p.world.newID()
		isOld := p.world.catalog.Inspect().Epoch > p.Epoch()
		err := p.Create(ctx, collections.Description{ID: id})
		p.rt.Always(!isOld || err != nil, "I-31", "epoch", p.Epoch(), "created", id)
		if err == nil {
			err = p.drop(ctx, id)
		}
		if err != nil {
			return p.outcome(err)
		}
	}
	return nil
}
