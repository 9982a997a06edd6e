package collections_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestHoldsOnWhatCannotBeHeldAreRefused protects readers from holds that keep nothing,
// and from one half of those that they asked for.
func TestHoldsOnWhatCannotBeHeldAreRefused(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u1))
		p.setPolicy(u1, from(10))
		p.settle()
		for name, call := range map[string]func() error{
			"hold":    func() error { return second(p.Hold(w.ctx, u1, u99, collections.GlobalID{})) },
			"hold at": func() error { return second(p.HoldAt(w.ctx, u99, frontier.At(10))) },
		} {
			missing := wantAs[*collections.CollectionMissingError](w, name, p.unchanged(name, call))
			if missing.ID != u99 {
				t.Errorf("%s: %v is not about %v", name, missing, u99)
			}
		}
		early := wantAs[*collections.SinceViolationError](w, "early",
			p.unchanged("early", func() error { return second(p.HoldAt(w.ctx, u1, frontier.At(9))) }))
		if *early != (collections.SinceViolationError{ID: u1, Requested: frontier.At(9), Since: frontier.At(10)}) {
			t.Errorf("%v", early)
		}
		ended, cancel := context.WithCancel(w.ctx)
		cancel()
		w.want("no time", p.unchanged("no time", func() error { return second(p.Hold(ended, u1)) }), context.Canceled)
		w.want("no time", p.unchanged("no time", func() error {
			return second(p.HoldAt(ended, u1, frontier.At(10)))
		}), context.Canceled)
		if holds, err := p.Hold(w.ctx); len(holds) > 0 || err != nil {
			t.Error(holds, err)
		}
		collections.Holds{}.Close()
	})
}

// TestHoldsOfOneCallAreOfOneMoment protects readers of several collections, who may name
// one twice: each gets a hold of its own, from where it can be read.
func TestHoldsOfOneCallAreOfOneMoment(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2, u1))
		p.setPolicy(u1, from(9))
		p.setPolicy(u2, from(4))
		holds, err := p.Hold(w.ctx, u2, u1, u2)
		w.must(err)
		var got ids
		for _, h := range holds {
			got = append(got, h.ID())
			if h.Since() != frontier.At(4) {
				w.Errorf("%v is held from %v on", h.ID(), h.Since())
			}
		}
		if !slices.Equal(got, ids{u2, u1, u2}) {
			w.Errorf("got %v", got)
		}
		at, err := p.HoldAt(w.ctx, u1, frontier.At(7))
		w.must(err)
		p.setPolicy(u2, from(20))
		holds[0].Close()
		holds[1].Close()
		p.settle()
		if p.one(u2).Read != frontier.At(4) || p.one(u1).Read != frontier.At(4) {
			w.Errorf("the second hold of %v keeps %v", u2, p.one(u2).Read)
		}
		holds[2].Close()
		p.await("the third", func(collections.Inspection) bool { return p.one(u1).Durable == frontier.At(7) })
		at.Close()
		p.await("all", func(collections.Inspection) bool { return p.one(u1).Durable == frontier.At(9) })
		p.stop()
	})
}

// TestAHoldKeepsHistoryDurably protects readers against policies and drops, in this
// process and in the store; and the store from keeping more than is held.
func TestAHoldKeepsHistoryDurably(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		p.append(u1, "x", 0, 30)
		h := p.hold(u1)
		p.setPolicy(u1, from(25))
		for _, since := range []uint64{0, 3, 3, 17} {
			w.must(h.Downgrade(frontier.At(since)))
			p.settle()
			one := p.one(u1)
			if one.Read != frontier.At(since) || one.Durable != one.Read || p.stored(one.Shard) != one.Read {
				w.Errorf("held from %d on: readable from %v, durable %v", since, one.Read, p.stored(one.Shard))
			}
			p.wantRows(u1, since, fmt.Sprintf("x@%d+1", since))
		}
		h.Close()
		p.settle()
		if one := p.one(u1); one.Read != frontier.At(25) || p.stored(one.Shard) != one.Read {
			w.Errorf("readable from %v, durable %v", one.Read, p.stored(one.Shard))
		}
		p.stop()
	})
}

