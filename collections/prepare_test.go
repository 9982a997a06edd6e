package collections_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// embedder is a process with a catalog of its own, whose transactions it runs itself:
// drafts of the world's catalog.
type embedder struct {
	*process
	catalog catalog.Catalog
}

// embed starts an embedder, with the epoch that its catalog gives out.
func (w *world) embed() *embedder {
	w.Helper()
	view := w.catalog.View(w.rt)
	epoch, err := view.NextEpoch(w.ctx)
	w.must(err)
	return &embedder{w.open(collections.Config{Epoch: epoch}), view}
}

// transact prepares a change in a transaction and commits it, or aborts it if the
// embedder has changed its mind or the change is refused. It returns what the
// transaction saw in the end.
func (e *embedder) transact(change collections.Change, changedItsMind error) (seen catalog.Metadata, err error) {
	return seen, e.catalog.Update(e.w.ctx, e.Epoch(), func(draft catalog.Draft) error {
		if err := e.Prepare(draft, change); err != nil {
			return err
		}
		if seen, err = catalog.Read(draft); err != nil {
			return err
		}
		return changedItsMind
	})
}

// commit makes a change durable.
func (e *embedder) commit(change collections.Change) catalog.Metadata {
	e.w.Helper()
	committed, err := e.transact(change, nil)
	e.w.must(err)
	return committed
}

// TestTheTwoStepsEndToEnd protects embedders: what they prepare and commit comes into
// being by Install and goes by Remove, after restarts too.
func TestTheTwoStepsEndToEnd(t *testing.T) {
	everywhere(t, func(w *world) {
		e := w.embed()
		committed := e.commit(collections.Change{Create: ids{u1, u2}})
		if len(e.IDs()) > 0 || len(committed.Shards) != 2 {
			w.Errorf("%v are there, %+v is committed", e.IDs(), committed)
		}
		w.must(e.Install(w.ctx, committed, described(u2, u1), described(u1)))
		w.must(e.Install(w.ctx, committed, described(u1)))
		e.append(u1, "x", 0, 5)
		shard := e.one(u1).Shard
		if mapped, _ := committed.Shard(u1); mapped != shard {
			w.Errorf("%v is in %v and not in %v", u1, shard, mapped)
		}
		committed = e.commit(collections.Change{Drop: ids{u2, u3}})
		if e.one(u2).IsDropping || len(committed.Unfinalized) != 1 {
			w.Errorf("%+v is committed, and has had an effect", committed)
		}
		w.must(e.Remove(committed, u2, u2, u3))
		e.settle()
		if !slices.Equal(e.IDs(), ids{u1}) || !e.stored(committed.Unfinalized[0]).IsEmpty() {
			w.Errorf("left are %v", e.IDs())
		}
		e.stop()
		next := w.embed()
		w.must(next.Install(w.ctx, committed, described(u1)))
		next.wantRows(u1, 4, "x@4+1")
		next.stop()
	})
}

// TestAnAbortedTransactionHasNoEffect protects embedders who change their mind between
// the two steps.
func TestAnAbortedTransactionHasNoEffect(t *testing.T) {
	everywhere(t, func(w *world) {
		e := w.embed()
		committed := e.commit(collections.Change{Create: ids{u1}})
		w.must(e.Install(w.ctx, committed, described(u1)))
		e.append(u1, "x", 0, 5)
		changedItsMind := errors.New("changed its mind")
		err := e.unchanged("abort", func() error {
			return second(e.transact(collections.Change{Create: ids{u2}, Drop: ids{u1}}, changedItsMind))
		})
		w.want("abort", err, changedItsMind)
		again := e.commit(collections.Change{})
		if diff := cmp.Diff(committed, again); diff != "" {
			w.Errorf("committed is (-want +got):\n%s", diff)
		}
		e.wantRows(u1, 4, "x@4+1")
		e.stop()
	})
}

