package persist

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// SinceError says that a shard can no longer be read as of a time.
type SinceError struct {
	// AsOf is the time that was asked for, Since from when on the shard can be
	// read.
	AsOf  uint64
	Since frontier.Antichain
}

// Error implements error.
func (e *SinceError) Error() string {
	return fmt.Sprintf("persist: as of %d is before the since %v", e.AsOf, e.Since)
}

// Is reports that the error is one of usage.
func (e *SinceError) Is(target error) bool { return target == ErrUsage }

// Reader reads a shard. It holds no capability: what it can read is what others
// hold back the since for. It is safe for concurrent use.
type Reader struct {
	machine *machine
}

// OpenReader opens a shard for reading; the shard exists afterwards.
func (c *Client) OpenReader(ctx context.Context, shard ShardID) (*Reader, error) {
	m, err := c.open(ctx, shard)
	if err != nil {
		return nil, err
	}
	return &Reader{m}, nil
}

// Shard returns the id of the shard.
func (r *Reader) Shard() ShardID { return r.machine.shard }

// SharedSince returns the newest since that this process knows, without I/O. It
// never goes back, and may lag.
func (r *Reader) SharedSince() frontier.Antichain { return r.machine.state().Since() }

// SharedUpper returns the newest upper that this process knows, without I/O. It
// never goes back, and may lag.
func (r *Reader) SharedUpper() frontier.Antichain { return r.machine.state().Upper() }

// FetchRecentUpper returns an upper that the shard had at some moment between
// the call and its return.
func (r *Reader) FetchRecentUpper(ctx context.Context) (frontier.Antichain, error) {
	return r.machine.fetchUpper(ctx)
}

// WaitForUpperPast returns once the upper of the shard is beyond f, or with the
// error of ctx, or one that wraps [ErrCorruption]. Once the upper is {} it returns
// at once whatever f is: nothing is beyond {}, so that waiting for {} is waiting
// for the shard to be closed.
func (r *Reader) WaitForUpperPast(ctx context.Context, f frontier.Antichain) error {
	return r.machine.waitForUpper(ctx, f)
}

// Snapshot returns the contents as of a time: consolidated, ordered by row, each
// with asOf as its time. It waits until the upper is beyond asOf. If the since
// is, or gets, beyond asOf it returns a [*SinceError].
func (r *Reader) Snapshot(ctx context.Context, asOf uint64) ([]Update, error) {
	m := r.machine
	s, err := m.latest(ctx)
	for err == nil {
		if !s.Since().LessEqualTime(asOf) {
			return nil, &SinceError{AsOf: asOf, Since: s.Since()}
		}
		if !s.Upper().LessEqualTime(asOf) {
			updates, err := contents(s, asOf)
			if err != nil {
				err = m.poison(err)
				return nil, fmt.Errorf("persist: snapshot of %v as of %d: %w", m.shard, asOf, err)
			}
			return updates, nil
		}
		if err = m.waitForUpper(ctx, frontier.At(asOf)); err == nil {
			s = m.state()
		}
	}
	return nil, fmt.Errorf("persist: snapshot of %v as of %d: %w", m.shard, asOf, err)
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
		belongs := desc.Lower.LessEqualTime(u.Time) && !desc.Upper.LessEqualTime(u.Time)
		if belongs && rewrite.AdvanceTime(u.Time) <= asOf {
			u.Time = asOf
			all = append(all, u)
		}
	}
	return all
}

func (m *machine) fetchUpper(ctx context.Context) (frontier.Antichain, error) {
	s, err := m.latest(ctx)
	if err != nil {
		return frontier.Antichain{}, fmt.Errorf("persist: fetch the upper of %v: %w", m.shard, err)
	}
	return s.Upper(), nil
}

// waitForUpper waits for commits of this process, and looks for those of others
// at intervals.
func (m *machine) waitForUpper(ctx context.Context, f frontier.Antichain) error {
	past := func(k knowledge) bool {
		return k.broken != nil || k.state.Upper().IsEmpty() || f.LessThan(k.state.Upper())
	}
	p := m.client.newPause(m.client.config.PollMin, m.client.config.PollMax)
	for {
		woken, cancel := m.client.rt.WithTimeout(ctx, p.draw())
		k, _, err := m.known.WaitFor(woken, past)
		cancel()
		if err == nil {
			return k.broken
		}
		if ctxErr := ctx.Err(); ctxErr != nil {
			return ctxErr
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if err := m.refresh(ctx, m.state().SeqNo()); err != nil {
			return err
		}
	}
}
