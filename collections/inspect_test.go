package collections_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
)

// TestLookingNeverWaits protects people who want to know why nothing goes on any more:
// while everything else is held up, all that only looks answers, and is no step of the
// simulator, so that it can be done anywhere.
func TestLookingNeverWaits(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		p.stall(collections.GlobalID{})
		p.setPolicy(u1, from(5))
		p.awaitStalled(1)
		stuck := w.rt.NewGroup(w.ctx)
		stuck.Go("create", func(ctx context.Context) error { return p.Create(ctx, described(u2, u1)) })
		stuck.Go("read", func(context.Context) error { return second(p.rows(u1, 7)) })
		p.await("the reader and the creator", func(seen collections.Inspection) bool {
			return len(seen.Holds) == 1 && len(seen.Reserved) == 1
		})
		p.awaitStalled(2)

		var seen collections.Inspection
		look := func() {
			seen = p.Inspect()
			if f, err := p.Frontiers(u1); err != nil || f[0] != seen.Collections[0].Frontiers {
				w.Errorf("got %+v, %v", f, err)
			}
			if p.Err() != nil || p.Epoch() != seen.Epoch || !slices.Equal(p.IDs(), ids{u1}) {
				w.Errorf("%v with %v: %v", p.Epoch(), p.IDs(), p.Err())
			}
		}
		look()
		if looking, nothing := w.cost(look), w.cost(func() {}); !w.rt.Live() && looking != nothing {
			w.Errorf("looking takes %v, and nothing takes %v", looking, nothing)
		}
		one := seen.Collections[0]
		if !one.IsMoving || one.Wanted != frontier.At(5) || one.Durable != frontier.At(0) || seen.Reserved[0].ID != u1 {
			w.Errorf("got %+v", seen)
		}
		stuck.Go("end", func(context.Context) error { return p.Close(w.ctx) })
		p.unstall()
		w.want("stuck", stuck.Wait(), collections.ErrClosed)
		p.client.Close()
	})
}

// cost returns how much time passes while f runs; in the simulator each step takes some.
func (w *world) cost(f func()) time.Duration {
	before := w.rt.Now()
	f()
	return w.rt.Since(before)
}

// TestAnInspectionIsACopy protects the controller from whoever changes what it was shown.
func TestAnInspectionIsACopy(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		hold := p.hold(u1)
		p.settle()
		first := p.Inspect()
		first.Collections[0].Upper, first.Holds[0].ID = frontier.At(99), u99
		second := p.Inspect()
		if second.Collections[0].Upper != frontier.At(0) || second.Holds[0].ID != u1 {
			t.Errorf("got %+v", second)
		}
		p.setPolicy(u1, from(5))
		hold.Close()
		p.settle()
		if second.Collections[0].Implied != frontier.At(0) || len(second.Holds) != 1 {
			t.Errorf("it has changed: %+v", second)
		}
		p.stop()
	})
}

// TestAnInspectionSaysAllThereIs protects people on call from looking elsewhere.
func TestAnInspectionSaysAllThereIs(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u2, u1), described(u1))
		p.append(u1, "x", 0, 30)
		hold, err := p.HoldAt(w.ctx, u1, frontier.At(4))
		w.must(err)
		p.setPolicy(u2, from(9))
		p.setPolicy(u1, from(20))
		p.settle()
		at := frontier.At
		want := collections.CollectionInspection{
			Frontiers:    collections.Frontiers{ID: u1, Upper: at(30), Implied: at(20), Read: at(4)},
			Policy:       from(20),
			Capabilities: []frontier.Change{{Time: 4, Diff: 1}, {Time: 9, Diff: 1}, {Time: 20, Diff: 1}},
			Held:         []frontier.Change{{Time: 4, Diff: 1}},
			Wanted:       at(4), Durable: at(4), IsWatched: true,
		}
		ignored := cmpopts.IgnoreFields(collections.CollectionInspection{}, "Shard")
		if diff := cmp.Diff(want, p.one(u1), ignored); diff != "" {
			w.Errorf("(-want +got):\n%s", diff)
		}
		if holds := p.Inspect().Holds; len(holds) != 1 || holds[0].Since != at(4) || holds[0].Origin == "" {
			w.Errorf("got %+v", holds)
		}
		if !slices.Equal(p.one(u2).DependsOn, ids{u1}) {
			w.Errorf("got %+v", p.one(u2))
		}
		hold.Close()
		p.stop()
	})
}