// TestPreparationsThatMakeNoSenseAreRefused protects the catalog of an embedder, which
// may not look at what it is given.
func TestPreparationsThatMakeNoSenseAreRefused(t *testing.T) {
	live(t, func(w *world) {
		e := w.embed()
		defer e.stop()
		shard := e.commit(collections.Change{Create: ids{u1}}).Shards[u1]
		register := func(id collections.GlobalID) map[collections.GlobalID]persist.ShardID {
			return map[collections.GlobalID]persist.ShardID{id: shard}
		}
		for name, change := range map[string]collections.Change{
			"create u2, repeated":              {Create: ids{u3, u2, u2}},
			"create and register u2":           {Create: ids{u2}, Register: register(u2)},
			"create and drop u2":               {Create: ids{u2}, Drop: ids{u2}},
			"register and drop u2":             {Register: register(u2), Drop: ids{u2}},
			"create what makes no sense, none": {Create: ids{{}}},
			"register the same, none":          {Register: register(collections.GlobalID{})},
		} {
			err := e.unchanged(name, func() error { return second(e.transact(change, nil)) })
			w.want(name, err, persist.ErrUsage)
			about := "u2"
			if strings.HasSuffix(name, "none") {
				about = "none"
			}
			if !strings.Contains(err.Error(), about) {
				t.Errorf("%s: %q does not say %q", name, err, about)
			}
		}
		for name, change := range map[string]collections.Change{
			"created again": {Create: ids{u2, u1}}, "registered again": {Create: ids{u2}, Register: register(u1)},
		} {
			err := e.unchanged(name, func() error { return second(e.transact(change, nil)) })
			if mapped := wantAs[*catalog.MappedError](w, name, err); mapped.ID != u1 {
				t.Errorf("%s: %v is not about %v", name, err, u1)
			}
		}
	})
}

// TestAShardThatWasGivenUpNeverComesBack protects collections from shards that may be
// destroyed at any moment; and shards with another collection from being given up.
func TestAShardThatWasGivenUpNeverComesBack(t *testing.T) {
	live(t, func(w *world) {
		e := w.embed()
		defer e.stop()
		shard := e.commit(collections.Change{Create: ids{u1}}).Shards[u1]
		on := map[collections.GlobalID]persist.ShardID{u2: shard}
		if committed := e.commit(collections.Change{Register: on, Drop: ids{u1}}); len(committed.Unfinalized) > 0 {
			t.Errorf("%v is in use and was given up", committed.Unfinalized)
		}
		committed := e.commit(collections.Change{Drop: ids{u2}})
		if !slices.Equal(committed.Unfinalized, []persist.ShardID{shard}) {
			t.Errorf("given up are %v", committed.Unfinalized)
		}
		err := e.unchanged("register", func() error { return second(e.transact(collections.Change{Register: on}, nil)) })
		retired := wantAs[*collections.ShardRetiredError](w, "register", err)
		if retired.ID != u2 || retired.Shard != shard || !strings.Contains(err.Error(), shard.String()) {
			t.Errorf("%v is not about %v", retired, shard)
		}
	})
}

// TestAShardBelongsToOneCollection protects readers of a collection from the policies of
// another one, and whoever registers a shard again from thinking that both have it.
func TestAShardBelongsToOneCollection(t *testing.T) {
	live(t, func(w *world) {
		e := w.embed()
		defer e.stop()
		shard := e.commit(collections.Change{Create: ids{u1}}).Shards[u1]
		committed := e.commit(collections.Change{Register: map[collections.GlobalID]persist.ShardID{u2: shard}})
		both := e.unchanged("both", func() error { return e.Install(w.ctx, committed, described(u1), described(u2)) })
		w.must(e.Install(w.ctx, committed, described(u1)))
		later := e.unchanged("later", func() error { return e.Install(w.ctx, committed, described(u2, u1)) })
		for _, err := range []error{both, later} {
			inUse := wantAs[*collections.ShardInUseError](w, "install", err)
			if *inUse != (collections.ShardInUseError{ID: u2, Shard: shard, User: u1}) {
				t.Errorf("got %v", inUse)
			}
		}
		if since := e.stored(shard); since != frontier.At(0) {
			t.Errorf("the since is %v", since)
		}
	})
}

