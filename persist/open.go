package persist

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// open makes sure that the machine has a version, the newest there is or the
// first, which it then makes. Concurrent calls do it once; one that fails
// leaves it to the next.
func (m *machine) open(ctx context.Context) error {
	if m.state().SeqNo() > 0 {
		return nil
	}
	if err := m.opening.Acquire(ctx, 1); err != nil {
		return err
	}
	defer m.opening.Release(1)
	p := m.client.newRetry()
	for m.state().SeqNo() == 0 {
		s, err := m.fetch(ctx)
		if err != nil {
			return err
		}
		if s != nil {
			m.install(s)
			return nil
		}
		if err := m.initialise(ctx); err == nil {
			continue
		} else if isFinal(err) {
			return err
		}
		if err := p.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// initialise tries once to make the first version. Whether it was this attempt
// that did is for the next fetch to see.
func (m *machine) initialise(ctx context.Context) error {
	rollup := state.NewRollupKey(1, state.BlobID(m.client.newID()))
	e, err := state.Evaluate(m.client.environment(), new(state.State), state.Initialise{Shard: m.shard, Rollup: rollup})
	if err != nil {
		return err
	}
	snapshot, err := state.EncodeRollup(e.Transition.Next)
	if err != nil {
		return err
	}
	diff, err := state.EncodeDiff(e.Transition.Diff)
	if err != nil {
		return err
	}
	if err := m.putRollup(ctx, rollup, snapshot); err != nil {
		return err
	}
	committed, err := m.client.compareAndSet(ctx, m.key, 0, Versioned{SeqNo: 1, Data: diff})
	if committed {
		m.install(e.Transition.Next)
		return nil
	}
	if isFinal(err) {
		return err
	}
	s, fetchErr := m.fetch(ctx)
	if fetchErr != nil || s == nil {
		return errors.Join(err, fetchErr) // our version may still come
	}
	m.install(s)
	answer, err := state.Evaluate(m.client.environment(), s, state.Initialise{Shard: m.shard, Rollup: rollup})
	if err == nil && answer.Answer.MayDelete {
		m.deleteRollup(ctx, rollup)
	}
	return err
}

// fetchAttemptsMax bounds how often a rollup may vanish between reading the log
// and reading the rollup, without the log getting any shorter.
const fetchAttemptsMax = 10

// fetch reads the newest version from the log and the rollup that it names; nil
// if the shard does not exist.
func (m *machine) fetch(ctx context.Context) (*state.State, error) {
	s, _, err := m.fetchWith(ctx, m.recentLog)
	return s, err
}

// fetchWith is fetch with a way of reading the log. It returns what was read, too.
func (m *machine) fetchWith(
	ctx context.Context, read func(context.Context) ([]Versioned, error),
) (*state.State, []Versioned, error) {
	earliest, attempts := SeqNo(0), 0
	for {
		log, err := read(ctx)
		if err != nil || len(log) == 0 {
			return nil, nil, err
		}
		s, err := m.build(ctx, log)
		if !errors.Is(err, ErrNotFound) {
			return s, log, err
		}
		// The rollup is gone: what we read is old, and the log has moved on.
		if attempts++; log[0].SeqNo > earliest {
			earliest, attempts = log[0].SeqNo, 0
		}
		if attempts >= fetchAttemptsMax {
			return nil, nil, fmt.Errorf("%w: the rollup that the log names is missing: %w", ErrCorruption, err)
		}
	}
}

// recentLog returns the newest versions, as many as are needed: all of them, or
// those from the latest rollup on.
func (m *machine) recentLog(ctx context.Context) ([]Versioned, error) {
	log, isEnd, err := m.scan(ctx, 0)
	if err != nil || isEnd {
		return log, err
	}
	head, found, err := m.head(ctx)
	if err != nil || !found {
		return nil, err
	}
	diff, err := state.DecodeDiff(head.Data)
	if err != nil {
		return nil, err
	}
	from, _, err := diff.LatestRollup.Parse()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorruption, err)
	}
	return m.scanAll(ctx, from)
}

