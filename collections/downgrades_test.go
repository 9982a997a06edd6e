package collections_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// downgraded is what was told of a since that has moved.
type downgraded struct {
	ID    collections.GlobalID
	Since frontier.Antichain
}

// telling returns what Downgraded was told, and the configuration for it.
func telling(w *world, config collections.Config) (*runtime.Watch[[]downgraded], collections.Config) {
	told := runtime.NewWatch[[]downgraded](w.rt, nil)
	config.Events.Downgraded = func(id collections.GlobalID, _ persist.ShardID, since frontier.Antichain) {
		told.Update(func(all []downgraded) ([]downgraded, bool) { return append(all, downgraded{id, since}), true })
	}
	return told, config
}

// TestWishesForAShardAreJoined protects stores from a downgrade for each step: while one is
// under way the others wait, and the last of them is all that is left to do.
func TestWishesForAShardAreJoined(t *testing.T) {
	everywhere(t, func(w *world) {
		told, config := telling(w, collections.Config{})
		p := w.open(config)
		p.create(described(u1), described(u2))
		p.stall(u1)
		p.setPolicy(u1, from(5))
		p.awaitStalled(1)
		p.setPolicy(u1, from(6))
		p.setPolicy(u2, from(7))
		for _, since := range []uint64{8, 9} {
			p.setPolicy(u1, from(since))
			if one := p.one(u1); one.Wanted != frontier.At(since) || one.Durable != frontier.At(0) || !one.IsMoving {
				w.Errorf("got %+v", one)
			}
		}
		p.unstall()
		p.settle()
		p.stop()
		all, _ := told.Get()
		all = slices.DeleteFunc(slices.Clone(all), func(d downgraded) bool { return d.ID == u2 })
		if diff := cmp.Diff([]downgraded{{u1, frontier.At(5)}, {u1, frontier.At(9)}}, all); diff != "" {
			w.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestEndsComeFirst protects what waits for the end of a shard from a long queue of sinces
// that only move.
func TestEndsComeFirst(t *testing.T) {
	everywhere(t, func(w *world) {
		told, config := telling(w, collections.Config{DowngradesMax: 1})
		p := w.open(config)
		p.create(described(u1), described(u2), described(u3))
		p.stall(u1)
		p.setPolicy(u1, from(5))
		p.awaitStalled(1)
		p.setPolicy(u2, from(5))
		w.must(p.Drop(w.ctx, u3))
		p.unstall()
		p.settle()
		p.stop()
		all, _ := told.Get()
		want := []downgraded{{u1, frontier.At(5)}, {u3, frontier.Empty()}, {u2, frontier.At(5)}}
		if diff := cmp.Diff(want, all); diff != "" {
			w.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestAStaleEntryIsNotGivenUp protects collections whose shard the catalog lists as given
// up, because of a process that died or a version that shared it: what is mapped is in use.
func TestAStaleEntryIsNotGivenUp(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2))
		p.append(u1, "x", 0, 5)
		used, retired := p.one(u1).Shard, p.one(u2).Shard
		w.must(w.catalog.View(w.rt).Update(w.ctx, p.Epoch(), func(draft catalog.Draft) error {
			if err := p.Prepare(draft, collections.Change{Drop: ids{u2}}); err != nil {
				return err
			}
			return draft.InsertUnfinalized(used)
		}))
		p.stop()
		q := w.open()
		q.awaitStored(retired, frontier.Empty())
		q.wantRows(u1, 4, "x@4+1")
		q.stop()
		if q.stored(used) != frontier.At(0) {
			w.Errorf("the since of what is in use is %v", q.stored(used))
		}
	})
}
