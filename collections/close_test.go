package collections_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// calls returns one call of each method of a controller and of what it has handed out
// that can be refused.
func (p *process) calls(writer *collections.Writer, hold *collections.Hold) map[string]func() error {
	ctx, at := p.w.ctx, frontier.At
	return map[string]func() error{
		"create":     func() error { return p.Create(ctx, described(u3)) },
		"install":    func() error { return p.Install(ctx, catalog.Metadata{}, described(u3)) },
		"drop":       func() error { return p.Drop(ctx, u1) },
		"remove":     func() error { return p.Remove(catalog.Metadata{}, u1) },
		"prepare":    func() error { return p.Prepare(nil, collections.Change{}) },
		"policies":   func() error { return second(p.SetReadPolicies(ctx)) },
		"hold":       func() error { return second(p.Hold(ctx, u1)) },
		"hold at":    func() error { return second(p.HoldAt(ctx, u1, at(9))) },
		"snapshot":   func() error { return second(p.rows(u1, 0)) },
		"frontiers":  func() error { return second(p.Frontiers()) },
		"writer":     func() error { return second(p.Writer(ctx, u1)) },
		"append":     func() error { return writer.Append(ctx, nil, at(0), at(0)) },
		"c&a":        func() error { return writer.CompareAndAppend(ctx, nil, at(0), at(0)) },
		"advance":    func() error { return writer.AdvanceUpper(ctx, at(0)) },
		"fetch":      func() error { return second(writer.FetchRecentUpper(ctx)) },
		"expire":     func() error { return writer.Expire(ctx) },
		"downgrade":  func() error { return hold.Downgrade(at(50)) },
		"clone":      func() error { return second(hold.Clone()) },
		"merge self": func() error { return hold.Merge(hold) },
		"err":        p.Err,
	}
}

// TestNothingSucceedsAfterClose protects callers who come late: each call says that the
// controller was closed, and has no effect.
func TestNothingSucceedsAfterClose(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2, u1))
		writer, err := p.Writer(w.ctx, u1)
		w.must(err)
		hold := p.hold(u1)
		hold.Close()
		calls := p.calls(writer, hold)
		p.stop()
		p.refused(calls, collections.ErrClosed)
		w.must(p.Close(w.ctx))
		hold.Close()
		seen := p.Inspect()
		if !errors.Is(seen.Ended, collections.ErrClosed) || len(seen.Collections) != 2 || len(p.IDs()) != 2 {
			w.Errorf("got %+v", seen)
		}
		if fatal, _ := p.fatal.Get(); len(fatal) > 0 {
			w.Errorf("the supervisor was told %v", fatal)
		}
	})
}

// TestCloseTellsOfOpenHolds protects programs from holds that they have lost: they learn
// which, and who has them. Those keep nothing any more, and can be closed all the same.
func TestCloseTellsOfOpenHolds(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2))
		p.hold(u1).Close()
		second, first := p.hold(u2), p.hold(u1)
		w.must(first.Downgrade(frontier.At(7)))
		err := p.Close(w.ctx)
		open := wantAs[*collections.OpenHoldsError](w, "close", err)
		if len(open.Holds) != 2 || open.Holds[0].ID != u2 || open.Holds[1].Since != frontier.At(7) {
			w.Errorf("got %+v", open.Holds)
		}
		for _, text := range []string{"2 open holds", "u2 at {0}", "u1 at {7}", "collections_test.(*process).hold"} {
			if !strings.Contains(err.Error(), text) {
				w.Errorf("%q does not say %q", err, text)
			}
		}
		w.must(p.Close(w.ctx))
		w.want("downgrade", first.Downgrade(frontier.At(9)), collections.ErrClosed)
		w.want("merge", first.Merge(second), collections.ErrClosed)
		collections.Holds{first, second, first}.Close()
		if p.stored(p.one(u2).Shard) != frontier.At(0) || !first.Since().IsEmpty() {
			w.Error("closing has had an effect")
		}
		p.client.Close()
	})
}

