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

// Snapshot returns the contents as of a time, or of those what all filters hold for:
// consolidated, ordered by row, each with asOf as its time. It waits until the upper is
// beyond asOf. If the since, of the shard or of the reader, is or gets beyond asOf it
// returns a [*SinceError], and a [*LeaseExpiredError] if the reader has been forgotten.
func (r *Reader) Snapshot(ctx context.Context, asOf uint64, filters ...Filter) (all []Update, err error) {
	for u, err := range r.Stream(ctx, asOf, filters...) {
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

// Stream yields what Snapshot returns, in the memory of one part of each run, as it is
// stored, and a piece of it decoded, about 1 MiB of rows: with compaction there are a few
// runs for each factor of four in size. The objects are held until the iteration ends. It
// yields one error, as its last, if it fails. A row shares the memory of its piece:
// whoever keeps some of them copies them.
func (r *Reader) Stream(ctx context.Context, asOf uint64, filters ...Filter) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		runs, release, err := r.open(ctx, asOf, filters)
		if err == nil {
			defer release()
			for u, mergeErr := range part.Merge(ctx, asOf, runs...) {
				if err = mergeErr; err != nil {
					break
				}
				if !yield(u, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(Update{}, r.failure(ctx, asOf, err))
		}
	}
}

// open returns the runs with the contents as of a time, whose objects are held until
// release is called.
func (r *Reader) open(
	ctx context.Context, asOf uint64, filters []Filter,
) (runs [][]part.Unfetched, release func(), err error) {
	if _, err := r.machine.latest(ctx); err != nil {
		return nil, nil, err
	}
	s, release, err := r.holdAt(ctx, asOf)
	if err != nil {
		return nil, nil, err
	}
	if runs, err = runsUpTo(ctx, r.reading(s, asOf, filters), asOf); err != nil {
		release()
	}
	return runs, release, err
}

// failure says why a snapshot has failed.
func (r *Reader) failure(ctx context.Context, asOf uint64, err error) error {
	err = r.machine.poison(r.explain(ctx, err))
	return fmt.Errorf("persist: snapshot of %v as of %d: %w", r.Shard(), asOf, err)
}

// reading returns how a version is read, with the times before since as since.
func (r *Reader) reading(s *state.State, since uint64, filters []Filter) reading {
	how := reading{machine: r.machine, state: s, schema: r.schema, since: since}
	if len(filters) > 0 {
		filter := And(filters...)
		how.filter, how.audits = &filter, r.machine.client.newAudit()
	}
	return how
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
			err = r.machine.waitForUpper(ctx, frontier.At(asOf), func(s *state.State) bool {
				return r.isForgotten(s) || r.mayRead(s, asOf) != nil
			})
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// mayRead returns a [*SinceError] if what a time looks like may have been given up. It does
// not block.
func (r *Reader) mayRead(s *state.State, asOf uint64) error {
	since := s.Since()
	if own := s.LeasedReaders().Lookup(r.id); own != nil && !own.Since.IsEmpty() {
		since = since.Join(own.Since)
	}
	if !since.LessEqualTime(asOf) {
		return &SinceError{AsOf: asOf, Since: since}
	}
	return nil
}

// runsUpTo returns the runs with the updates of a version at times up to asOf.
func runsUpTo(ctx context.Context, how reading, asOf uint64) (runs [][]part.Unfetched, err error) {
	for batch := range batchesUpTo(how.state, asOf) {
		source := &source{reading: how, batch: batch, hasUntil: asOf < math.MaxUint64, until: asOf + 1}
		more, err := source.runs(ctx)
		if err != nil {
			return nil, err
		}
		runs = append(runs, more...)
	}
	return runs, nil
}

// batchesUpTo iterates over the batches with the updates of a version at times up to asOf.
func batchesUpTo(s *state.State, asOf uint64) iter.Seq[*state.Batch] {
	return func(yield func(*state.Batch) bool) {
		for _, batch := range s.Batches().Shared() {
			if first, ok := batch.Desc.Lower.Time(); !ok || first > asOf || !yield(batch) {
				return
			}
		}
	}
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
