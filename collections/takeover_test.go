package collections_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// abandon ends a process that another one has replaced.
func (p *process) abandon() {
	p.w.Helper()
	p.unstall()
	p.w.must(p.Close(p.w.ctx))
	p.client.Close()
}

// wantFenced fails the test unless the process was fenced by another one, has told its
// supervisor so exactly once, and says so.
func (p *process) wantFenced(by *process, shard persist.ShardID) {
	p.w.Helper()
	told, _, err := p.fatal.WaitFor(p.w.ctx, func(told []error) bool { return len(told) > 0 })
	p.w.must(err)
	fenced := wantAs[*collections.FencedError](p.w, "supervisor", told[0])
	if *fenced != (collections.FencedError{Ours: p.Epoch(), Actual: by.Epoch(), Shard: shard}) {
		p.w.Errorf("told was %+v", fenced)
	}
	p.w.want("err", p.Err(), collections.ErrFenced)
	p.w.want("inspection", p.Inspect().Ended, told[0])
	if told, _ := p.fatal.Get(); len(told) != 1 {
		p.w.Errorf("told %d times: %v", len(told), told)
	}
}

// TestANewEpochTakesOver protects collections from two owners: the older process learns
// it when it moves a since, and has no effect from then on.
func TestANewEpochTakesOver(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2))
		p.append(u1, "x", 0, 5)
		writer, err := p.Writer(w.ctx, u1)
		w.must(err)
		hold := p.hold(u1)
		shard := p.one(u1).Shard
		q := w.open()
		if q.Epoch() != p.Epoch()+1 {
			w.Errorf("epoch %d after %d", q.Epoch(), p.Epoch())
		}
		q.wantRows(u1, 4, "x@4+1")
		p.wantRows(u1, 4, "x@4+1") // it does not know, and it does no harm
		q.setPolicy(u1, from(3))
		q.settle()

		w.must(hold.Downgrade(frontier.At(4)))
		p.setPolicy(u1, from(4))
		p.wantFenced(q, shard)
		if q.stored(shard) != frontier.At(3) {
			w.Errorf("the since is %v", q.stored(shard))
		}
		p.await("the end of all tasks", hasNoTasks)
		p.refused(p.calls(writer, hold), collections.ErrFenced)
		hold.Close()
		q.create(described(u3))
		q.append(u1, "y", 5, 8)
		q.wantRows(u1, 7, "x@7+1 y@7+1")
		p.abandon()
		p.wantFenced(q, shard)
		w.want("after close", p.Err(), collections.ErrFenced)
		q.stop()
	})
}

// TestTheEndIsToldOnce protects supervisors from ending a process twice, when several tasks
// find out at the same time; all of them give the same answer from then on.
func TestTheEndIsToldOnce(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2))
		p.stall(collections.GlobalID{})
		_, err := p.SetReadPolicies(w.ctx, collections.PolicyChange{ID: u1, Policy: from(5)},
			collections.PolicyChange{ID: u2, Policy: from(5)})
		w.must(err)
		p.awaitStalled(2)
		q := w.open()
		p.unstall()
		_, _, err = p.fatal.WaitFor(w.ctx, func(told []error) bool { return len(told) > 0 })
		w.must(err)
		p.await("the end of all tasks", hasNoTasks)
		told, _ := p.fatal.Get()
		if len(told) != 1 || !errors.Is(p.Err(), told[0]) {
			w.Errorf("told were %v, ended by %v", told, p.Err())
		}
		w.want("create", p.Create(w.ctx, described(u3)), told[0])
		p.abandon()
		q.stop()
	})
}

// hasNoTasks reports whether no task of a controller works on a collection any more.
func hasNoTasks(seen collections.Inspection) bool {
	return !slices.ContainsFunc(seen.Collections, func(one collections.CollectionInspection) bool {
		return one.IsMoving || one.IsWatched
	})
}

// TestTheCatalogFencesToo protects the catalog from processes that were replaced: they
// commit nothing, and learn who has replaced them.
func TestTheCatalogFencesToo(t *testing.T) {
	everywhere(t, func(w *world) {
		calls := map[string]func(*process) error{
			"create": func(p *process) error { return p.Create(w.ctx, described(u3)) },
			"drop":   func(p *process) error { return p.Drop(w.ctx, u1) },
		}
		for _, name := range sortedKeys(calls) {
			p := w.open()
			p.create(described(u1))
			q := w.open()
			before := w.catalog.Inspect()
			w.want(name, calls[name](p), collections.ErrFenced)
			p.wantFenced(q, persist.ShardID{})
			if after := w.catalog.Inspect(); after.Commits != before.Commits {
				w.Errorf("%s: committed %+v", name, after)
			}
			if seen := q.one(u1); seen.IsDropping {
				w.Errorf("%s: got %+v", name, seen)
			}
			p.abandon()
			q.stop()
		}
	})
}

