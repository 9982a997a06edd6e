package collections_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// ids are ids of collections.
type ids = []collections.GlobalID

// TestDescriptionsThatMakeNoSenseAreRefused protects against collections that could
// never be used: all of a call are refused, with the reason, and nothing has happened.
func TestDescriptionsThatMakeNoSenseAreRefused(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u1))
		for name, descriptions := range map[string][]collections.Description{
			"id none":             {described(u2), {}},
			"u2 depends on id":    {described(u2, collections.GlobalID{})},
			"u2 depends on itsel": {described(u2, u1, u2)},
			"its since is {}":     {{ID: u2, Since: frontier.Empty()}},
		} {
			err := p.unchanged(name, func() error { return p.Create(w.ctx, descriptions...) })
			w.want(name, err, collections.ErrInvalidDescription)
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%q does not say %q", err, name)
			}
		}
	})
}

// TestAnIDBelongsToOneDescription protects collections from being taken for others,
// and callers who create again because they were not answered.
func TestAnIDBelongsToOneDescription(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u2, u1), described(u1), described(u1), described(u2, u1, u1))
		for _, again := range [][]collections.Description{
			nil, {described(u1)}, {described(u2, u1, u1), described(u2, u1), described(u1)},
		} {
			w.must(p.Create(w.ctx, again...))
		}
		if commits := w.catalog.Inspect().Commits; commits != 1 {
			t.Errorf("%d commits", commits)
		}
		for name, descriptions := range map[string][]collections.Description{
			"exists with other dependencies": {described(u2)},
			"exists with another since":      {described(u3), {ID: u2, DependsOn: ids{u1}, Since: frontier.At(1)}},
			"is listed twice":                {described(u2, u1), described(u3), described(u3, u1)},
		} {
			err := p.unchanged(name, func() error { return p.Create(w.ctx, descriptions...) })
			reused := wantAs[*collections.IDReusedError](w, name, err)
			if id := descriptions[len(descriptions)-1].ID; reused.ID != id || !strings.Contains(err.Error(), id.String()) {
				t.Errorf("%s: %v is not about %v", name, err, id)
			}
		}
	})
}

// TestAnIDOfTheCatalogIsNotTakenOver protects collections that the process does not
// know, because somebody else has put them into the catalog.
func TestAnIDOfTheCatalogIsNotTakenOver(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		w.must(w.catalog.View(w.rt).Update(w.ctx, p.Epoch(), func(draft catalog.Draft) error {
			if err := p.Prepare(draft, collections.Change{Create: ids{u1, u2}}); err != nil {
				return err
			}
			return draft.Describe(described(u2, u3))
		}))
		for _, id := range []collections.GlobalID{u1, u2} {
			err := p.unchanged(id.String(), func() error { return p.Create(w.ctx, described(u3), described(id)) })
			if reused := wantAs[*collections.IDReusedError](w, "create", err); reused.ID != id {
				t.Errorf("%v is not about %v", err, id)
			}
		}
		p.create(described(u3), described(u2, u3)) // was committed by an attempt of which nobody knows
	})
}

// TestDependenciesHaveToExist protects collections from history that is not kept for
// them.
func TestDependenciesHaveToExist(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u1))
		missing := wantAs[*collections.DependencyMissingError](w, "missing",
			p.unchanged("missing", func() error { return p.Create(w.ctx, described(u2, u1), described(u3, u99)) }))
		if missing.ID != u3 || missing.Dependency != u99 {
			t.Errorf("%v", missing)
		}
		cycle := wantAs[*collections.DependencyCycleError](w, "cycle",
			p.unchanged("cycle", func() error { return p.Create(w.ctx, described(u2, u3), described(u3, u1, u2)) }))
		if len(cycle.IDs) != 2 || !slices.Contains(cycle.IDs, u2) || !slices.Contains(cycle.IDs, u3) {
			t.Errorf("%v", cycle)
		}
		hold := p.hold(u1)
		w.must(p.Drop(w.ctx, u1))
		dropping := wantAs[*collections.DependencyDroppingError](w, "dropping",
			p.unchanged("dropping", func() error { return p.Create(w.ctx, described(u2, u1)) }))
		if dropping.ID != u2 || dropping.Dependency != u1 {
			t.Errorf("%v", dropping)
		}
		reused := wantAs[*collections.IDReusedError](w, "reused",
			p.unchanged("reused", func() error { return p.Create(w.ctx, described(u1)) }))
		if reused.ID != u1 {
			t.Errorf("%v", reused)
		}
		hold.Close()
	})
}

// TestNothingIsCreatedWithoutTime protects callers whose context has ended before they
// call: nothing is reserved, committed or opened.
func TestNothingIsCreatedWithoutTime(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u1))
		ended, cancel := context.WithCancel(w.ctx)
		cancel()
		committed := catalog.Metadata{Shards: map[collections.GlobalID]persist.ShardID{u2: p.client.NewShardID()}}
		p.refused(map[string]func() error{
			"create":  func() error { return p.Create(ended, described(u2, u1)) },
			"install": func() error { return p.Install(ended, committed, described(u2, u1)) },
		}, context.Canceled)
	})
}

