package persist

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Snapshot returns the contents as of a time: consolidated, ordered by row, each
// with asOf as its time. It waits until the upper is beyond asOf. If the since, of
// the shard or of the reader, is or gets beyond asOf it returns a [*SinceError],
// and a [*LeaseExpiredError] if the reader has been forgotten.
func (r *Reader) Snapshot(ctx context.Context, asOf uint64) (all []Update, err error) {
	for u, err := range r.Stream(ctx, asOf) {
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

// Stream yields what Snapshot returns, in the memory of one part of each run: with
// compaction that is a few parts for each factor of four in size. The objects are held
// until the iteration ends. It yields one error, as its last, if it fails. A row shares
// the memory of its part: whoever keeps some of them copies them.
func (r *Reader) Stream(ctx context.Context, asOf uint64) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		_, err := r.machine.latest(ctx)
		var s *state.State
		var release func()
		if err == nil {
			s, release, err = r.holdAt(ctx, asOf)
		}
		if err == nil {
			defer release()
			for u, mergeErr := range part.Merge(ctx, asOf, r.runsUpTo(s, asOf)...) {
				if err = mergeErr; err != nil {
					break
				}
				if !yield(u, nil) {
					return
				}
			}
		}
		if err != nil {
			err = r.machine.poison(r.explain(ctx, err))
			yield(Update{}, fmt.Errorf("persist: snapshot of %v as of %d: %w", r.Shard(), asOf, err))
		}
	}
}

// holdAt returns a version that can be read as of a time, whose objects are held until
// release is called. It waits until there is one.
func (r *Reader) holdAt(ctx context.Context, asOf uint64) (s *state.State, release func(), err error) {
	for {
		if err := r.stayAlive(ctx); err != nil {
			return nil, nil, err
		}
		if s, release, err = r.hold(); err != nil {
			return nil, nil, err
		}
		if err = r.mayRead(s, asOf); err == nil && !s.Upper().LessEqualTime(asOf) {
			return s, release, nil
		}
		release()
		if err == nil {
			err = r.machine.waitForUpper(ctx, frontier.At(asOf))
		}
		if err != nil {
			return nil, nil, err
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

// runsUpTo returns the runs with the updates of a state at times up to asOf.
func (r *Reader) runsUpTo(s *state.State, asOf uint64) (runs [][]part.Unfetched) {
	for _, batch := range s.Batches().Shared() {
		if first, ok := batch.Desc.Lower.Time(); !ok || first > asOf {
			break
		}
		source := &source{machine: r.machine, batch: batch, hasUntil: asOf < math.MaxUint64, until: asOf + 1}
		runs = append(runs, source.runs()...)
	}
	return runs
}

// explain says what it means that an object which the reader holds is not there: the
// lease has run out, or the shard is damaged. Other errors it returns as they are.
func (r *Reader) explain(ctx context.Context, err error) error {
	if !errors.Is(err, errPartMissing) {
		return err
	}
	if renewErr := r.Renew(ctx); renewErr != nil {
		return renewErr
	}
	return fmt.Errorf("%w: %w", ErrCorruption, err)
}