// TestAHoldIsNotMovedBack protects what was given up from being promised.
func TestAHoldIsNotMovedBack(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u1))
		h := p.hold(u1)
		w.must(h.Downgrade(frontier.At(5)))
		w.must(h.Downgrade(frontier.At(5)))
		p.settle()
		back := wantAs[*collections.SinceViolationError](w, "back",
			p.unchanged("back", func() error { return h.Downgrade(frontier.At(4)) }))
		if *back != (collections.SinceViolationError{ID: u1, Requested: frontier.At(4), Since: frontier.At(5)}) {
			t.Errorf("%v", back)
		}
		w.must(h.Downgrade(frontier.Empty()))
		p.settle()
		err := p.unchanged("from {}", func() error { return h.Downgrade(frontier.At(7)) })
		wantA[*collections.SinceViolationError](w, "from {}", err)
		if len(p.one(u1).Held) > 0 || !h.Since().IsEmpty() {
			t.Errorf("it holds %v", p.one(u1).Held)
		}
		h.Close()
	})
}

// TestAClosedHoldDoesNothing protects against giving up twice, which would let somebody
// else's history go.
func TestAClosedHoldDoesNothing(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u1))
		holds, err := p.Hold(w.ctx, u1, u1)
		w.must(err)
		closed, other := holds[0], holds[1]
		closed.Close()
		closed.Close()
		p.settle()
		for name, call := range map[string]func() error{
			"downgrade":       func() error { return closed.Downgrade(frontier.At(9)) },
			"clone":           func() error { return second(closed.Clone()) },
			"merge into":      func() error { return closed.Merge(other) },
			"merge from":      func() error { return other.Merge(closed) },
			"merge with none": func() error { return other.Merge(nil) },
		} {
			w.want(name, p.unchanged(name, call), collections.ErrHoldClosed)
		}
		if !closed.Since().IsEmpty() || closed.ID() != u1 || len(p.Inspect().Holds) != 1 {
			t.Errorf("got %v at %v", closed.ID(), closed.Since())
		}
		holds.Close()
	})
}

// TestManyMayCloseTheSameHold protects against giving up once for each of them.
func TestManyMayCloseTheSameHold(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		kept, h := p.hold(u1), p.hold(u1)
		p.setPolicy(u1, from(9))
		group := w.rt.NewGroup(w.ctx)
		for range 3 {
			group.Go("close", func(context.Context) error {
				h.Close()
				return nil
			})
		}
		w.must(group.Wait())
		p.settle()
		if p.one(u1).Read != frontier.At(0) || len(p.one(u1).Held) != 1 {
			w.Errorf("%v is readable from %v on", u1, p.one(u1).Read)
		}
		kept.Close()
		p.stop()
	})
}

// TestClonesAndMergersHoldWhatTheyShould protects against holds that are lost, or held
// for ever, on the way from one owner to another.
func TestClonesAndMergersHoldWhatTheyShould(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		p.setPolicy(u1, from(30))
		p.settle()
		h, err := p.HoldAt(w.ctx, u1, frontier.At(30))
		w.must(err)
		clone, err := h.Clone()
		w.must(err)
		w.must(h.Downgrade(frontier.At(40)))
		p.setPolicy(u1, from(50))
		p.settle()
		if p.one(u1).Read != frontier.At(30) || clone.Since() != frontier.At(30) {
			w.Errorf("the clone at %v keeps %v", clone.Since(), p.one(u1).Read)
		}
		w.must(h.Merge(h))
		w.must(h.Merge(clone))
		clone.Close()
		p.settle()
		if p.one(u1).Read != frontier.At(30) || h.Since() != frontier.At(30) || len(p.Inspect().Holds) != 1 {
			w.Errorf("the merger at %v keeps %v", h.Since(), p.one(u1).Read)
		}
		h.Close()
		p.settle()
		if p.one(u1).Durable != frontier.At(50) || len(p.one(u1).Held) > 0 {
			w.Errorf("got %+v", p.one(u1))
		}
		p.stop()
	})
}

// TestOnlyHoldsOfOneKindMerge protects against giving up at one issuer, or on one
// collection, what was held at another.
func TestOnlyHoldsOfOneKindMerge(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u1), described(u2))
		q := newWorld(t, w.ctx, runtime.New(runtime.Options{})).open()
		defer q.stop()
		q.create(described(u1))
		ours, second, theirs := p.hold(u1), p.hold(u2), q.hold(u1)
		defer collections.Holds{ours, second, theirs}.Close()
		wrong := wantAs[*collections.WrongCollectionError](w, "another collection",
			p.unchanged("another collection", func() error { return ours.Merge(second) }))
		if wrong.ID != u1 || wrong.Other != u2 {
			t.Errorf("%v", wrong)
		}
		w.want("another issuer", p.unchanged("another issuer", func() error { return ours.Merge(theirs) }),
			collections.ErrWrongIssuer)
		if theirs.Since() != frontier.At(0) || len(q.Inspect().Holds) != 1 {
			t.Error("the other one was closed")
		}
	})
}