// TestCollectionsComeIntoBeingTogether protects readers from seeing some of those that
// were created together, in whatever order they were given, and their dependencies
// from moving on without them.
func TestCollectionsComeIntoBeingTogether(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u3, u1, u2), described(u2, u1), described(u1))
		told, _ := p.steps.Get()
		for _, seen := range told {
			if n := len(seen.Collections); n != 0 && n != 3 {
				w.Errorf("%d of them were there alone", n)
			}
		}
		if !slices.Equal(p.IDs(), ids{u1, u2, u3}) || !slices.Equal(p.one(u3).DependsOn, ids{u1, u2}) {
			w.Errorf("%v, the last on %v", p.IDs(), p.one(u3).DependsOn)
		}
		p.setPolicy(u1, collections.ValidFrom(frontier.At(9)))
		p.setPolicy(u2, collections.ValidFrom(frontier.At(7)))
		if f := p.one(u1).Frontiers; f.Implied != frontier.At(9) || f.Read != frontier.At(0) {
			w.Errorf("got %+v", f)
		}
		p.setPolicy(u3, collections.ValidFrom(frontier.At(8)))
		if f := p.one(u1).Frontiers; f.Read != frontier.At(7) {
			w.Errorf("got %+v", f)
		}
		p.stop()
	})
}

// TestADescriptionCanBeginHistoryLater protects collections with a long policy from
// pretending that they existed before their creation; whatever is later counts.
func TestADescriptionCanBeginHistoryLater(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(collections.Description{ID: u1, Since: frontier.At(5)})
		p.setPolicy(u1, collections.ValidFrom(frontier.At(8)))
		p.create(described(u2, u1))
		for _, id := range (ids{u1, u2}) {
			p.settle()
			f := p.one(id)
			if f.Read != frontier.At(8) || p.stored(f.Shard) != frontier.At(8) {
				w.Errorf("%v is readable from %v on, durable is %v", id, f.Read, p.stored(f.Shard))
			}
		}
		p.stop()
		q := w.open()
		if f := q.one(u1); f.Implied != frontier.At(8) {
			w.Errorf("reopening has moved it to %v", f.Implied)
		}
		q.stop()
	})
}

// TestACreationOutOfTimeIsMadeUpFor protects callers who give up: the collections are
// not there, their ids are free, dependencies are let go, and creating again works.
func TestACreationOutOfTimeIsMadeUpFor(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		p.stall(collections.GlobalID{})
		ctx, cancel := w.rt.WithCancel(w.ctx)
		created := w.rt.Go(ctx, "create", func(ctx context.Context) error { return p.Create(ctx, described(u2, u1)) })
		p.awaitStalled(1)
		wantA[*collections.IDReusedError](w, "created twice", p.Create(w.ctx, described(u2)))
		wantA[*collections.CollectionMissingError](w, "dropped meanwhile", p.Drop(w.ctx, u2))
		wantA[*collections.CollectionMissingError](w, "held meanwhile", second(p.Hold(w.ctx, u1, u2)))
		cancel()
		w.want("create", created.Wait(w.ctx), context.Canceled)
		p.unstall()
		if seen := p.Inspect(); len(seen.Reserved) > 0 || len(p.one(u1).Held) > 0 || !slices.Equal(p.IDs(), ids{u1}) {
			w.Errorf("got %+v", seen)
		}
		p.create(described(u2, u1))
		if n := len(w.catalog.Inspect().Shards); n != 2 {
			w.Errorf("%d shards for 2 collections", n)
		}
		p.stop()
	})
}

// TestACreationIsUndoneWhenItsDependencyGoes protects the catalog from collections that
// never came into being, and their shards from being kept for ever.
func TestACreationIsUndoneWhenItsDependencyGoes(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		p.stall(collections.GlobalID{})
		created := w.rt.Go(w.ctx, "create", func(ctx context.Context) error { return p.Create(ctx, described(u2, u1)) })
		p.awaitStalled(1)
		w.must(p.Drop(w.ctx, u1))
		p.unstall()
		dropping := wantAs[*collections.DependencyDroppingError](w, "create", created.Wait(w.ctx))
		if dropping.ID != u2 || dropping.Dependency != u1 {
			w.Errorf("%v", dropping)
		}
		p.settle()
		state := w.catalog.Inspect()
		if len(p.Inspect().Collections) > 0 || len(state.Shards) > 0 || len(state.Unfinalized) != 2 {
			w.Errorf("left are %+v", state)
		}
		for _, shard := range state.Unfinalized {
			p.awaitStored(shard, frontier.Empty())
		}
		p.stop()
	})
}
