package core

import "github.com/tidemarkdb/tidemark/frontier"

// Opening is what the opening of a shard has found out.
type Opening struct {
	ID GlobalID
	// Since is that of the shard.
	Since frontier.Antichain
	// Upper is that of the shard or, for a table that follows the txns shard, the
	// latest known of that if it is later. It was read after Since.
	Upper frontier.Antichain
}

// Install creates the reserved collections, as one step. There is to be one
// opening for each, in any order.
//
// A collection starts at the since of its shard, or where its dependencies are
// already, if that is later: what it depends on is never ahead of it. Only their
// implied capabilities count: how far holds keep a dependency back does not
// matter. This happens in memory; no downgrade is asked for. Promises that turn
// out to have been broken are reported in [Effects.Broken] and do not stop anything.
// The policy is the zero [ReadPolicy].
//
// The error is [ErrReservationClosed], an [*OpeningError], an [*UnreadableError],
// or a [*DependencyDroppingError] if a dependency was dropped meanwhile. Nothing
// has happened then and the reservation is still open.
func (c *Core) Install(r *Reservation, openings ...Opening) (Effects, error) {
	if r == nil || r.core != c {
		return Effects{}, ErrReservationClosed
	}
	in := installation{core: c, openings: make(map[GlobalID]Opening), records: make(map[GlobalID]*collection)}
	err := in.stage(r, openings)
	effects, err := c.run(err)
	if err != nil {
		return Effects{}, err
	}
	c.close(r)
	effects.Broken = in.broken
	return effects, nil
}

// installation is the work of one Install.
type installation struct {
	core     *Core
	openings map[GlobalID]Opening
	records  map[GlobalID]*collection // the new ones so far
	broken   []BrokenPromise
}

func (in *installation) stage(r *Reservation, openings []Opening) error {
	for _, opening := range openings {
		_, isRepeated := in.openings[opening.ID]
		if isRepeated || in.core.reserved[opening.ID] != r {
			return &OpeningError{ID: opening.ID}
		}
		in.openings[opening.ID] = opening
	}
	for i := range r.plans {
		if err := in.stageOne(&r.plans[i]); err != nil {
			return err
		}
	}
	return in.core.stageRelease(r)
}

// stageOne stages one collection whose dependencies exist or have been staged.
func (in *installation) stageOne(plan *Plan) error {
	opening, ok := in.openings[plan.ID]
	if !ok {
		return &OpeningError{ID: plan.ID}
	}
	if opening.Since.IsEmpty() {
		return &UnreadableError{ID: plan.ID}
	}
	record := &collection{
		id: plan.ID, implied: opening.Since, upper: opening.Upper, hasPrimary: plan.Primary != (GlobalID{}),
	}
	for _, id := range plan.Dependencies {
		dependency := in.find(id)
		if dependency == nil {
			return violation("I-14", "%v is held by a reservation and does not exist", id)
		}
		if dependency.isDropping() {
			return &DependencyDroppingError{ID: plan.ID, Dependency: id}
		}
		in.checkPromise(opening, dependency)
		record.implied = record.implied.Join(dependency.implied)
		record.rank = max(record.rank, dependency.rank+1)
		record.dependencies = append(record.dependencies, dependency)
	}
	in.records[plan.ID] = record
	return in.core.step.install(record, 1)
}

func (in *installation) find(id GlobalID) *collection {
	if record, ok := in.records[id]; ok {
		return record
	}
	return in.core.collections[id]
}

// checkPromise notes when a dependency has not been kept for a shard that needs it.
func (in *installation) checkPromise(opening Opening, dependency *collection) {
	isNew := opening.Upper == frontier.At(0)
	if opening.Since.LessThan(dependency.implied) && !isNew && !dependency.implied.LessThan(opening.Upper) {
		in.broken = append(in.broken, BrokenPromise{
			ID: opening.ID, Dependency: dependency.id,
			Since: opening.Since, Upper: opening.Upper, Implied: dependency.implied,
		})
	}
}
