package core

import (
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
)

// Core is the state of all collections of a process. Calls must be serialised,
// those that only read included; each of them is atomic.
type Core struct {
	collections map[GlobalID]*collection
	reserved    map[GlobalID]*Reservation
	step        step // scratch, empty between calls
	visits      uint64
	touched     []GlobalID // by the last step
}

// New returns a core without collections.
func New() *Core {
	return &Core{
		collections: make(map[GlobalID]*collection),
		reserved:    make(map[GlobalID]*Reservation),
	}
}

// collection is the record of one collection.
type collection struct {
	id GlobalID
	// capabilities counts all that keep the collection back.
	capabilities frontier.MutableAntichain
	// holds is the part of capabilities that readers own.
	holds frontier.MutableAntichain
	// implied is the part that the collection owns itself. It never goes back;
	// {} is a collection that is being dropped.
	implied frontier.Antichain
	upper   frontier.Antichain
	policy  ReadPolicy
	// dependencies are distinct. The primary, if there is one, comes first.
	dependencies []*collection
	hasPrimary   bool
	// rank is greater than that of each dependency.
	rank int64
	// visit is one more than the index in step.visits; 0 between steps.
	visit int32
}

// read returns the read frontier.
func (c *collection) read() frontier.Antichain { return c.capabilities.Frontier() }

// isDropping reports whether the collection only exists for others.
func (c *collection) isDropping() bool { return c.implied.IsEmpty() }

// primary returns the id of the collection that owns the shard, the zero value if
// c does itself.
func (c *collection) primary() GlobalID {
	if !c.hasPrimary {
		return GlobalID{}
	}
	return c.dependencies[0].id
}

func (c *collection) frontiers() Frontiers {
	return Frontiers{ID: c.id, Upper: c.upper, Implied: c.implied, Read: c.read()}
}

// Len returns the number of collections, those that are being dropped included.
func (c *Core) Len() int { return len(c.collections) }

// Visits returns how many times a collection has been visited since New: what all
// steps have cost.
func (c *Core) Visits() uint64 { return c.visits }

// Touched returns the collections that the last call which was a step has visited,
// removed ones included, in no particular order: all that
// [Core.Inspect] says about others is as before. It is valid until the next call,
// and empty if that step failed.
func (c *Core) Touched() []GlobalID { return c.touched }

// IDs returns the ids of all collections, in their order.
func (c *Core) IDs() []GlobalID {
	ids := make([]GlobalID, 0, len(c.collections))
	for id := range c.collections {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, GlobalID.Compare)
	return ids
}

// Frontiers returns the frontiers of the given collections, as of one moment and
// in the order of the arguments, repeated ones included. If one does not exist the
// error is a [*CollectionMissingError] about the first of those.
func (c *Core) Frontiers(ids ...GlobalID) ([]Frontiers, error) {
	all := make([]Frontiers, len(ids))
	for i, id := range ids {
		record, err := c.get(id)
		if err != nil {
			return nil, err
		}
		all[i] = record.frontiers()
	}
	return all, nil
}

func (c *Core) get(id GlobalID) (*collection, error) {
	record, ok := c.collections[id]
	if !ok {
		return nil, &CollectionMissingError{ID: id}
	}
	return record, nil
}