// TestTheSecondStepNeedsTheFirst protects shards from being used, or given up, while
// nobody knows it durably.
func TestTheSecondStepNeedsTheFirst(t *testing.T) {
	live(t, func(w *world) {
		e := w.embed()
		defer e.stop()
		committed := e.commit(collections.Change{Create: ids{u1}})
		err := e.unchanged("install", func() error { return e.Install(w.ctx, committed, described(u1), described(u2, u1)) })
		if unmapped := wantAs[*collections.NotMappedError](w, "install", err); unmapped.ID != u2 {
			t.Errorf("%v is not about %v", err, u2)
		}
		w.must(e.Install(w.ctx, committed, described(u1)))
		err = e.unchanged("remove", func() error { return e.Remove(committed, u2, u1) })
		if mapped := wantAs[*collections.StillMappedError](w, "remove", err); mapped.ID != u1 {
			t.Errorf("%v is not about %v", err, u1)
		}
		err = e.unchanged("dependency", func() error { return e.Install(w.ctx, committed, described(u2, u99)) })
		wantA[*collections.DependencyMissingError](w, "dependency", err)
		w.must(e.Install(w.ctx, committed))
		w.must(e.Remove(committed))
	})
}

// TestAGivenUpShardIsNotOpened protects readers of a collection whose contents are gone,
// because an embedder has a mapping that it should not have any more.
func TestAGivenUpShardIsNotOpened(t *testing.T) {
	everywhere(t, func(w *world) {
		e := w.embed()
		before := e.commit(collections.Change{Create: ids{u1, u2}})
		w.must(e.Install(w.ctx, before, described(u1)))
		w.must(e.Remove(e.commit(collections.Change{Drop: ids{u1}}), u1))
		e.settle()
		err := e.unchanged("install", func() error { return e.Install(w.ctx, before, described(u2), described(u1)) })
		if unreadable := wantAs[*collections.UnreadableError](w, "install", err); unreadable.ID != u1 {
			w.Errorf("%v is not about %v", err, u1)
		}
		w.must(e.Install(w.ctx, before, described(u2)))
		e.stop()
	})
}

// TestABrokenPromiseIsTold protects writers of a collection that has come too late for
// the history it depends on: it opens, and they learn that they may write twice.
func TestABrokenPromiseIsTold(t *testing.T) {
	live(t, func(w *world) {
		e := w.embed()
		committed := e.commit(collections.Change{Create: ids{u1, u2}})
		w.must(e.Install(w.ctx, committed, described(u1), described(u2)))
		e.append(u2, "x", 0, 5)
		e.stop()
		var broken []collections.BrokenPromise
		next := w.start()
		c, err := collections.Open(w.ctx, w.rt, next.client, collections.Config{
			Epoch:  e.Epoch() + 1,
			Events: collections.Events{PromiseBroken: func(b collections.BrokenPromise) { broken = append(broken, b) }},
		})
		w.must(err)
		later := collections.Description{ID: u1, Since: frontier.At(10)}
		w.must(c.Install(w.ctx, committed, described(u2, u1), later))
		want := []collections.BrokenPromise{
			{ID: u2, Dependency: u1, Since: frontier.At(0), Upper: frontier.At(5), Implied: frontier.At(10)},
		}
		if diff := cmp.Diff(want, broken); diff != "" {
			t.Errorf("told were (-want +got):\n%s", diff)
		}
		f, err := c.Frontiers(u2)
		if err != nil || f[0].Implied != frontier.At(10) {
			t.Errorf("%v is wanted from %v on: %v", u2, f, err)
		}
		w.must(c.Close(context.WithoutCancel(w.ctx)))
		next.client.Close()
	})
}
