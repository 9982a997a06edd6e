package persist

import (
	"context"
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Snapshot returns the contents as of a time: consolidated, ordered by row, each
// with asOf as its time. It waits until the upper is beyond asOf. If the since, of
// the shard or of the reader, is or gets beyond asOf it returns a [*SinceError],
// and a [*LeaseExpiredError] if the reader has been forgotten.
func (r *Reader) Snapshot(ctx context.Context, asOf uint64) ([]Update, error) {
	updates, err := r.snapshot(ctx, asOf)
	if err != nil {
		return nil, fmt.Errorf("persist: snapshot of %v as of %d: %w", r.Shard(), asOf, err)
	}
	return updates, nil
}

func (r *Reader) snapshot(ctx context.Context, asOf uint64) ([]Update, error) {
	if _, err := r.machine.latest(ctx); err != nil {
		return nil, err
	}
	for {
		if err := r.stayAlive(ctx); err != nil {
			return nil, err
		}
		s, release, err := r.hold()
		if err != nil {
			return nil, err
		}
		if err := r.mayRead(s, asOf); err != nil {
			release()
			return nil, err
		}
		if !s.Upper().LessEqualTime(asOf) {
			updates, err := contents(s, asOf)
			release()
			return updates, r.machine.poison(err)
		}
		release()
		if err := r.machine.waitForUpper(ctx, frontier.At(asOf)); err != nil {
			return nil, err
		}
	}
}

// mayRead returns a [*SinceError] if what a time looks like may have been given up.
func (r *Reader) mayRead(s *state.State, asOf uint64) error {
	since := s.Since()
	if own := r.Since(); !own.IsEmpty() {
		since = since.Join(own)
	}
	if !since.LessEqualTime(asOf) {
		return &SinceError{AsOf: asOf, Since: since}
	}
	return nil
}

// contents adds up all updates of a state at times up to asOf.
func contents(s *state.State, asOf uint64) ([]Update, error) {
	var all []Update
	for _, batch := range s.Batches().Shared() {
		if first, ok := batch.Desc.Lower.Time(); !ok || first > asOf {
			break
		}
		for _, run := range batch.Runs {
			for _, p := range run.Parts {
				updates, err := p.InlineUpdates()
				if err != nil {
					return nil, err
				}
				all = appendUpTo(all, updates, batch.Desc, p.Rewrite, asOf)
			}
		}
	}
	return part.Consolidate(all)
}

// appendUpTo takes the updates that belong to the batch and count as of a time.
// An append that was cut short leaves others in its part.
func appendUpTo(all, updates []Update, desc state.Desc, rewrite frontier.Antichain, asOf uint64) []Update {
	for _, u := range updates {
		belongs := desc.Since != frontier.At(0) || // merged: what did not belong is gone, and times have moved
			desc.Lower.LessEqualTime(u.Time) && !desc.Upper.LessEqualTime(u.Time)
		if belongs && rewrite.AdvanceTime(u.Time) <= asOf {
			u.Time = asOf
			all = append(all, u)
		}
	}
	return all
}
