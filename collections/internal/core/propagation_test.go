package core_test

import (
	"testing"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

// chain creates n collections; each depends on the one before.
func chain(t failer, n uint64) *core.Core {
	t.Helper()
	c := core.New()
	var plans []core.Plan
	for i := range n {
		plan := core.Plan{ID: core.UserID(i)}
		if i > 0 {
			plan.Dependencies = users(i - 1)
		}
		plans = append(plans, plan)
	}
	created(t, c, plans...)
	return c
}

// ladder creates layers of two collections that each depend on both of the layer
// below. The ids run with the dependencies or against them.
func ladder(t failer, layers uint64, isHostile bool) *core.Core {
	t.Helper()
	id := func(layer, side uint64) uint64 {
		if isHostile {
			layer = layers - layer
		}
		return 2*layer + side
	}
	c := core.New()
	var plans []core.Plan
	for layer := range layers {
		for side := range uint64(2) {
			plan := core.Plan{ID: core.UserID(id(layer, side))}
			if layer > 0 {
				plan.Dependencies = users(id(layer-1, 0), id(layer-1, 1))
			}
			plans = append(plans, plan)
		}
	}
	created(t, c, plans...)
	return c
}

// moveAll sets a policy on all collections that moves each of them, and returns how
// many were visited.
func moveAll(t failer, c *core.Core, since uint64) uint64 {
	t.Helper()
	var changes []core.PolicyChange
	for _, id := range c.IDs() {
		changes = append(changes, core.PolicyChange{ID: id, Policy: core.ValidFrom(frontier.At(since))})
	}
	before := c.Visits()
	must(c.SetPolicies(changes...))(t)
	return c.Visits() - before
}

// Visiting in the order of ids would cost a chain of versions the square of its
// length and a ladder two to the power of its height. In the order of rank nothing
// is visited twice.
func TestStepVisitsEachCollectionOnce(t *testing.T) {
	versions := core.New()
	created(t, versions, core.Plan{ID: core.UserID(0)})
	for i := range uint64(63) {
		must(versions.Alter(core.UserID(i), core.UserID(i+1)))(t)
	}
	for name, c := range map[string]*core.Core{
		"chain": chain(t, 64), "versions": versions,
		"ladder": ladder(t, 32, false), "ladder against the ids": ladder(t, 32, true),
	} {
		if got := moveAll(t, c, 7); got != 64 {
			t.Errorf("%s: %d visits, want 64", name, got)
		}
		if err := c.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Only collections whose read frontier moves make others move.
func TestStepStopsWhereFrontiersStay(t *testing.T) {
	c := chain(t, 100)
	moveAll(t, c, 7)
	before := c.Visits()
	hold := must(c.Acquire(core.UserID(99)))(t)[0]
	must(c.ApplyHoldChanges(hold.Close()))(t)
	must(c.SetPolicies(core.PolicyChange{ID: core.UserID(0), Policy: core.ValidFrom(frontier.At(9))}))(t)
	if got := c.Visits() - before; got != 2 {
		t.Errorf("%d visits, want 2", got)
	}
}

// A version chain may be dropped in any order; ranks below that of the first stay
// in order when collections are created on top of it later.
func TestCollectionsOnVersionsOfTables(t *testing.T) {
	c := core.New()
	created(t, c, core.Plan{ID: core.UserID(1)})
	must(c.Alter(core.UserID(1), core.UserID(2)))(t)
	created(t, c, core.Plan{ID: core.UserID(3), Dependencies: users(1, 2)})
	must(c.Alter(core.UserID(2), core.UserID(4)))(t)
	created(t, c, core.Plan{ID: core.UserID(5), Primary: core.UserID(4), Dependencies: users(4, 3, 3)})
	if got := moveAll(t, c, 8); got != 5 {
		t.Errorf("%d visits, want 5", got)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

// A drop cannot be taken back: not by a policy, which is forgotten, and not by an
// upper.
func TestDropIsFinal(t *testing.T) {
	c := core.New()
	created(t, c, core.Plan{ID: core.UserID(1)})
	hold := must(c.Acquire(core.UserID(1)))(t)[0]
	must(c.Drop(core.UserID(1)))(t)
	effects := must(c.SetPolicies(core.PolicyChange{ID: core.UserID(1), Policy: core.StepBack()}))(t)
	if len(effects.Withheld) != 1 || !effects.Withheld[0].Implied.IsEmpty() {
		t.Errorf("withheld: %v", effects.Withheld)
	}
	must(c.ReportUppers(core.UpperReport{ID: core.UserID(1), Upper: frontier.At(200)}))(t)
	got := must(c.Inspect(core.UserID(1)))(t)
	if !got.IsDropping() || !got.Policy.Equal(core.ValidFrom(frontier.Empty())) || got.Upper != frontier.At(200) {
		t.Errorf("got %+v", got)
	}
	effects = must(c.ApplyHoldChanges(hold.Close()))(t)
	if len(effects.Removed) != 1 || c.Len() != 0 {
		t.Errorf("not removed: %+v", effects)
	}
}
