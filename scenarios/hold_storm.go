package scenarios

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// HoldStorm lets many tasks clone, merge, downgrade and close holds.
func HoldStorm() sim.Scenario {
	return sim.Scenario{
		Name: "hold-storm",
		Doc: "tasks acquire, clone, merge, downgrade and close 20 to 300 holds on ten collections, the same one from two" +
			" tasks at once, while changes of holds pile up; every capability is accounted for, and in the end none is left",
		Run: inWorld(func(ctx context.Context, w simulated) error {
			rand := w.Runtime().Rand("hold storm")
			return holdStorm(ctx, w, storm{tokens: mostlyFew(rand, 20, 300), workers: runtime.Between(rand, 2, 6), faults: 3,
				seconds: runtime.Between(rand, 3, 9)})
		}),
		Faults: collectionsFaults(),
		Goals:  []string{"appended", "cloned", "merged", "downgraded", "downgrade-refused", "closed-twice"},
	}
}

// HoldStorm10000 is HoldStorm with as many holds as a large program has.
func HoldStorm10000() sim.Scenario {
	s := HoldStorm()
	s.Name, s.Named, s.StepsMax = "hold-storm-10000", true, 20_000_000
	s.Doc = "hold-storm with 10,000 holds and 16 tasks; what has to be true of them is checked now and then"
	s.Faults, s.Goals = nil, nil
	s.Run = inWorld(func(ctx context.Context, w simulated) error {
		return holdStorm(ctx, w, storm{tokens: 10_000, workers: 16, seconds: 120, isSampled: true})
	})
	return s
}

// storm says how many holds there are, and who changes them.
type storm struct {
	tokens, workers int
	faults          int
	seconds         int // for which it lasts
	// isSampled says that invariants are not checked after each step.
	isSampled bool
}

func holdStorm(ctx context.Context, w simulated, size storm) error {
	rt := w.Runtime()
	rand := rt.Rand("hold storm world")

	// Given a process with ten collections that are being written,
	plan := collectionsTrouble(1, size.faults, 4000).plan(w)
	if size.isSampled {
		plan = sim.Plan{}
	}
	c, err := newCollectionsWorld(w, rand, plan)
	if err != nil {
		return err
	}
	c.isSampled = size.isSampled
	var descriptions []collections.Description
	for i := range 10 {
		d := collections.Description{ID: c.newID()}
		if i > 0 && rand.IntN(3) == 0 {
			d.DependsOn = append(d.DependsOn, descriptions[rand.IntN(i)].ID)
		}
		descriptions = append(descriptions, d)
	}
	if err := bootNodes(w, 1, func(ctx context.Context, rt *runtime.Runtime) error {
		return c.run(ctx, rt, func(ctx context.Context, p *process, group *runtime.Group) error {
			return p.storm(ctx, group, descriptions, size)
		})
	}); err != nil {
		return err
	}

	// when tasks change their holds in any order, and the process is in trouble,
	if err := w.Inject(plan.Faults...); err != nil {
		return err
	}
	if err := rt.Sleep(ctx, time.Duration(size.seconds)*time.Second); err != nil {
		return err
	}

	// then, once all holds are closed, nothing of them is left.
	c.end()
	w.Quiesce(10 * time.Second)
	if err := rt.Sleep(ctx, 12*time.Second); err != nil {
		return err
	}
	return c.checkQuiescent(ctx, rt)
}

func (p *process) storm(
	ctx context.Context, group *runtime.Group, descriptions []collections.Description, size storm,
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
	for _, id := range ids[:2] {
		group.Go("write "+id.String(), func(ctx context.Context) error { return p.write(ctx, id, 10) })
	}
	for i := range size.workers {
		group.Go("worker", func(ctx context.Context) error {
			return p.outcome(p.juggle(ctx, ids, size.tokens/size.workers, uint64(i)))
		})
	}
	if size.isSampled {
		group.Go("sample", p.sample)
	}
	return nil
}

