package scenarios

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Holds lets readers hold collections while policies give history up.
func Holds() sim.Scenario {
	return sim.Scenario{
		Name: "holds",
		Doc: "readers hold plain collections, wait, read at the since of their hold, downgrade and close, while policies" +
			" step back behind the writers; every read under a hold succeeds and agrees with what was written",
		Run:    inWorld(holds),
		Faults: collectionsFaults(),
		Goals:  []string{"appended", "rows-read", "hold-kept", "read-refused"},
	}
}

func holds(ctx context.Context, w simulated) error {
	rt := w.Runtime()
	rand := rt.Rand("holds")

	// Given a process with some collections, which gives up what is behind the upper,
	plan := collectionsTrouble(1, 4, 3000).plan(w)
	c, err := newCollectionsWorld(w, rand, plan)
	if err != nil {
		return err
	}
	var descriptions []collections.Description
	for range mostlyFew(rand, 2, 20) {
		descriptions = append(descriptions, collections.Description{ID: c.newID()})
	}
	if err := bootNodes(w, 1, func(ctx context.Context, rt *runtime.Runtime) error {
		return c.run(ctx, rt, func(ctx context.Context, p *process, group *runtime.Group) error {
			return p.holdAndRead(ctx, group, descriptions)
		})
	}); err != nil {
		return err
	}

	// when it, its store and its clock are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, 4, 8)); err != nil {
		return err
	}

	// then, once all is quiet, the sinces are durable where they can be read.
	c.end()
	w.Quiesce(10 * time.Second)
	if err := rt.Sleep(ctx, 12*time.Second); err != nil {
		return err
	}
	return c.checkQuiescent(ctx, rt)
}

// mostlyFew draws a size: in most runs it is small, so that they are short.
func mostlyFew(rand *runtime.Rand, low, high int) int {
	if rand.IntN(8) > 0 {
		high = low + (high-low)/5
	}
	return runtime.Between(rand, low, high)
}

// holdAndRead is a process: a writer and a reader for each of some collections, and
// a policy for all of them.
func (p *process) holdAndRead(
	ctx context.Context, group *runtime.Group, descriptions []collections.Description,
) error {
	if err := p.Create(ctx, descriptions...); err != nil {
		return p.outcome(err)
	}
	ids := p.IDs()
	var changes []collections.PolicyChange
	for _, id := range ids {
		changes = append(changes, collections.PolicyChange{ID: id, Policy: collections.StepBack()})
	}
	if _, err := p.SetReadPolicies(ctx, changes...); err != nil {
		return p.outcome(err)
	}
	for i, id := range ids {
		if i < 6 { // the others are only there
			group.Go("write "+id.String(), func(ctx context.Context) error { return p.write(ctx, id, p.world.writes) })
		}
	}
	for range 2 {
		group.Go("read", func(ctx context.Context) error { return p.readUnderHolds(ctx, ids) })
	}
	return nil
}

// readUnderHolds is a task that holds one or more collections, reads them at the
// times that it holds, moves on, reads again, and lets go, until the world ends.
func (p *process) readUnderHolds(ctx context.Context, ids []collections.GlobalID) error {
	rand := p.rt.Rand("read " + ids[p.rt.Serial("reader")%uint64(len(ids))].String())
	for !p.world.ending() {
		var some []collections.GlobalID // may be repeated
		for range runtime.Between(rand, 1, 3) {
			some = append(some, ids[rand.IntN(min(len(ids), 6))])
		}
		if err := p.readOnce(ctx, rand, some); err != nil {
			return p.outcome(err)
		}
		if err := p.pause(ctx, rand, 10, 800); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) readOnce(ctx context.Context, rand *runtime.Rand, some []collections.GlobalID) error {
	holds, err := p.hold(ctx, some...)
	if err != nil {
		return err
	}
	defer holds.Close()
	if err := p.pause(ctx, rand, 0, 2000); err != nil {
		return err
	}
	for _, h := range holds {
		since, _ := h.Since().Time()
		f, err := p.Frontiers(h.ID())
		if err != nil {
			return err
		}
		upper, _ := f[0].Upper.Time()
		if upper <= since {
			continue
		}
		p.rt.Sometimes(f[0].Implied != f[0].Read, "hold-kept")
		if err := p.read(ctx, h.ID(), since, true); err != nil {
			return err
		}
		if since > 0 {
			if err := p.read(ctx, h.ID(), since-1, false); err != nil {
				return err
			}
		}
		later := runtime.Between(rand, since, upper-1)
		if err := h.Downgrade(frontier.At(later)); err != nil {
			return err
		}
		if err := p.read(ctx, h.ID(), later, true); err != nil {
			return err
		}
	}
	return nil
}
