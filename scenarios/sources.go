package scenarios

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Sources runs collections that depend on each other as sources and sinks do.
func Sources() sim.Scenario {
	return sim.Scenario{
		Name: "sources",
		Doc: "exports depend on the progress of their source, and sinks on exports; policies and uppers move on their own," +
			" and everything is dropped, leaves and roots in any order; no dependency is ever ahead of its dependents",
		Run:    inWorld(sources),
		Faults: collectionsFaults(),
		Goals:  []string{"appended", "rows-read", "created-late", "dropped-root", "policy-withheld"},
	}
}

// sourceWorld is the shape of the collections, as ids.
type sourceWorld struct {
	*collectionsWorld
	first []collections.Description // created together
	late  []collections.Description // created later, each by itself
}

// newSourceWorld draws a shape: a progress collection, the source on it, exports on
// it, one without, and sinks on exports.
func newSourceWorld(w simulated, rand *runtime.Rand, plan sim.Plan) (*sourceWorld, error) {
	c, err := newCollectionsWorld(w, rand, plan)
	if err != nil {
		return nil, err
	}
	s := &sourceWorld{collectionsWorld: c}
	describe := func(on ...collections.GlobalID) collections.Description {
		return collections.Description{ID: c.newID(), DependsOn: on}
	}
	var sinks []collections.Description
	progress := describe()
	all := []collections.Description{progress, describe(progress.ID), describe()}
	for range mostlyFew(rand, 2, 20) {
		export := describe(progress.ID)
		all = append(all, export)
		if rand.IntN(2) == 0 {
			sinks = append(sinks, describe(export.ID, all[2].ID)) // a join, say
		}
	}
	all = append(all, sinks...)
	isLate := make(map[collections.GlobalID]bool)
	for i, d := range all {
		isLate[d.ID] = i > 3 && rand.IntN(3) == 0 || slices.ContainsFunc(d.DependsOn, func(id collections.GlobalID) bool {
			return isLate[id]
		})
		if isLate[d.ID] {
			s.late = append(s.late, d)
		} else {
			s.first = append(s.first, d)
		}
	}
	return s, nil
}

func sources(ctx context.Context, w simulated) error {
	rt := w.Runtime()
	rand := rt.Rand("sources")

	// Given a process with a source and all that belongs to it,
	plan := collectionsTrouble(1, 5, 4000).plan(w)
	s, err := newSourceWorld(w, rand, plan)
	if err != nil {
		return err
	}
	if err := bootNodes(w, 1, func(ctx context.Context, rt *runtime.Runtime) error {
		return s.run(ctx, rt, s.work)
	}); err != nil {
		return err
	}

	// when it, its store and its clock are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, 6, 10)); err != nil {
		return err
	}

	// then all of it can be dropped, and nothing of it is kept.
	s.end()
	w.Quiesce(20 * time.Second)
	if err := rt.Sleep(ctx, 40*time.Second); err != nil {
		return err
	}
	if err := s.checkQuiescent(ctx, rt); err != nil {
		return err
	}
	s.watch.CheckReleased(rt)
	return nil
}

// work creates the collections and does something with each of them.
func (s *sourceWorld) work(ctx context.Context, p *process, group *runtime.Group) error {
	if !s.ending() {
		if err := p.createAll(ctx, s.first); err != nil {
			return p.outcome(err)
		}
	}
	for _, id := range p.IDs() {
		group.Go("write "+id.String(), func(ctx context.Context) error { return p.write(ctx, id, 8) })
	}
	group.Go("steer", p.steer)
	group.Go("late", func(ctx context.Context) error { return p.outcome(s.createLate(ctx, p)) })
	group.Go("read", func(ctx context.Context) error { return p.outcome(p.readAround(ctx)) })
	group.Go("drop root", func(ctx context.Context) error { return p.outcome(s.dropRoot(ctx, p)) })
	group.Go("end", p.dropAll)
	return nil
}

// createAll creates those collections that nobody has tried to drop yet, unless they
// exist.
func (p *process) createAll(ctx context.Context, descriptions []collections.Description) error {
	var wanted []collections.Description
	for _, d := range descriptions {
		if !p.world.isDropped(d.ID) {
			wanted = append(wanted, d)
		}
	}
	before := p.watch.HasEnded()
	err := p.Create(ctx, wanted...)
	p.watch.Returned(before, err)
	return err
}

// createLate is a task that creates the late collections one by one, while
// policies move the others. What they depend on may be gone by then.
func (s *sourceWorld) createLate(ctx context.Context, p *process) error {
	rand := p.rt.Rand("late")
	for _, d := range s.late {
		if err := p.pause(ctx, rand, 10, 1500); err != nil {
			return err
		}
		if s.ending() {
			return nil
		}
		err := p.createAll(ctx, []collections.Description{d})
		var missing *collections.DependencyMissingError
		var dropping *collections.DependencyDroppingError
		p.rt.Sometimes(err == nil, "created-late")
		if err != nil && !errors.As(err, &missing) && !errors.As(err, &dropping) {
			return err
		}
	}
	return nil
}

// readAround is a task that holds several collections at once and reads them.
func (p *process) readAround(ctx context.Context) error {
	rand := p.rt.Rand("read around")
	for !p.world.ending() {
		if ids := p.IDs(); len(ids) > 0 {
			var some []collections.GlobalID
			for range runtime.Between(rand, 1, 4) {
				some = append(some, ids[rand.IntN(len(ids))])
			}
			if err := p.orMissing(p.readOnce(ctx, rand, some)); err != nil {
				return err
			}
		}
		if err := p.pause(ctx, rand, 10, 800); err != nil {
			return err
		}
	}
	return nil
}

// dropRoot is a task that drops the progress collection while others depend on it.
func (s *sourceWorld) dropRoot(ctx context.Context, p *process) error {
	rand := p.rt.Rand("drop root")
	if err := p.pause(ctx, rand, 500, 8000); err != nil || s.ending() {
		return err
	}
	err := p.drop(ctx, s.first[0].ID)
	p.rt.Sometimes(err == nil, "dropped-root")
	return err
}
