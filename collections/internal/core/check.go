package core

import (
	"maps"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
)

// Check verifies every invariant that can be seen in one state, and returns a
// [*ViolationError] about the first that does not hold. It recomputes all counts:
// it is for tests, simulations and inspection, not for each step.
func (c *Core) Check() error {
	expected, err := c.expectedCapabilities()
	if err != nil {
		return err
	}
	for _, id := range c.IDs() {
		record := c.collections[id]
		if err := record.checkCapabilities(expected[record]); err != nil {
			return err
		}
		if err := c.checkEdges(record); err != nil {
			return err
		}
		if err := record.checkPolicy(); err != nil {
			return err
		}
	}
	if len(c.step.visits) != 0 || len(c.step.queue) != 0 {
		return violation("I-1", "a step is half done")
	}
	return c.checkReservations()
}

// expectedCapabilities recomputes the counts from the definition in I-1.
func (c *Core) expectedCapabilities() (map[*collection]*frontier.MutableAntichain, error) {
	expected := make(map[*collection]*frontier.MutableAntichain, len(c.collections))
	for _, record := range c.collections {
		counts := record.holds.Clone()
		expected[record] = &counts
	}
	add := func(record *collection, capability frontier.Antichain) error {
		for t := range capability.Elements() {
			if _, err := expected[record].Update(t, +1); err != nil {
				return violation("I-1", "holds on %v: %v", record.id, err)
			}
		}
		return nil
	}
	for _, id := range c.IDs() {
		record := c.collections[id]
		if err := add(record, record.implied); err != nil {
			return nil, err
		}
		for _, dependency := range record.dependencies {
			if expected[dependency] == nil {
				return nil, violation("I-12", "%v depends on %v, which does not exist", id, dependency.id)
			}
			if err := add(dependency, record.read()); err != nil {
				return nil, err
			}
		}
	}
	return expected, nil
}

func (c *collection) checkCapabilities(expected *frontier.MutableAntichain) error {
	for _, counts := range []*frontier.MutableAntichain{&c.capabilities, &c.holds} {
		if err := counts.Check(); err != nil {
			return violation("I-2", "counts of %v: %v", c.id, err)
		}
		for t, count := range counts.Counts() {
			if count < 1 {
				return violation("I-2", "%v has %d capabilities at %d", c.id, count, t)
			}
		}
	}
	if !c.capabilities.Equal(*expected) {
		return violation("I-1", "capabilities of %v are %v and should be %v", c.id, c.capabilities, expected)
	}
	for t := range c.implied.Elements() {
		if c.capabilities.Count(t)-c.holds.Count(t) < 1 {
			return violation("I-4", "no capability of %v at its implied %v", c.id, c.implied)
		}
	}
	if !c.read().LessEqual(c.implied) {
		return violation("I-5", "%v is readable from %v and wants to be from %v", c.id, c.read(), c.implied)
	}
	if c.read().IsEmpty() {
		return violation("I-11", "nothing holds %v", c.id)
	}
	return nil
}

func (c *Core) checkEdges(record *collection) error {
	if c.collections[record.id] != record || c.reserved[record.id] != nil || !record.id.IsValid() {
		return violation("I-12", "%v is kept under another id, reserved or invalid", record.id)
	}
	if record.hasPrimary && len(record.dependencies) == 0 {
		return violation("I-12", "%v does not depend on its primary", record.id)
	}
	for i, dependency := range record.dependencies {
		switch {
		case c.collections[dependency.id] != dependency:
			return violation("I-12", "%v depends on %v, which was removed", record.id, dependency.id)
		case record.rank <= dependency.rank:
			return violation("I-12", "%v of rank %d depends on %v of rank %d",
				record.id, record.rank, dependency.id, dependency.rank)
		case !dependency.read().LessEqual(record.read()):
			return violation("I-9", "%v is readable from %v, its dependency %v from %v",
				record.id, record.read(), dependency.id, dependency.read())
		}
		for _, other := range record.dependencies[:i] {
			if other == dependency {
				return violation("I-12", "%v depends on %v twice", record.id, dependency.id)
			}
		}
	}
	return nil
}

func (c *collection) checkPolicy() error {
	if c.visit != 0 {
		return violation("I-1", "%v is part of a step that is half done", c.id)
	}
	wanted, isKept := c.policy.Frontier(c.upper)
	if !isKept && !wanted.LessEqual(c.implied) {
		return violation("I-43", "%v wants %v and is at %v: %v at %v", c.id, wanted, c.implied, c.policy, c.upper)
	}
	return nil
}

func (c *Core) checkReservations() error {
	for _, id := range slices.SortedFunc(maps.Keys(c.reserved), GlobalID.Compare) {
		r := c.reserved[id]
		if r.core != c || c.collections[id] != nil {
			return violation("I-12", "%v is reserved by a closed reservation or exists", id)
		}
		for _, hold := range r.holds {
			record := c.collections[hold.id]
			if record == nil || !record.holds.Frontier().LessEqual(hold.since) {
				return violation("I-14", "the dependency %v of the reserved %v is not held", hold.id, id)
			}
		}
	}
	return nil
}
