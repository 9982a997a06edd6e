package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// build builds one batch after the other and ships it, or gives it up.
func (s *shippingWorld) build(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("builder")
	w, err := client.OpenWriter(ctx, s.shard, persist.WriterOptions{Purpose: "builder"})
	if err != nil {
		return err
	}
	for i := 0; !s.ending(); i++ {
		p := parcel{isStaged: rand.IntN(3) == 0, isTimeless: rand.IntN(2) == 0}
		lower, upper := uint64(0), uint64(3)
		if !p.isTimeless {
			lower, _ = w.SharedUpper().Time()
			lower -= min(lower, rand.Uint64()%3)
			upper = lower + runtime.Between[uint64](rand, 6, 30)
		}
		for j := range rand.IntN(9) {
			row := fmt.Sprintf("%s.%d/batch %d.%d", rt.Node(), rt.Incarnation(), i, j*5%9) // in no order
			at := lower + rand.Uint64()%min(upper-lower, 12)
			p.updates = append(p.updates, persist.Update{Row: []byte(row), Time: at, Diff: 1})
		}
		if err := s.ship(ctx, rt, w, p, frontier.At(lower), frontier.At(upper)); err != nil {
			return err
		}
		for isFirst := true; isFirst || s.isCrowded(); isFirst = false {
			if err := rt.Sleep(ctx, time.Duration(rand.IntN(600))*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// ship builds a batch and hands it over.
func (s *shippingWorld) ship(
	ctx context.Context, rt *runtime.Runtime, w *persist.Writer, p parcel, lower, upper frontier.Antichain,
) error {
	rand := rt.Rand("ship")
	s.begin(p)
	b := w.NewBatch(ctx, lower, persist.BatchOptions{IsStaged: p.isStaged})
	var err error
	for _, u := range p.updates {
		if err = b.Add(ctx, u.Row, u.Time, u.Diff); err != nil {
			break
		}
		if rand.IntN(8) == 0 {
			if err := rt.Sleep(ctx, time.Duration(rand.IntN(500))*time.Millisecond); err != nil {
				return err
			}
		}
	}
	if err == nil && rand.IntN(10) == 0 {
		b.Discard(ctx)
		s.settle(p)
		return ctx.Err()
	}
	var batch *persist.Batch
	if err == nil {
		batch, err = b.Finish(ctx, upper)
	}
	switch {
	case errors.Is(err, persist.ErrBatchTooOld):
		rt.Always(!p.isStaged, "P-20", "error", err)
		rt.Reachable("batch-too-old")
		b.Discard(ctx)
		s.settle(p)
		return ctx.Err()
	case err != nil:
		return err
	}
	if p.data, err = batch.Marshal(); err != nil {
		return err
	}
	discarded := batch.Discard(ctx)
	rt.Always(errors.Is(discarded, persist.ErrUsage), "P-20", "discarded after it was handed over", discarded)
	s.post(p)
	return nil
}

// item is a batch that has arrived.
type item struct {
	parcel
	*persist.Batch
	readAt uint64 // the time to which a timeless one was rewritten
}

// appendParcels appends what arrives.
func (s *shippingWorld) appendParcels(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("appender")
	w, err := client.OpenWriter(ctx, s.shard, persist.WriterOptions{Purpose: "appender"})
	if err != nil {
		return err
	}
	for {
		var items []*item
		for _, p := range s.take(runtime.Between(rand, 1, 3)) {
			b, err := w.UnmarshalBatch(p.data)
			if err != nil {
				return err
			}
			items = append(items, &item{parcel: p, Batch: b})
		}
		if len(items) == 0 && s.ending() {
			return nil
		}
		if err := s.appendItems(ctx, rt, w, items); err != nil {
			return err
		}
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 50, 500))*time.Millisecond); err != nil {
			return err
		}
	}
}

// appendItems tries to append batches together, again where they fit if the shard has
// moved on; and discards what is left.
func (s *shippingWorld) appendItems(ctx context.Context, rt *runtime.Runtime, w *persist.Writer, items []*item) error {
	rand := rt.Rand("append")
	for attempt := 0; attempt < 3 && len(items) > 0; attempt++ {
		expected, _ := w.Upper().Time()
		next := expected + runtime.Between[uint64](rand, 1, 5)
		for _, i := range items {
			if upper, _ := i.Upper().Time(); i.isTimeless {
				next = max(next, upper)
			}
		}
		fitting, err := s.fit(ctx, rand, items, expected, next)
		if err != nil {
			return err
		}
		items = fitting
		err = s.appendOnce(ctx, rt, w, items, expected, next)
		var mismatch *persist.UpperMismatchError
		switch {
		case err == nil:
			rt.Sometimes(len(items) > 1, "batches-appended")
			rt.Sometimes(attempt > 0 && len(items) > 0, "batches-appended-later")
			s.settleAll(items)
			return nil
		case errors.Is(err, persist.ErrIndeterminate):
			for _, i := range items {
				discarded := i.Discard(ctx)
				rt.Always(errors.Is(discarded, persist.ErrUsage), "P-20", "discarded after an unclear append", discarded)
			}
			rt.Sometimes(len(items) > 0, "batches-unclear")
			_, err := w.FetchRecentUpper(ctx)
			return err
		case errors.Is(err, persist.ErrBatchTooOld):
			rt.Reachable("batch-too-old")
			return s.discard(ctx, items...)
		case !errors.As(err, &mismatch):
			return err
		}
	}
	return s.discard(ctx, items...)
}

// fit rewrites those batches that may have any time, and discards the others that do not
// cover the interval.
func (s *shippingWorld) fit(
	ctx context.Context, rand *runtime.Rand, items []*item, expected, next uint64,
) (fitting []*item, err error) {
	for _, i := range items {
		covers := i.Lower().LessEqualTime(expected) && frontier.At(next).LessEqual(i.Upper())
		switch {
		case i.isTimeless:
			i.readAt = runtime.Between(rand, max(expected, i.readAt), next-1)
			if err := i.RewriteTimes(frontier.At(i.readAt), frontier.At(next)); err != nil {
				return nil, err
			}
		case !covers:
			if err := s.discard(ctx, i); err != nil {
				return nil, err
			}
			continue
		}
		fitting = append(fitting, i)
	}
	return fitting, nil
}

// appendOnce makes one append, of which the journal knows what it adds.
func (s *shippingWorld) appendOnce(
	ctx context.Context, rt *runtime.Runtime, w *persist.Writer, items []*item, expected, next uint64,
) error {
	var batches []*persist.Batch
	var updates []persist.Update
	for _, i := range items {
		batches = append(batches, i.Batch)
		for _, u := range i.updates {
			u.Time = max(u.Time, i.readAt)
			if expected <= u.Time && u.Time < next {
				updates = append(updates, u)
			}
		}
	}
	call := s.journal.Begin(updates, frontier.At(expected), frontier.At(next))
	err := w.CompareAndAppendBatches(ctx, batches, frontier.At(expected), frontier.At(next))
	call.End(rt, err)
	return err
}

func (s *shippingWorld) discard(ctx context.Context, items ...*item) error {
	for _, i := range items {
		if err := i.Discard(ctx); err != nil {
			return err
		}
		s.settle(i.parcel)
	}
	return nil
}
