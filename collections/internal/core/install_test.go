package core_test

import (
	"errors"
	"testing"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

// A caller that mixes up what it has opened gets an error and can try again: nothing
// is half installed (I-54).
func TestInstallRefusesOpeningsOfOthers(t *testing.T) {
	c := core.New()
	r := must(c.Reserve(core.Plan{ID: core.UserID(1)}, core.Plan{ID: core.UserID(2), Dependencies: users(1)}))(t)
	must(c.Reserve(core.Plan{ID: core.UserID(3)}))(t)
	opening := func(number uint64) core.Opening { return core.Opening{ID: core.UserID(number), Since: frontier.At(5)} }
	for name, openings := range map[string][]core.Opening{
		"missing":                 {opening(1)},
		"repeated":                {opening(1), opening(2), opening(1)},
		"of nothing":              {opening(1), opening(2), opening(9)},
		"of another reservation":  {opening(1), opening(2), opening(3)},
		"of an unreadable shard ": {opening(1), {ID: core.UserID(2), Since: frontier.Empty()}},
	} {
		_, err := c.Install(r, openings...)
		var mismatch *core.OpeningError
		var unreadable *core.UnreadableError
		if !errors.As(err, &mismatch) && !errors.As(err, &unreadable) || c.Len() != 0 {
			t.Errorf("%s: %v, %v exist", name, err, c.IDs())
		}
		if err := c.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(c.Install(r, opening(2), opening(1)))(t)
	if c.Len() != 2 {
		t.Errorf("got %v", c.IDs())
	}
}

// Reservations belong to one core, and end once.
func TestReservationsEndOnce(t *testing.T) {
	c, other := core.New(), core.New()
	created(t, c, core.Plan{ID: core.UserID(1)})
	r := must(c.Reserve(core.Plan{ID: core.UserID(2), Dependencies: users(1)}))(t)
	if _, err := other.Abandon(r); !errors.Is(err, core.ErrReservationClosed) {
		t.Errorf("abandoned by another core: %v", err)
	}
	must(c.Abandon(r))(t)
	_, abandoned := c.Abandon(r)
	_, installed := c.Install(r)
	_, nothing := c.Abandon(nil)
	for _, err := range []error{abandoned, installed, nothing} {
		if !errors.Is(err, core.ErrReservationClosed) {
			t.Errorf("after its end: %v", err)
		}
	}
	if got := must(c.Inspect(core.UserID(1)))(t); len(got.Holds) != 0 {
		t.Errorf("the dependency is still held: %v", got.Holds)
	}
	must(c.Reserve(core.Plan{ID: core.UserID(2)}))(t)
}

// A promise to keep a dependency readable is not broken where nothing was written
// yet, where nothing will be, and where what was written is beyond.
func TestPromisesThatAreNotBroken(t *testing.T) {
	for _, v := range []struct {
		since, upper frontier.Antichain
		isBroken     bool
	}{
		{frontier.At(3), frontier.At(0), false},
		{frontier.At(3), frontier.Empty(), false},
		{frontier.At(3), frontier.At(11), false},
		{frontier.At(10), frontier.At(4), false},
		{frontier.At(3), frontier.At(10), true},
		{frontier.At(3), frontier.At(4), true},
	} {
		c := core.New()
		created(t, c, core.Plan{ID: core.UserID(1)})
		must(c.SetPolicies(core.PolicyChange{ID: core.UserID(1), Policy: core.ValidFrom(frontier.At(10))}))(t)
		r := must(c.Reserve(core.Plan{ID: core.UserID(2), Dependencies: users(1)}))(t)
		effects := must(c.Install(r, core.Opening{ID: core.UserID(2), Since: v.since, Upper: v.upper}))(t)
		if isBroken := len(effects.Broken) == 1; isBroken != v.isBroken {
			t.Errorf("since %v, upper %v: %+v", v.since, v.upper, effects.Broken)
		}
		if got := must(c.Frontiers(core.UserID(2)))(t)[0].Implied; got != frontier.At(10) {
			t.Errorf("since %v: starts at %v", v.since, got)
		}
	}
}
