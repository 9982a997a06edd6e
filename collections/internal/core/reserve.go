package core

import (
	"iter"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
)

// Plan describes a collection that is to be created.
type Plan struct {
	ID GlobalID
	// Primary is the collection that owns the shard, the zero value if this one
	// does. It is a dependency, whether or not it is listed as one.
	Primary GlobalID
	// Dependencies are the collections that this one holds back. Repeated ones
	// count once.
	Dependencies []GlobalID
}

// dependencies returns the dependencies without repetition, the primary first.
func (p *Plan) dependencies() []GlobalID {
	var ids []GlobalID
	if p.Primary != (GlobalID{}) {
		ids = append(ids, p.Primary)
	}
	for _, id := range p.Dependencies {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Reservation is a set of collections whose ids are taken, and whose dependencies
// are held, while somebody opens their shards. It ends with [Core.Install] or
// [Core.Abandon].
type Reservation struct {
	core  *Core
	plans []Plan // dependencies first
	holds []*Hold
}

// Order returns the reserved ids in the order in which they will be installed:
// dependencies first, and the same for equal plans in whatever order they came.
func (r *Reservation) Order() []GlobalID {
	ids := make([]GlobalID, len(r.plans))
	for i := range r.plans {
		ids[i] = r.plans[i].ID
	}
	return ids
}

// Has reports whether the id is one of the reserved ones.
func (r *Reservation) Has(id GlobalID) bool {
	return slices.ContainsFunc(r.plans, func(p Plan) bool { return p.ID == id })
}

// Held returns the holds that the reservation has on its dependencies, in the order
// of acquisition.
func (r *Reservation) Held() iter.Seq2[GlobalID, frontier.Antichain] {
	return func(yield func(GlobalID, frontier.Antichain) bool) {
		for _, hold := range r.holds {
			if !yield(hold.id, hold.since) {
				return
			}
		}
	}
}

// Reserve verifies that the planned collections can be created together and
// reserves their ids. To all other calls a reserved collection does not exist.
// Plans may depend on each other in any order.
//
// The error is an [*InvalidIDError], [*IDReusedError], [*DependencyMissingError],
// [*DependencyDroppingError] or [*DependencyCycleError], about the first plan in
// the order of ids that is concerned; nothing is reserved then.
func (c *Core) Reserve(plans ...Plan) (*Reservation, error) {
	planned := slices.Clone(plans)
	slices.SortStableFunc(planned, func(a, b Plan) int { return a.ID.Compare(b.ID) })
	for i := range planned {
		planned[i].Dependencies = planned[i].dependencies()
		if err := c.checkFree(planned[i].ID); err != nil {
			return nil, err
		}
		if i > 0 && planned[i].ID == planned[i-1].ID {
			return nil, &IDReusedError{ID: planned[i].ID}
		}
	}
	order := newOrdering(planned)
	if err := c.checkDependencies(order); err != nil {
		return nil, err
	}
	sorted, err := order.sort()
	if err != nil {
		return nil, err
	}
	holds, err := c.Acquire(order.external...)
	if err != nil {
		return nil, err
	}
	r := &Reservation{core: c, plans: sorted, holds: holds}
	for i := range sorted {
		c.reserved[sorted[i].ID] = r
	}
	return r, nil
}

// Abandon gives the ids of a reservation free and releases the dependencies. If
// the reservation is not open the error is [ErrReservationClosed].
func (c *Core) Abandon(r *Reservation) (Effects, error) {
	if r == nil || r.core != c {
		return Effects{}, ErrReservationClosed
	}
	effects, err := c.run(c.stageRelease(r))
	if err != nil {
		return Effects{}, err
	}
	c.close(r)
	return effects, nil
}

// stageRelease stages the end of the holds of a reservation.
func (c *Core) stageRelease(r *Reservation) error {
	for _, hold := range r.holds {
		record, err := c.get(hold.id)
		if err != nil {
			return violation("I-14", "%v is held by a reservation and does not exist", hold.id)
		}
		var release frontier.ChangeBatch
		if err := release.Move(hold.since, frontier.Empty()); err != nil {
			return err
		}
		if err := c.step.touch(record).changeHolds(&release); err != nil {
			return err
		}
	}
	return nil
}

// close forgets a reservation whose holds have been released.
func (c *Core) close(r *Reservation) {
	for i := range r.plans {
		delete(c.reserved, r.plans[i].ID)
	}
	if len(c.reserved) == 0 {
		c.reserved = make(map[GlobalID]*Reservation) // maps do not shrink
	}
	r.core, r.holds = nil, nil
}

// checkFree verifies that the id can be given to a collection.
func (c *Core) checkFree(id GlobalID) error {
	if !id.IsValid() {
		return &InvalidIDError{ID: id}
	}
	if c.collections[id] != nil || c.reserved[id] != nil {
		return &IDReusedError{ID: id}
	}
	return nil
}

// checkDependencies verifies that every dependency is planned or exists.
func (c *Core) checkDependencies(o *ordering) error {
	for i := range o.plans {
		plan := &o.plans[i]
		for _, id := range plan.Dependencies {
			record := c.collections[id]
			switch {
			case o.isPlanned(id):
			case record == nil:
				return &DependencyMissingError{ID: plan.ID, Dependency: id}
			case record.isDropping():
				return &DependencyDroppingError{ID: plan.ID, Dependency: id}
			default:
				o.addExternal(id)
			}
		}
	}
	return nil
}
