package persist

import (
	"context"
	"errors"
	"fmt"
	"math"

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
			updates, err := r.contents(ctx, s, asOf)
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
func (r *Reader) contents(ctx context.Context, s *state.State, asOf uint64) (all []Update, err error) {
	var runs [][]part.Unfetched
	for _, batch := range s.Batches().Shared() {
		if first, ok := batch.Desc.Lower.Time(); !ok || first > asOf {
			break
		}
		source := &source{machine: r.machine, batch: batch, hasUntil: asOf < math.MaxUint64, until: asOf + 1}
		runs = append(runs, source.runs()...)
	}
	for u, err := range part.Merge(ctx, asOf, runs...) {
		switch {
		case errors.Is(err, errPartMissing):
			return nil, r.missing(ctx, err)
		case err != nil:
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

// missing says what it means that an object which the reader holds is not there: the
// lease has run out, or the shard is damaged.
func (r *Reader) missing(ctx context.Context, err error) error {
	if renewErr := r.Renew(ctx); renewErr != nil {
		return renewErr
	}
	return fmt.Errorf("%w: %w", ErrCorruption, err)
}
