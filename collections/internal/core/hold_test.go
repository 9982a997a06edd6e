package core_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

// holdsAt returns a core with one collection, and holds on it at the given places.
func holdsAt(t *testing.T, places ...frontier.Antichain) (c *core.Core, holds []*core.Hold) {
	t.Helper()
	c = core.New()
	created(t, c, core.Plan{ID: core.UserID(1)})
	for _, at := range places {
		holds = append(holds, must(c.AcquireAt(core.UserID(1), at))(t))
	}
	return c, holds
}

// created creates collections that start at 0 and have their upper at 100.
func created(t failer, c *core.Core, plans ...core.Plan) core.Effects {
	t.Helper()
	var openings []core.Opening
	for _, plan := range plans {
		openings = append(openings, core.Opening{ID: plan.ID, Upper: frontier.At(100)})
	}
	return must(c.Install(must(c.Reserve(plans...))(t), openings...))(t)
}

// Each operation sends exactly the change that keeps the accounts right, as one
// message.
func TestMessagesOfHolds(t *testing.T) {
	at, empty := frontier.At, frontier.Empty()
	downgrade := func(to frontier.Antichain) func([]*core.Hold) (core.HoldChange, error) {
		return func(h []*core.Hold) (core.HoldChange, error) { return h[0].Downgrade(to) }
	}
	clone := func(h []*core.Hold) (core.HoldChange, error) {
		clone, change, err := h[0].Clone()
		if clone.Since() != h[0].Since() || clone.ID() != h[0].ID() {
			t.Errorf("clone of %v at %v is %v at %v", h[0].ID(), h[0].Since(), clone.ID(), clone.Since())
		}
		return change, err
	}
	merge := func(h []*core.Hold) (core.HoldChange, error) { return h[0].Merge(h[1]) }
	closing := func(h []*core.Hold) (core.HoldChange, error) { return h[0].Close(), nil }
	for _, c := range []struct {
		name    string
		holds   []frontier.Antichain
		operate func([]*core.Hold) (core.HoldChange, error)
		since   frontier.Antichain
		message string
	}{
		{"downgrade", []frontier.Antichain{at(5)}, downgrade(at(9)), at(9), "[5:-1 9:+1]"},
		{"downgrade to where it is", []frontier.Antichain{at(5)}, downgrade(at(5)), at(5), "[]"},
		{"downgrade to {}", []frontier.Antichain{at(5)}, downgrade(empty), empty, "[5:-1]"},
		{"downgrade from {} to {}", []frontier.Antichain{empty}, downgrade(empty), empty, "[]"},
		{"clone", []frontier.Antichain{at(5)}, clone, at(5), "[5:+1]"},
		{"clone at {}", []frontier.Antichain{empty}, clone, empty, "[]"},
		{"merge with a later one", []frontier.Antichain{at(5), at(9)}, merge, at(5), "[9:-1]"},
		{"merge with an earlier one", []frontier.Antichain{at(9), at(5)}, merge, at(5), "[9:-1]"},
		{"merge with an equal one", []frontier.Antichain{at(5), at(5)}, merge, at(5), "[5:-1]"},
		{"merge at {}", []frontier.Antichain{empty, at(5)}, merge, at(5), "[]"},
		{"close", []frontier.Antichain{at(5)}, closing, empty, "[5:-1]"},
		{"close at {}", []frontier.Antichain{empty}, closing, empty, "[]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			accounts, holds := holdsAt(t, c.holds...)
			change, err := c.operate(holds)
			if err != nil || holds[0].Since() != c.since || change.Changes.String() != c.message {
				t.Errorf("got %v at %v, %v, want %s at %v", change.Changes, holds[0].Since(), err, c.message, c.since)
			}
			must(accounts.ApplyHoldChanges(change))(t)
			if err := accounts.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What a hold refuses leaves it as it was, so the caller can go on with it.
func TestHoldsRefuse(t *testing.T) {
	_, holds := holdsAt(t, frontier.At(5), frontier.Empty(), frontier.At(7))
	for _, to := range []struct{ hold, time int }{{0, 4}, {1, 7}} {
		var refusal *core.SinceViolationError
		hold := holds[to.hold]
		before := hold.Since()
		_, err := hold.Downgrade(frontier.At(uint64(to.time)))
		if !errors.As(err, &refusal) || refusal.Since != before || hold.Since() != before {
			t.Errorf("downgrade from %v to %d: %v", before, to.time, err)
		}
	}
	_, foreign := holdsAt(t, frontier.At(5))
	if _, err := holds[0].Merge(foreign[0]); !errors.Is(err, core.ErrWrongIssuer) || foreign[0].IsClosed() {
		t.Errorf("merge with a hold of another core: %v", err)
	}
	if change := must(holds[0].Merge(holds[0]))(t); !change.Changes.IsEmpty() || holds[0].IsClosed() {
		t.Errorf("merge with itself: %v", change)
	}
	if change := holds[2].Close(); change.Changes.Len() != 1 {
		t.Errorf("close: %v", change.Changes)
	}
	if change := holds[2].Close(); change.Changes.Len() != 0 || !holds[2].IsClosed() {
		t.Errorf("second close: %v", change.Changes)
	}
	_, downgraded := holds[2].Downgrade(frontier.Empty())
	_, _, cloned := holds[2].Clone()
	_, merged := holds[0].Merge(holds[2])
	for _, err := range []error{downgraded, cloned, merged} {
		if !errors.Is(err, core.ErrHoldClosed) {
			t.Errorf("on a closed hold: %v", err)
		}
	}
	if holds[0].Since() != frontier.At(5) {
		t.Errorf("hold moved to %v", holds[0].Since())
	}
}

// Holds on different collections have nothing in common, though merging them
// would balance somebody's accounts.
func TestHoldsOnDifferentCollectionsDoNotMerge(t *testing.T) {
	c := core.New()
	created(t, c, core.Plan{ID: core.UserID(1)}, core.Plan{ID: core.UserID(2)})
	holds := must(c.Acquire(core.UserID(1), core.UserID(2)))(t)
	var refusal *core.WrongCollectionError
	if _, err := holds[0].Merge(holds[1]); !errors.As(err, &refusal) || holds[1].IsClosed() {
		t.Errorf("got %v", err)
	}
}

// Sums that do not fit are refused like any other forged change.
func TestOverflowingHoldsAreRefused(t *testing.T) {
	c, _ := holdsAt(t, frontier.At(5))
	for i, diff := range []int64{1<<63 - 2, 1} {
		change := core.HoldChange{ID: core.UserID(1)}
		must(0, change.Changes.Update(5, diff))(t)
		_, err := c.ApplyHoldChanges(change)
		var overflow *frontier.OverflowError
		if isRefused := errors.As(err, &overflow); isRefused != (i == 1) {
			t.Errorf("change %d: %v", i, err)
		}
		if err := c.Check(); err != nil {
			t.Error(fmt.Errorf("after change %d: %w", i, err))
		}
	}
}

// Acquisition is all or nothing also where the last of many holds does not fit.
func TestAcquireIsTakenBackAsAWhole(t *testing.T) {
	c, _ := holdsAt(t, frontier.At(5))
	change := core.HoldChange{ID: core.UserID(1)}
	must(0, change.Changes.Update(0, 1<<63-3))(t) // beside the collection's own, there is room for one more
	must(c.ApplyHoldChanges(change))(t)
	var overflow *frontier.OverflowError
	if holds, err := c.Acquire(users(1, 1)...); !errors.As(err, &overflow) || holds != nil {
		t.Errorf("got %v, %v", holds, err)
	}
	if _, err := c.Acquire(users(1)...); err != nil {
		t.Errorf("there is no room left: %v", err)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}
