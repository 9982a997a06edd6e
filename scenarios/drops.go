package scenarios

import (
	"context"
	"errors"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Drops creates, writes and drops collections.
func Drops() sim.Scenario {
	return sim.Scenario{
		Name: "drops",
		Doc: "collections are created, written and dropped: plainly, with holds that are closed later and policies set" +
			" meanwhile, twice, at once after the creation; what was dropped is given up durably, and nothing else is",
		Run:    inWorld(drops),
		Faults: collectionsFaults(),
		Goals:  []string{"appended", "dropped", "read-while-dropping", "dropped-twice", "dropped-at-once", "policy-withheld"},
	}
}

func drops(ctx context.Context, w simulated) error {
	rt := w.Runtime()
	rand := rt.Rand("drops")

	// Given a process that creates and drops collections in some ways,
	plan := collectionsTrouble(1, 5, 3000).plan(w)
	c, err := newCollectionsWorld(w, rand, plan)
	if err != nil {
		return err
	}
	tasks := runtime.Between(rand, 1, 3)
	if err := bootNodes(w, 1, func(ctx context.Context, rt *runtime.Runtime) error {
		return c.run(ctx, rt, func(_ context.Context, p *process, group *runtime.Group) error {
			for range tasks {
				group.Go("drop", func(ctx context.Context) error { return p.outcome(p.createAndDrop(ctx)) })
			}
			group.Go("end", p.dropAll)
			return nil
		})
	}); err != nil {
		return err
	}

	// when it, its store and its clock are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, 5, 9)); err != nil {
		return err
	}

	// then, once everything was dropped, the sinces of all shards are empty.
	c.end()
	w.Quiesce(20 * time.Second)
	if err := rt.Sleep(ctx, 40*time.Second); err != nil {
		return err
	}
	if err := c.checkQuiescent(ctx, rt); err != nil {
		return err
	}
	c.watch.CheckReleased(rt)
	rt.Always(len(c.catalog.Inspect().Shards) == 0, "I-39", "mappings", len(c.catalog.Inspect().Shards))
	return nil
}

// createAndDrop is a task that takes one collection after the other through its life,
// until the world ends.
func (p *process) createAndDrop(ctx context.Context) error {
	rand := p.rt.Rand("create and drop " + collections.UserID(p.rt.Serial("create and drop")).String())
	for !p.world.ending() {
		id := p.world.newID()
		if err := p.Create(ctx, collections.Description{ID: id}); err != nil {
			return err
		}
		var err error
		switch rand.IntN(3) {
		case 0:
			p.rt.Reachable("dropped-at-once")
			err = p.drop(ctx, id)
		case 1:
			if err = p.write(ctx, id, 2); err == nil {
				err = p.drop(ctx, id)
			}
		case 2:
			err = p.dropHeld(ctx, rand, id)
		}
		if err != nil {
			return err
		}
		if err := p.pause(ctx, rand, 1, 300); err != nil {
			return err
		}
	}
	return nil
}

// drop drops a collection, after which it is not there, for new policies at least.
func (p *process) drop(ctx context.Context, id collections.GlobalID) error {
	p.world.noteDrop(id)
	before := p.watch.HasEnded()
	err := p.Drop(ctx, id)
	p.watch.Returned(before, err)
	p.rt.Sometimes(err == nil, "dropped")
	return p.orMissing(err)
}

// orMissing lets the answer pass that a collection does not exist.
func (p *process) orMissing(err error) error {
	var missing *collections.CollectionMissingError
	if errors.As(err, &missing) {
		return nil
	}
	return err
}

// dropHeld drops a collection that is held: it can be read, and held again, until
// the last hold is closed, and no policy brings it back.
func (p *process) dropHeld(ctx context.Context, rand *runtime.Rand, id collections.GlobalID) error {
	if err := p.write(ctx, id, 2); err != nil {
		return err
	}
	holds, err := p.hold(ctx, id, id)
	if err != nil {
		return p.orMissing(err)
	}
	defer holds.Close()
	if err := p.drop(ctx, id); err != nil {
		return err
	}
	withheld, err := p.SetReadPolicies(ctx, collections.PolicyChange{ID: id, Policy: collections.StepBack()})
	if err != nil {
		return err
	}
	p.rt.Sometimes(len(withheld) > 0, "policy-withheld")
	f, err := p.Frontiers(id)
	if err != nil {
		return err
	}
	p.rt.Always(f[0].Implied == frontier.Empty(), "I-13", "collection", id, "implied", f[0].Implied)
	holds[0].Close()
	if err := p.pause(ctx, rand, 0, 500); err != nil {
		return err
	}
	again, err := p.hold(ctx, id)
	if err != nil {
		return err
	}
	defer again.Close()
	if upper, _ := f[0].Upper.Time(); upper > 0 {
		if err := p.read(ctx, id, upper-1, true); err != nil {
			return err
		}
		p.rt.Reachable("read-while-dropping")
	}
	p.rt.Reachable("dropped-twice")
	return p.drop(ctx, id)
}