// TestCloseMakesDurableWhatIsToBe protects the next process from starting further back
// than it has to.
func TestCloseMakesDurableWhatIsToBe(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2))
		hold := p.hold(u1)
		p.setPolicy(u1, from(10))
		w.must(p.Drop(w.ctx, u2))
		shard, retired := p.one(u1).Shard, w.catalog.Inspect().Unfinalized[0]
		hold.Close()
		w.must(p.Close(w.ctx))
		if p.stored(shard) != frontier.At(10) || !p.stored(retired).IsEmpty() {
			w.Errorf("durable are %v and %v", p.stored(shard), p.stored(retired))
		}
		p.client.Close()
	})
}

// TestCloseHasAnEnd protects programs that end while the store does not answer: the
// error says that something was left, which the next process finds as it was.
func TestCloseHasAnEnd(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		ended, cancel := w.rt.WithCancel(w.ctx)
		p.stall(u1)
		p.setPolicy(u1, from(10))
		p.awaitStalled(1)
		closing := w.rt.Go(ended, "close", p.Close)
		cancel()
		w.want("close", closing.Wait(w.ctx), context.Canceled)
		w.must(p.Close(w.ctx))
		p.unstall()
		p.client.Close()
		q := w.open()
		if one := q.one(u1); one.Read != frontier.At(0) {
			w.Errorf("readable from %v on", one.Read)
		}
		cancelled, cancel := w.rt.WithCancel(w.ctx)
		cancel()
		w.must(q.Close(cancelled)) // nothing is left to do
		q.client.Close()
	})
}

// TestCloseEndsCallsThatAreUnderWay protects programs from waiting for them: each says
// that the controller was closed, and what it has done counts.
func TestCloseEndsCallsThatAreUnderWay(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		p.append(u1, "x", 0, 5)
		w.must(second(p.rows(u1, 3))) // from now on there is a reader
		read := w.rt.Go(w.ctx, "read", func(context.Context) error { return second(p.rows(u1, 7)) })
		p.await("the hold", func(seen collections.Inspection) bool { return len(seen.Holds) == 1 })
		p.stall(collections.GlobalID{})
		created := w.rt.Go(w.ctx, "create", func(ctx context.Context) error { return p.Create(ctx, described(u2)) })
		p.awaitStalled(1)
		w.must(p.Close(w.ctx))
		w.want("read", read.Wait(w.ctx), collections.ErrClosed)
		w.want("create", created.Wait(w.ctx), collections.ErrClosed)
		p.unstall()
		p.client.Close()
		q := w.open()
		if len(q.IDs()) != 2 {
			w.Errorf("%v are there", q.IDs())
		}
		q.stop()
	})
}

// TestAnAnswerThatCloseOvertakesIsUnclear protects writers: what was done by a call that
// the end has overtaken must not be taken for undone.
func TestAnAnswerThatCloseOvertakesIsUnclear(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		shard := p.one(u1).Shard
		writer, err := p.Writer(w.ctx, u1)
		w.must(err)
		_, before := p.log.passed.Get()
		appended := w.rt.Go(w.ctx, "append", func(ctx context.Context) error {
			return writer.CompareAndAppend(ctx, nil, frontier.At(0), frontier.At(5))
		})
		if w.rt.Live() || w.rt.Rand("close").IntN(4) > 0 { // it is done, but for the answer
			_, _, err = p.log.passed.Wait(w.ctx, before)
			w.must(err)
		}
		w.must(p.Close(w.ctx))
		err = appended.Wait(w.ctx)
		if err != nil && !errors.Is(err, collections.ErrClosed) {
			w.Errorf("got %v", err)
		}
		stored, inspectErr := p.client.Inspect(w.ctx, shard)
		w.must(inspectErr)
		isDone := stored.Upper == frontier.At(5)
		if isDone && err != nil && !errors.Is(err, persist.ErrIndeterminate) || !isDone && err == nil {
			w.Errorf("the upper is %v, and the answer was %v", stored.Upper, err)
		}
		p.client.Close()
	})
}
