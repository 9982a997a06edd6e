package collections_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
)

// TestDroppingWhatDoesNotExistDropsNothing protects collections from the typing errors
// of a call that names others too.
func TestDroppingWhatDoesNotExistDropsNothing(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u1))
		for want, list := range map[collections.GlobalID]ids{u99: {u1, u99, {}}, {}: {{}, u99, u1}} {
			err := p.unchanged("drop", func() error { return p.Drop(w.ctx, list...) })
			missing := wantAs[*collections.CollectionMissingError](w, "drop", err)
			if missing.ID != want || !strings.Contains(err.Error(), want.String()) {
				t.Errorf("%v is not about %v", err, want)
			}
		}
		w.must(p.Drop(w.ctx))
		p.create(described(u1)) // exists, as it did
		p.setPolicy(u1, from(3))
		if one := p.one(u1); one.IsDropping {
			t.Errorf("got %+v", one)
		}
	})
}

// TestADropGivesTheShardUp protects stores from data that nobody can read any more: the
// durable since becomes {}, the catalog lists the shard, and nothing else is touched.
func TestADropGivesTheShardUp(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2))
		p.append(u1, "x", 0, 5)
		shard, other := p.one(u1).Shard, p.one(u2)
		w.must(p.Drop(w.ctx, u1, u1))
		p.settle()
		if !slices.Equal(p.IDs(), ids{u2}) || !p.stored(shard).IsEmpty() || p.stored(other.Shard) != frontier.At(0) {
			w.Errorf("left are %v, with %v and %v", p.IDs(), p.stored(shard), p.stored(other.Shard))
		}
		state := w.catalog.Inspect()
		if len(state.Shards) != 1 || len(state.Descriptions) != 1 || !slices.Contains(state.Unfinalized, shard) {
			w.Errorf("the catalog has %+v", state)
		}
		wantA[*collections.CollectionMissingError](w, "dropped again", p.Drop(w.ctx, u1))
		_, err := p.rows(u1, 0)
		wantA[*collections.CollectionMissingError](w, "read", err)
		p.stop()
	})
}

// TestADroppedCollectionIsReadableWhileItIsHeld protects readers who came before the
// drop, and those who get there while it lasts; no policy brings it back.
func TestADroppedCollectionIsReadableWhileItIsHeld(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		p.append(u1, "x", 0, 5)
		shard, first := p.one(u1).Shard, p.hold(u1)
		w.must(p.Drop(w.ctx, u1))
		w.must(p.Drop(w.ctx, u1))
		p.wantRows(u1, 4, "x@4+1")
		later := p.hold(u1)
		first.Close()
		withheld := p.setPolicy(u1, collections.StepBack())
		if len(withheld) != 1 || !withheld[0].Implied.IsEmpty() || withheld[0].ID != u1 {
			w.Errorf("withheld is %v", withheld)
		}
		p.settle()
		if f := p.one(u1); !f.Implied.IsEmpty() || f.Read != frontier.At(0) || !f.IsDropping {
			w.Errorf("got %+v", f)
		}
		p.wantRows(u1, 4, "x@4+1")
		later.Close()
		p.await("removal", func(seen collections.Inspection) bool { return len(seen.Collections) == 0 })
		if !p.stored(shard).IsEmpty() {
			w.Errorf("the since is %v", p.stored(shard))
		}
		p.stop()
	})
}

// TestADroppedCollectionLivesAsLongAsItsDependents protects collections from losing the
// history that they need. The dependent goes, and so do both.
func TestADroppedCollectionLivesAsLongAsItsDependents(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2, u1), described(u3, u2))
		w.must(p.Drop(w.ctx, u2))
		w.must(p.Drop(w.ctx, u1))
		p.setPolicy(u3, collections.ValidFrom(frontier.At(6)))
		p.settle()
		for _, id := range (ids{u1, u2}) {
			if f := p.one(id); f.Read != frontier.At(6) || p.stored(f.Shard) != frontier.At(6) || !f.IsDropping {
				w.Errorf("got %+v, durable %v", f, p.stored(f.Shard))
			}
		}
		w.must(p.Drop(w.ctx, u3))
		p.await("removal", func(seen collections.Inspection) bool { return len(seen.Collections) == 0 })
		if n := len(w.catalog.Inspect().Unfinalized); n != 3 {
			w.Errorf("%d shards are given up", n)
		}
		p.stop()
	})
}

// TestDroppedDependenciesAreGoneAfterReopening protects dependents from being held up at
// boot by what was dropped: they come back without it, and it is given up.
func TestDroppedDependenciesAreGoneAfterReopening(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2), described(u3, u1, u2))
		shard := p.one(u1).Shard
		w.must(p.Drop(w.ctx, u1))
		p.settle()
		if p.stored(shard) != frontier.At(0) {
			w.Errorf("it was given up with a dependent: %v", p.stored(shard))
		}
		p.stop()
		q := w.open()
		q.awaitStored(shard, frontier.Empty())
		if !slices.Equal(q.IDs(), ids{u2, u3}) || !slices.Equal(q.one(u3).DependsOn, ids{u2}) {
			w.Errorf("left are %v, the last on %v", q.IDs(), q.one(u3).DependsOn)
		}
		q.create(described(u3, u1, u2)) // is what it was described as
		q.stop()
	})
}

// TestADropThatWasCutOffIsFinishedAtBoot protects shards from being kept for ever because
// a process died between its commit and the effects.
func TestADropThatWasCutOffIsFinishedAtBoot(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2))
		shard := p.one(u1).Shard
		p.stall(u1)
		w.must(p.Drop(w.ctx, u1))
		p.awaitStalled(1)
		q := w.open() // takes over
		q.awaitStored(shard, frontier.Empty())
		if !slices.Equal(q.IDs(), ids{u2}) || q.stored(q.one(u2).Shard) != frontier.At(0) {
			w.Errorf("left are %v", q.IDs())
		}
		q.stop()
		p.unstall()
		w.must(p.Close(w.ctx))
		p.client.Close()
	})
}

// TestAnIDIsFreeOnlyWhenAllIsOver protects against two collections of one name at a time.
func TestAnIDIsFreeOnlyWhenAllIsOver(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		shard := p.one(u1).Shard
		p.stall(u1)
		w.must(p.Drop(w.ctx, u1))
		p.awaitStalled(1)
		if f := p.one(u1); !f.IsRemoved || f.Broken != nil || !f.Wanted.IsEmpty() || f.Durable != frontier.At(0) {
			w.Errorf("got %+v", f)
		}
		wantA[*collections.IDReusedError](w, "create", p.Create(w.ctx, described(u1)))
		wantA[*collections.CollectionMissingError](w, "frontiers", second(p.Frontiers(u1)))
		wantA[*collections.CollectionMissingError](w, "writer", second(p.Writer(w.ctx, u1)))
		if len(p.IDs()) > 0 {
			w.Errorf("%v are there", p.IDs())
		}
		p.unstall()
		p.settle()
		p.create(described(u1))
		if p.one(u1).Shard == shard {
			w.Error("the shard is used again")
		}
		p.stop()
	})
}