// TestAnOlderProcessDoesNotOpen protects collections from a process that was replaced
// while it opened them.
func TestAnOlderProcessDoesNotOpen(t *testing.T) {
	everywhere(t, func(w *world) {
		first := w.open()
		first.create(described(u1))
		first.stop()
		p := w.start()
		p.stall(collections.GlobalID{})
		opened := w.rt.Go(w.ctx, "open", func(context.Context) error { return p.open() })
		p.awaitStalled(1)
		q := w.open()
		p.unstall()
		fenced := wantAs[*collections.FencedError](w, "open", opened.Wait(w.ctx))
		if fenced.Actual != q.Epoch() || fenced.Ours != q.Epoch()-1 || p.Controller != nil {
			w.Errorf("got %v", fenced)
		}
		if told, _ := p.fatal.Get(); len(told) != 1 {
			w.Errorf("the supervisor was told %v", told)
		}
		q.setPolicy(u1, from(3))
		q.settle()
		q.stop()
		p.client.Close()
	})
}

// TestTheEmbeddersEpochsFence protects embedders in the same way, who give out epochs
// themselves: a lower one does not get in, an equal one opens again.
func TestTheEmbeddersEpochsFence(t *testing.T) {
	everywhere(t, func(w *world) {
		e := w.embed()
		committed := e.commit(collections.Change{Create: ids{u1}})
		w.must(e.Install(w.ctx, committed, described(u1)))
		shard := e.one(u1).Shard
		newer := w.open(collections.Config{Epoch: 7})
		w.must(newer.Install(w.ctx, committed, described(u1)))
		older := w.open(collections.Config{Epoch: 3})
		w.want("install", older.Install(w.ctx, committed, described(u1)), collections.ErrFenced)
		older.wantFenced(newer, shard)
		e.setPolicy(u1, from(4))
		e.wantFenced(newer, shard)
		newer.stop()
		again := w.open(collections.Config{Epoch: 7})
		w.must(again.Install(w.ctx, committed, described(u1)))
		again.setPolicy(u1, from(5))
		again.awaitStored(shard, frontier.At(5))
		again.stop()
		older.abandon()
		e.abandon()
	})
}

// TestDependentsStartWhereTheirDependenciesAre protects dependents whose last downgrade
// was not durable: after a restart they are not behind what is kept for them, neither in
// memory nor in the store; and no durable since has gone back.
func TestDependentsStartWhereTheirDependenciesAre(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open(collections.Config{DowngradesMax: 3})
		p.create(described(u1), described(u2, u1), described(u3, u2))
		p.stall(u2)
		p.setPolicy(u1, from(10))
		p.setPolicy(u2, from(15))
		p.setPolicy(u3, from(20))
		one, two, three := p.one(u1).Shard, p.one(u2).Shard, p.one(u3).Shard
		p.awaitStored(one, frontier.At(10))
		p.awaitStored(three, frontier.At(20))
		if p.stored(two) != frontier.At(0) {
			w.Errorf("the since of %v is %v", u2, p.stored(two))
		}
		q := w.open()
		for id, want := range map[collections.GlobalID]uint64{u1: 10, u2: 10, u3: 20} {
			if f := q.one(id); f.Implied != frontier.At(want) || f.Read != frontier.At(want) {
				w.Errorf("got %+v, want %d", f.Frontiers, want)
			}
		}
		q.settle()
		if q.stored(one) != frontier.At(10) || q.stored(two) != frontier.At(10) || q.stored(three) != frontier.At(20) {
			w.Errorf("durable are %v, %v and %v", q.stored(one), q.stored(two), q.stored(three))
		}
		p.unstall()
		p.wantFenced(q, two)
		if q.stored(two) != frontier.At(10) {
			w.Errorf("the old process has moved the since to %v", q.stored(two))
		}
		p.abandon()
		q.stop()
	})
}

// TestHoldsEndWithTheirProcess protects the next process from what it does not know:
// it decides alone what is kept, and a reader of the old one is told.
func TestHoldsEndWithTheirProcess(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		p.append(u1, "x", 0, 20)
		hold := p.hold(u1)
		q := w.open()
		q.setPolicy(u1, from(10))
		q.settle()
		if shard := q.one(u1).Shard; q.stored(shard) != frontier.At(10) || hold.Since() != frontier.At(0) {
			w.Errorf("durable is %v, held is %v", q.stored(shard), hold.Since())
		}
		_, err := p.rows(u1, 5)
		early := wantAs[*collections.ReadBeforeSinceError](w, "read", err)
		if early.Since != frontier.At(10) {
			w.Errorf("got %v", early)
		}
		p.wantRows(u1, 15, "x@15+1")
		hold.Close()
		p.abandon()
		q.stop()
	})
}

// TestAnEpochDoesNotReplaceItself protects a process from taking its own lost answers
// for another owner.
func TestAnEpochDoesNotReplaceItself(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		p.log.lose(errors.New("lost"))
		for t := range uint64(5) {
			p.setPolicy(u1, from(t))
			p.settle()
		}
		p.create(described(u2, u1))
		p.log.lose(nil)
		if p.Err() != nil || p.stored(p.one(u1).Shard) != frontier.At(4) {
			w.Errorf("ended by %v, with %v", p.Err(), p.stored(p.one(u1).Shard))
		}
		p.stop()
	})
}
