package core

import (
	"errors"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
)

// These tests damage a core from the inside, which no call can do.

// source returns a core in which u2 depends on u1 and u3 on u2, its primary, with a
// hold on u2, and a reservation of u4 that depends on u3.
func source(t *testing.T) *Core {
	t.Helper()
	c := New()
	plans := []Plan{
		{ID: UserID(1)},
		{ID: UserID(2), Dependencies: []GlobalID{UserID(1)}},
		{ID: UserID(3), Primary: UserID(2)},
	}
	r, err := c.Reserve(plans...)
	if err != nil {
		t.Fatal(err)
	}
	var openings []Opening
	for _, id := range r.Order() {
		openings = append(openings, Opening{ID: id, Since: frontier.At(5), Upper: frontier.At(50)})
	}
	if _, err := c.Install(r, openings...); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Acquire(UserID(2)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Reserve(Plan{ID: UserID(4), Dependencies: []GlobalID{UserID(3)}}); err != nil {
		t.Fatal(err)
	}
	return c
}

// A check that does not see damage is worth nothing.
func TestCheckFindsDamage(t *testing.T) {
	if err := source(t).Check(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		invariant string
		damage    func(c *Core, first, second, third *collection)
	}{
		"lost capability": {"I-1", func(_ *Core, first, _, _ *collection) { _, _ = first.capabilities.Update(5, -1) }},
		"doubled capability": {"I-1", func(_ *Core, _, second, _ *collection) {
			_, _ = second.capabilities.Update(7, +1)
		}},
		"negative count": {"I-2", func(_ *Core, first, _, _ *collection) { _, _ = first.capabilities.Update(9, -1) }},
		"negative holds": {"I-2", func(_ *Core, first, _, _ *collection) {
			_, _ = first.holds.Update(9, -1)
		}},
		"implied swapped":    {"I-1", func(_ *Core, first, _, _ *collection) { first.implied = frontier.At(9) }},
		"implied gone":       {"I-1", func(_ *Core, first, _, _ *collection) { first.implied = frontier.Empty() }},
		"missing dependency": {"I-12", func(c *Core, first, _, _ *collection) { delete(c.collections, first.id) }},
		"replaced dependency": {"I-12", func(c *Core, first, _, _ *collection) {
			copied := &collection{id: first.id, implied: first.implied, capabilities: first.capabilities.Clone()}
			c.collections[first.id] = copied
		}},
		"rank":           {"I-12", func(_ *Core, first, second, _ *collection) { first.rank = second.rank }},
		"lost primary":   {"I-12", func(_ *Core, first, _, _ *collection) { first.hasPrimary = true }},
		"reserved twice": {"I-12", func(c *Core, first, _, _ *collection) { c.reserved[first.id] = new(Reservation) }},
		"dead record": {"I-11", func(c *Core, first, _, _ *collection) {
			c.collections[UserID(9)] = &collection{id: UserID(9), implied: frontier.Empty()}
		}},
		"policy not evaluated": {"I-43", func(_ *Core, first, _, _ *collection) { first.policy = StepBack() }},
		"half a step":          {"I-1", func(c *Core, first, _, _ *collection) { c.step.touch(first) }},
		"reserved id in use": {"I-12", func(c *Core, _, _, third *collection) {
			c.reserved[UserID(8)] = c.reserved[UserID(4)]
			c.reserved[UserID(8)].core = nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			core := source(t)
			c.damage(core, core.collections[UserID(1)], core.collections[UserID(2)], core.collections[UserID(3)])
			var found *ViolationError
			if err := core.Check(); !errors.As(err, &found) || found.Invariant != c.invariant {
				t.Errorf("got %v, want %s", err, c.invariant)
			}
		})
	}
}

// A step that meets damage is taken back as a whole, far as it may have come.
func TestStepThatFailsIsTakenBack(t *testing.T) {
	for name, damage := range map[string]struct {
		invariant string
		do        func(*collection)
	}{
		"capability lost":   {"I-2", func(c *collection) { _, _ = c.capabilities.Update(5, -1) }},
		"dependent visited": {"I-12", func(c *collection) { c.rank = 10 }},
	} {
		t.Run(name, func(t *testing.T) {
			c := source(t)
			first := c.collections[UserID(1)]
			damage.do(first)
			var before []Inspection
			for _, id := range c.IDs() {
				inspection, _ := c.Inspect(id)
				before = append(before, inspection)
			}
			effects, err := c.failingStep()
			var found *ViolationError
			if !errors.As(err, &found) || found.Invariant != damage.invariant {
				t.Fatalf("got %v and %+v, want %s", err, effects, damage.invariant)
			}
			for i, id := range c.IDs() {
				after, _ := c.Inspect(id)
				if !equalInspections(before[i], after) {
					t.Errorf("%v was %+v and is %+v", id, before[i], after)
				}
			}
			if len(c.step.visits) != 0 || first.visit != 0 {
				t.Error("the step is still there")
			}
		})
	}
}

// A dependent that appears before the read frontier of its dependency would not
// find what it needs: the step is refused, even though the records are at odds.
func TestDependentBeforeTheFrontierIsRefused(t *testing.T) {
	c := source(t)
	first := c.collections[UserID(1)]
	_, _ = first.capabilities.Update(5, -2)
	_, _ = first.capabilities.Update(9, +2)
	r, err := c.Reserve(Plan{ID: UserID(7), Dependencies: []GlobalID{first.id}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Install(r, Opening{ID: UserID(7), Since: frontier.At(5)})
	var found *ViolationError
	if !errors.As(err, &found) || found.Invariant != "I-3" {
		t.Errorf("got %v, want I-3", err)
	}
	if c.collections[UserID(7)] != nil || c.reserved[UserID(7)] != r || first.capabilities.Count(9) != 3 {
		t.Errorf("something has happened: %v", first.capabilities)
	}
}

// failingStep makes a step that runs into the damage after it has come past u3 and
// u2. Holds, policies and an upper are part of it.
func (c *Core) failingStep() (Effects, error) {
	return c.run(func() error {
		for id, since := range map[uint64]uint64{1: 6, 2: 8, 3: 8} {
			v := c.step.touch(c.collections[UserID(id)])
			v.upper = frontier.At(60)
			if _, _, err := v.setPolicy(ValidFrom(frontier.At(since))); err != nil {
				return err
			}
		}
		for id := range uint64(2) { // the reader of u2 and the reservation of u4
			release := HoldChange{ID: UserID(id + 2)}
			release.add(frontier.At(5), frontier.Empty())
			if err := c.step.touch(c.collections[release.ID]).changeHolds(&release.Changes); err != nil {
				return err
			}
		}
		return nil
	}())
}

func equalInspections(a, b Inspection) bool {
	if a.Frontiers != b.Frontiers || !a.Policy.Equal(b.Policy) || len(a.Capabilities) != len(b.Capabilities) {
		return false
	}
	for i := range a.Capabilities {
		if a.Capabilities[i] != b.Capabilities[i] {
			return false
		}
	}
	return len(a.Holds) == len(b.Holds)
}