// build applies a log to the rollup that its last diff names.
func (m *machine) build(ctx context.Context, log []Versioned) (*state.State, error) {
	newest, err := state.DecodeDiff(log[len(log)-1].Data)
	if err != nil {
		return nil, err
	}
	data, err := m.getRollup(ctx, newest.LatestRollup)
	if err != nil {
		return nil, err
	}
	s, err := state.DecodeRollup(data)
	if err != nil {
		return nil, err
	}
	if s, err = state.CatchUp(s, pairs(log)); err != nil {
		return nil, err
	}
	return s, m.client.checkFormat(s)
}

// refresh brings the cached version up to date. It returns at once if a version
// beyond hint is known already.
func (m *machine) refresh(ctx context.Context, hint SeqNo) error {
	if s, err := m.intact(); err != nil || s.SeqNo() > hint {
		return err
	}
	_, err := m.latest(ctx)
	return err
}

// latest reads the log and returns a version that was the newest at some moment
// of the call.
func (m *machine) latest(ctx context.Context) (*state.State, error) {
	s, err := m.intact()
	if err != nil {
		return nil, err
	}
	for {
		log, isEnd, err := m.scan(ctx, s.SeqNo()+1)
		if err != nil {
			return nil, m.poison(err)
		}
		if s, err = m.catchUp(ctx, s, log); err != nil {
			return nil, m.poison(err)
		}
		m.install(s)
		if isEnd {
			return s, nil
		}
	}
}

// catchUp applies what was read behind s; if the log no longer reaches back that
// far it reads the shard anew.
func (m *machine) catchUp(ctx context.Context, s *state.State, log []Versioned) (*state.State, error) {
	next, err := state.CatchUp(s, pairs(log))
	var truncated *state.TruncatedError
	if !errors.As(err, &truncated) {
		if err == nil {
			err = m.client.checkFormat(next)
		}
		return next, err
	}
	next, err = m.fetch(ctx)
	if err == nil && next == nil {
		err = fmt.Errorf("%w: the log of %v has vanished", ErrCorruption, m.shard)
	}
	return next, err
}

func (m *machine) head(ctx context.Context) (head Versioned, found bool, err error) {
	err = m.client.readIntact(ctx, func() (err error) {
		head, found, err = m.client.consensus.Head(ctx, m.key)
		if err == nil && found {
			err = wire.Check(head.Data)
		}
		return err
	})
	return head, found, err
}

// scan reads some versions, and reports whether there were no more.
func (m *machine) scan(ctx context.Context, from SeqNo) (log []Versioned, isEnd bool, err error) {
	err = m.client.readIntact(ctx, func() (err error) {
		limit := m.client.config().ScanLimit
		log, err = m.client.consensus.Scan(ctx, m.key, from, limit)
		isEnd = len(log) < limit
		for i := 0; err == nil && i < len(log); i++ {
			err = wire.Check(log[i].Data)
		}
		return err
	})
	return log, isEnd, err
}

// scanAll scans to the end of the log. If the log is truncated meanwhile there is
// a gap, but only before the rollup that the newest version names.
func (m *machine) scanAll(ctx context.Context, from SeqNo) ([]Versioned, error) {
	var all []Versioned
	for {
		log, isEnd, err := m.scan(ctx, from)
		if err != nil {
			return nil, err
		}
		all = append(all, log...)
		if isEnd {
			return all, nil
		}
		from = log[len(log)-1].SeqNo + 1
	}
}

func pairs(log []Versioned) iter.Seq2[SeqNo, []byte] {
	return func(yield func(SeqNo, []byte) bool) {
		for _, v := range log {
			if !yield(v.SeqNo, v.Data) {
				return
			}
		}
	}
}
