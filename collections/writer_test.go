package collections_test

import (
	"context"
	"testing"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// TestWritersOfUnknownCollectionsAreRefused protects shards from being made by mistake.
func TestWritersOfUnknownCollectionsAreRefused(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u1))
		err := p.unchanged("unknown", func() error { return second(p.Writer(w.ctx, u99)) })
		if missing := wantAs[*collections.CollectionMissingError](w, "unknown", err); missing.ID != u99 {
			t.Errorf("%v is not about %v", err, u99)
		}
	})
}

// TestAppendsThatMakeNoSenseAreRefused protects collections from them, and writers from
// not knowing what they have written.
func TestAppendsThatMakeNoSenseAreRefused(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u1))
		p.append(u1, "x", 0, 10)
		writer, err := p.Writer(w.ctx, u1)
		w.must(err)
		at := func(times ...uint64) (all []persist.Update) {
			for _, t := range times {
				all = append(all, persist.Update{Row: []byte("y"), Time: t, Diff: 1})
			}
			return all
		}
		for name, call := range map[string]func() error{
			"reversed bounds": func() error {
				return writer.CompareAndAppend(w.ctx, nil, frontier.At(10), frontier.At(9))
			},
			"updates between equal bounds": func() error {
				return writer.CompareAndAppend(w.ctx, at(10), frontier.At(10), frontier.At(10))
			},
			"an update before the bounds": func() error {
				return writer.CompareAndAppend(w.ctx, at(11, 9), frontier.At(10), frontier.At(12))
			},
			"an update beyond the bounds": func() error {
				return writer.CompareAndAppend(w.ctx, at(11, 12), frontier.At(10), frontier.At(12))
			},
			"reversed append": func() error { return writer.Append(w.ctx, nil, frontier.At(12), frontier.At(11)) },
		} {
			w.want(name, p.unchanged(name, call), persist.ErrUsage)
		}
		mismatch := wantAs[*persist.UpperMismatchError](w, "another upper", p.unchanged("another upper", func() error {
			return writer.CompareAndAppend(w.ctx, at(5), frontier.At(5), frontier.At(11))
		}))
		if mismatch.Current != frontier.At(10) {
			t.Errorf("%v", mismatch)
		}
		w.must(writer.CompareAndAppend(w.ctx, nil, frontier.At(10), frontier.At(10)))
		ended, cancel := context.WithCancel(w.ctx)
		cancel()
		err = p.unchanged("no time", func() error {
			return writer.CompareAndAppend(ended, nil, frontier.At(10), frontier.At(11))
		})
		w.want("no time", err, context.Canceled)
		w.want("no time", err, persist.ErrDeterminate)
		p.wantRows(u1, 9, "x@9+1")
	})
}

// TestWritersGoByTheUpper protects writers that produce the same data from writing it
// twice, and others from each other.
func TestWritersGoByTheUpper(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		row := []persist.Update{{Row: []byte("x"), Time: 1, Diff: 1}}
		first, err := p.Writer(w.ctx, u1)
		w.must(err)
		other, err := p.Writer(w.ctx, u1)
		w.must(err)
		w.must(first.Append(w.ctx, row, frontier.At(0), frontier.At(5)))
		w.must(other.Append(w.ctx, row, frontier.At(0), frontier.At(5)))
		wantA[*persist.UpperMismatchError](w, "gap", other.Append(w.ctx, nil, frontier.At(7), frontier.At(8)))
		p.wantRows(u1, 4, "x@4+1")
		w.must(other.AdvanceUpper(w.ctx, frontier.At(9)))
		upper, err := first.FetchRecentUpper(w.ctx)
		if upper != frontier.At(9) || err != nil || other.Upper() != frontier.At(9) || first.ID() != u1 {
			w.Errorf("%v has upper %v: %v", first.ID(), upper, err)
		}
		w.must(first.Expire(w.ctx))
		p.stop()
	})
}

// TestAWriterEndsWithItsCollection protects a shard that is being given up from writers
// that have not heard of it.
func TestAWriterEndsWithItsCollection(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		writer, err := p.Writer(w.ctx, u1)
		w.must(err)
		hold := p.hold(u1)
		w.must(p.Drop(w.ctx, u1))
		w.must(writer.AdvanceUpper(w.ctx, frontier.At(1))) // for those who still read
		hold.Close()
		p.settle()
		for name, err := range map[string]error{
			"compare and append": writer.CompareAndAppend(w.ctx, nil, frontier.At(1), frontier.At(2)),
			"append":             writer.Append(w.ctx, nil, frontier.At(1), frontier.At(2)),
			"advance":            writer.AdvanceUpper(w.ctx, frontier.At(2)),
			"fetch":              second(writer.FetchRecentUpper(w.ctx)),
			"expire":             writer.Expire(w.ctx),
		} {
			if missing := wantAs[*collections.CollectionMissingError](w, name, err); missing.ID != u1 {
				w.Errorf("%s: %v is not about %v", name, err, u1)
			}
		}
		p.stop()
	})
}