// sample is a task that checks the controller now and then.
func (p *process) sample(ctx context.Context) error {
	for {
		invariants.CheckController(p.rt, p.Inspect())
		if err := p.rt.Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// juggle is a task that changes holds of its own at random, until the world ends.
func (p *process) juggle(ctx context.Context, ids []collections.GlobalID, tokens int, serial uint64) error {
	rand := p.rt.Rand("juggle " + collections.UserID(serial).String())
	var mine collections.Holds
	defer func() { mine.Close() }()
	for made := 0; made < tokens && !p.world.ending(); {
		n, err := p.changeOne(ctx, rand, ids, &mine)
		if err != nil {
			return err
		}
		made += n
		if rand.IntN(4) == 0 {
			if err := p.pause(ctx, rand, 0, 200); err != nil {
				return err
			}
		}
	}
	return nil
}

// changeOne makes one change, and returns how many holds it has made.
func (p *process) changeOne(
	ctx context.Context, rand *runtime.Rand, ids []collections.GlobalID, mine *collections.Holds,
) (int, error) {
	if len(*mine) == 0 || rand.IntN(4) == 0 {
		some := []collections.GlobalID{ids[rand.IntN(len(ids))]}
		if rand.IntN(8) == 0 {
			some = append(some, ids[rand.IntN(len(ids))], some[0]) // one of them twice
		}
		holds, err := p.hold(ctx, some...)
		*mine = append(*mine, holds...)
		return len(holds), err
	}
	i := rand.IntN(len(*mine))
	h := (*mine)[i]
	switch rand.IntN(5) {
	case 0:
		clone, err := h.Clone()
		if err != nil {
			return 0, err
		}
		p.rt.Reachable("cloned")
		*mine = append(*mine, clone)
		return 1, nil
	case 1:
		first := rand.IntN(len(*mine))
		for j := range *mine { // mostly one that fits
			other := (*mine)[(first+j)%len(*mine)]
			if other != h && other.ID() == h.ID() || rand.IntN(16) == 0 {
				return 0, p.merge(h, other, mine)
			}
		}
		return 0, nil
	case 2, 3:
		return 0, p.moveOn(rand, h)
	}
	*mine = slices.Delete(*mine, i, i+1)
	return 0, p.closeTwice(ctx, h)
}

// merge merges two holds if they belong together.
func (p *process) merge(h, other *collections.Hold, mine *collections.Holds) error {
	err := h.Merge(other)
	var wrong *collections.WrongCollectionError
	if errors.As(err, &wrong) {
		return nil
	}
	if err == nil && h != other {
		p.rt.Reachable("merged")
		*mine = slices.DeleteFunc(*mine, func(one *collections.Hold) bool { return one == other })
	}
	return err
}

// moveOn downgrades a hold, or tries to move it back, which must not be possible.
func (p *process) moveOn(rand *runtime.Rand, h *collections.Hold) error {
	since, _ := h.Since().Time()
	if since > 0 && rand.IntN(4) == 0 {
		err := h.Downgrade(frontier.At(since - 1))
		var violation *collections.SinceViolationError
		isRefused := errors.As(err, &violation)
		p.rt.Always(isRefused || p.isOver(err), "I-14", "hold", since, "moved back", err)
		p.rt.Sometimes(isRefused, "downgrade-refused")
		if isRefused {
			return nil
		}
		return err
	}
	err := h.Downgrade(frontier.At(since + runtime.Between[uint64](rand, 0, 3)))
	p.rt.Sometimes(err == nil, "downgraded")
	return err
}

// closeTwice closes a hold from two tasks at once.
func (p *process) closeTwice(ctx context.Context, h *collections.Hold) error {
	group := p.rt.NewGroup(ctx)
	group.Go("close", func(context.Context) error {
		h.Close()
		return nil
	})
	h.Close()
	p.rt.Reachable("closed-twice")
	return group.Wait()
}
