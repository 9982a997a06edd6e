package persist

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
)

// Event is a step of somebody who follows a shard.
type Event struct {
	// Updates are in no order, and need not be consolidated. Their rows may share
	// memory with each other.
	Updates []Update
	// Frontier says how far the shard has been followed: all updates at times before
	// it have been yielded, with this event or before, and no other will be. As long
	// as a step takes several events it stays where it was.
	Frontier frontier.Antichain
}

// Subscribe yields the contents as of a time, with asOf as the time of each update, and
// from then on all changes: together the collection, each update once. It ends, without
// an error, after the event whose frontier is {}: when the shard has been closed. It
// yields one error, as its last, if it fails; errors are those of [Reader.Snapshot]. With
// filters it yields only the updates that all of them hold for; frontiers are the same.
//
// The reader is consumed: its since follows what has been yielded.
func (r *Reader) Subscribe(ctx context.Context, asOf uint64, filters ...Filter) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		updates, err := r.Snapshot(ctx, asOf, filters...)
		if err != nil {
			yield(Event{}, err)
			return
		}
		next := after(asOf)
		if !yield(Event{updates, next}, nil) {
			return
		}
		r.follow(ctx, next, filters, yield)
	}
}

// Listen is Subscribe without the contents: it yields the updates at times after asOf.
func (r *Reader) Listen(ctx context.Context, asOf uint64, filters ...Filter) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if asOf < math.MaxUint64 {
			r.follow(ctx, frontier.At(asOf+1), filters, yield)
		}
	}
}

// follow yields the updates from a time on.
func (r *Reader) follow(
	ctx context.Context, from frontier.Antichain, filters []Filter, yield func(Event, error) bool,
) {
	for {
		at, ok := from.Time()
		if !ok {
			return
		}
		r.Downgrade(frontier.At(at - 1)) // to tell what is before from what is not
		next, isWanted, err := r.step(ctx, at, filters, yield)
		if err != nil {
			err = r.machine.poison(r.explain(ctx, err))
			yield(Event{}, fmt.Errorf("persist: listen to %v from %d: %w", r.Shard(), at, err))
			return
		}
		if !isWanted || !yield(Event{Frontier: next}, nil) {
			return
		}
		from = next
	}
}

// step yields the updates of the batch that has a time, from that time on. It returns
// where the batch ends.
func (r *Reader) step(
	ctx context.Context, at uint64, filters []Filter, yield func(Event, error) bool,
) (next frontier.Antichain, isWanted bool, err error) {
	s, release, err := r.holdAt(ctx, at)
	if err != nil {
		return next, false, err
	}
	defer release()
	batch, _ := s.Batches().Covering(at)
	if !batch.Desc.Since.LessEqualTime(at - 1) {
		return next, false, &SinceError{AsOf: at - 1, Since: batch.Desc.Since}
	}
	source := &source{reading: r.reading(s, 0, filters), batch: &batch}
	runs, err := source.runs(ctx)
	if err != nil {
		return next, false, err
	}
	for _, p := range slices.Concat(runs...) {
		isWanted, err := listenTo(ctx, p, at, yield)
		if err != nil || !isWanted {
			return next, false, err
		}
	}
	return batch.Desc.Upper, true, nil
}

// listenTo yields the updates of a part from a time on.
func listenTo(
	ctx context.Context, p part.Unfetched, at uint64, yield func(Event, error) bool,
) (isWanted bool, err error) {
	pieces, err := p.Fetch(ctx)
	if err != nil {
		return false, err
	}
	for {
		updates, err := pieces(ctx)
		if err != nil || len(updates) == 0 {
			return err == nil, err
		}
		if updates = from(updates, at); len(updates) > 0 && !yield(Event{updates, frontier.At(at)}, nil) {
			return false, nil
		}
	}
}

// from returns those updates that are not before a time. What is has been yielded.
func from(updates []Update, at uint64) (rest []Update) {
	rest = updates[:0]
	for _, u := range updates {
		if u.Time >= at {
			rest = append(rest, u)
		}
	}
	return rest
}
