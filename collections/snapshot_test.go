package collections_test

import (
	"context"
	"testing"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// TestAReadThatIsRefusedSaysWhy protects readers from empty contents where there are
// none to be had: they get one error, as the last thing, and nothing is held by it.
func TestAReadThatIsRefusedSaysWhy(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u1))
		p.append(u1, "x", 0, 20)
		p.setPolicy(u1, from(10))
		p.settle()
		read := func(ctx context.Context, id collections.GlobalID, asOf uint64) error {
			return p.unchanged("read", func() (last error) {
				for u, err := range p.Snapshot(ctx, id, asOf) {
					if last != nil || err == nil || u.Row != nil {
						t.Errorf("got %+v, %v after %v", u, err, last)
					}
					last = err
				}
				return last
			})
		}
		missing := wantAs[*collections.CollectionMissingError](w, "unknown", read(w.ctx, u99, 15))
		if missing.ID != u99 {
			t.Errorf("%v is not about %v", missing, u99)
		}
		err := read(w.ctx, u1, 9)
		early := wantAs[*collections.ReadBeforeSinceError](w, "early", err)
		if *early != (collections.ReadBeforeSinceError{ID: u1, AsOf: 9, Since: frontier.At(10)}) {
			t.Errorf("%v", early)
		}
		w.want("early", err, persist.ErrUsage)
		ended, cancel := context.WithCancel(w.ctx)
		cancel()
		w.want("no time", read(ended, u1, 15), context.Canceled)
	})
}

// TestASnapshotIsConsolidated protects readers from the way in which the contents came
// about; and a reader may stop early, and read the same sequence again.
func TestASnapshotIsConsolidated(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		writer, err := p.Writer(w.ctx, u1)
		w.must(err)
		w.must(writer.CompareAndAppend(w.ctx, []persist.Update{
			{Row: []byte("b"), Time: 1, Diff: 1}, {Row: []byte("a"), Time: 2, Diff: 2}, {Row: []byte("b"), Time: 3, Diff: -1},
		}, frontier.At(0), frontier.At(5)))
		p.wantRows(u1, 0, "")
		p.wantRows(u1, 2, "a@2+2 b@2+1")
		p.wantRows(u1, 4, "a@4+2")
		all := p.Snapshot(w.ctx, u1, 2)
		for range 2 {
			for u, err := range all {
				if string(u.Row) != "a" || err != nil {
					w.Errorf("got %+v, %v", u, err)
				}
				break
			}
		}
		p.stop()
	})
}

// TestASnapshotWaitsForTheUpper protects readers of the present from contents that are
// not complete; and meanwhile from losing what they are going to read.
func TestASnapshotWaitsForTheUpper(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		var got string
		read := w.rt.Go(w.ctx, "read", func(context.Context) (err error) {
			got, err = p.rows(u1, 7)
			return err
		})
		p.await("the hold", func(seen collections.Inspection) bool { return len(seen.Holds) == 1 })
		p.setPolicy(u1, from(100))
		w.must(p.Drop(w.ctx, u1))
		p.append(u1, "x", 0, 5)
		if one := p.one(u1); one.Read != frontier.At(7) || len(p.Inspect().Holds) != 1 {
			w.Errorf("got %+v", one)
		}
		p.append(u1, "y", 5, 8)
		w.must(read.Wait(w.ctx))
		if got != "x@7+1 y@7+1" {
			w.Errorf("got %q", got)
		}
		p.await("removal", func(seen collections.Inspection) bool { return len(seen.Collections) == 0 })
		p.stop()
	})
}

// TestASnapshotEndsWithItsContext protects callers from waiting for what may never come.
func TestASnapshotEndsWithItsContext(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		ctx, cancel := w.rt.WithCancel(w.ctx)
		read := w.rt.Go(ctx, "read", func(ctx context.Context) error {
			for _, err := range p.Snapshot(ctx, u1, 7) {
				return err
			}
			return nil
		})
		p.await("the hold", func(seen collections.Inspection) bool { return len(seen.Holds) == 1 })
		cancel()
		w.want("read", read.Wait(w.ctx), context.Canceled)
		p.await("the hold to go", func(seen collections.Inspection) bool { return len(p.one(u1).Held) == 0 })
		p.stop()
	})
}

// TestASealedCollectionStaysReadable protects what has come to its end: policies that
// follow the upper keep it, and so does the next process.
func TestASealedCollectionStaysReadable(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2, u1))
		p.append(u1, "x", 0, 5)
		p.setPolicy(u2, from(30))
		p.setPolicy(u1, collections.StepBack())
		writer, err := p.Writer(w.ctx, u1)
		w.must(err)
		w.must(writer.AdvanceUpper(w.ctx, frontier.Empty()))
		p.await("the seal", func(collections.Inspection) bool { return p.one(u1).Upper.IsEmpty() && !p.one(u1).IsWatched })
		w.must(writer.AdvanceUpper(w.ctx, frontier.Empty()))
		p.wantRows(u1, 1000, "x@1000+1")
		p.settle()
		p.stop()
		q := w.open()
		q.wantRows(u1, 1000, "x@1000+1")
		if one := q.one(u1); !one.Upper.IsEmpty() || one.IsWatched || one.Read.IsEmpty() {
			w.Errorf("got %+v", one)
		}
		q.create(described(u3, u1))
		if withheld := q.setPolicy(u1, collections.StepBack()); len(withheld) > 0 || q.one(u1).Read.IsEmpty() {
			w.Errorf("withheld %v", withheld)
		}
		q.stop()
	})
}

// TestFrontiersAreAConsistentCut protects readers who compare collections: all are as of
// one moment, in the order of the call, or there is an error about the first unknown one.
func TestFrontiersAreAConsistentCut(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2))
		mover := w.rt.Go(w.ctx, "move", func(ctx context.Context) error {
			for t := range uint64(20) {
				if _, err := p.SetReadPolicies(ctx, collections.PolicyChange{ID: u1, Policy: from(t)},
					collections.PolicyChange{ID: u2, Policy: from(t + 1)}); err != nil {
					return err
				}
			}
			return nil
		})
		for range 20 {
			all, err := p.Frontiers(u2, u1, u2)
			w.must(err)
			first, _ := all[1].Implied.Time()
			isFirst := first == 0 && all[0].Implied == frontier.At(0)
			if all[0] != all[2] || all[0].ID != u2 || !isFirst && all[0].Implied != frontier.At(first+1) {
				w.Errorf("got %+v", all)
			}
			w.rt.Yield()
		}
		w.must(mover.Wait(w.ctx))
		_, err := p.Frontiers(u1, u99, collections.GlobalID{})
		if missing := wantAs[*collections.CollectionMissingError](w, "unknown", err); missing.ID != u99 {
			w.Errorf("%v is not about %v", err, u99)
		}
		if all, err := p.Frontiers(); len(all) > 0 || err != nil {
			w.Error(all, err)
		}
		p.stop()
	})
}
