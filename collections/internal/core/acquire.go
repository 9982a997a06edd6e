package core

import "github.com/tidemarkdb/tidemark/frontier"

// Acquire returns a hold on each of the given collections, in the order of the
// arguments and one for each, repeated ones included. Each is at the read
// frontier, the earliest from which its collection is readable, and all are as of
// one moment. Nothing moves. Also a collection that is being dropped can be held.
//
// If one does not exist the error is a [*CollectionMissingError] about the first
// of those, and no hold is acquired.
func (c *Core) Acquire(ids ...GlobalID) ([]*Hold, error) {
	c.touched = c.touched[:0]
	for _, id := range ids {
		if _, err := c.get(id); err != nil {
			return nil, err
		}
	}
	holds := make([]*Hold, 0, len(ids))
	for _, id := range ids {
		record := c.collections[id]
		hold, err := c.acquire(record, record.read())
		if err != nil {
			c.takeBack(holds)
			return nil, err
		}
		holds = append(holds, hold)
	}
	return holds, nil
}

// AcquireAt returns a hold that keeps the collection from the given frontier on.
// If it is not readable there, the error is a [*SinceViolationError]; if the
// collection does not exist, a [*CollectionMissingError].
func (c *Core) AcquireAt(id GlobalID, since frontier.Antichain) (*Hold, error) {
	record, err := c.get(id)
	if err != nil {
		return nil, err
	}
	c.touched = c.touched[:0]
	if !record.read().LessEqual(since) {
		return nil, &SinceViolationError{ID: id, Requested: since, Since: record.read()}
	}
	return c.acquire(record, since)
}

// acquire adds one capability at or beyond the read frontier. Since that moves
// nothing it needs no step.
func (c *Core) acquire(record *collection, since frontier.Antichain) (*Hold, error) {
	for t := range since.Elements() {
		if _, err := record.capabilities.Update(t, +1); err != nil {
			return nil, err
		}
		// Holds are part of the capabilities, whose sums did not overflow.
		_, _ = record.holds.Update(t, +1)
	}
	c.touched = append(c.touched, record.id)
	return &Hold{issuer: c, id: record.id, since: since}, nil
}

// takeBack undoes what acquire did.
func (c *Core) takeBack(holds []*Hold) {
	for _, hold := range holds {
		record := c.collections[hold.id]
		for t := range hold.since.Elements() {
			_, _ = record.capabilities.Update(t, -1)
			_, _ = record.holds.Update(t, -1)
		}
	}
}

// ApplyHoldChanges makes the changes that holds have returned, as one step. They
// may come one by one or many at once, those of one collection added up or not:
// in the end it is the same.
//
// Changes that honest holds cannot have made are refused, and all others of the
// call with them: a [*NegativeCapabilitiesError] where more is given up than held,
// a [*BeforeFrontierError] where something is added before the read frontier, a
// [*CollectionMissingError] where there is no collection, which a hold would have
// kept. The changes stay the caller's.
func (c *Core) ApplyHoldChanges(changes ...HoldChange) (Effects, error) {
	err := func() error {
		for i := range changes {
			change := &changes[i]
			if change.Changes.IsEmpty() {
				continue
			}
			record, err := c.get(change.ID)
			if err != nil {
				return err
			}
			if err := c.step.touch(record).changeHolds(&change.Changes); err != nil {
				return err
			}
		}
		return nil
	}()
	return c.run(err)
}
