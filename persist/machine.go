package persist

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/runtime"
)

// machine is the one state of a shard that a process knows, and the only way to
// change it. It is safe for concurrent use.
type machine struct {
	committer
	client *Client
	shard  ShardID
	key    string
	// known is the newest version seen; its SeqNo never goes back. Version 0
	// means that the shard has not been opened.
	known   *runtime.Watch[knowledge]
	opening *runtime.Semaphore // of one: who reads or makes the first version
	copying *runtime.Semaphore // of one: who writes a rollup
	// looking is of one: who reads the log for all who wait. looks counts how often
	// that was done.
	looking *runtime.Semaphore
	looks   atomic.Uint64

	conversions *conversions // between the schemas
	// distrustsStats says that stats have been found to be wrong.
	distrustsStats atomic.Bool

	rollup, garbage, compaction chore
	// goal is up to which version to collect garbage, requests what to merge, and givenBack
	// what others may merge instead; its elements are never modified. All are guarded by the
	// committer's lock.
	goal      SeqNo
	requests  []state.CompactionRequest
	givenBack []state.Compaction
}

// knowledge is what a process knows of a shard.
type knowledge struct {
	state *state.State
	// broken is the corruption that has ended the use of the machine.
	broken error
	// hinted is the newest version that another process has announced. It may be known
	// already, or there may be no such version.
	hinted SeqNo
}

func newMachine(c *Client, shard ShardID) *machine {
	return &machine{
		committer: committer{mu: c.rt.NewMutex()},
		client:    c, shard: shard, key: shard.String(), conversions: newConversions(c.rt),
		known:      runtime.NewWatch(c.rt, knowledge{state: new(state.State)}),
		opening:    c.rt.NewSemaphore(1),
		copying:    c.rt.NewSemaphore(1),
		looking:    c.rt.NewSemaphore(1),
		rollup:     chore{name: "rollup", work: (*machine).writeRollup},
		garbage:    chore{name: "gc", work: (*machine).collectAssigned},
		compaction: chore{name: "compaction", work: (*machine).compactAssigned},
	}
}

// state returns the newest version seen, which may be old.
func (m *machine) state() *state.State {
	k, _ := m.known.Get()
	return k.state
}

// intact returns the newest version seen, or the error that has poisoned the
// machine, or that the version is of a format that the client does not use.
func (m *machine) intact() (*state.State, error) {
	k, _ := m.known.Get()
	if k.broken != nil {
		return k.state, k.broken
	}
	return k.state, m.client.checkFormat(k.state)
}

// checkFormat returns a [*VersionError] if a version is of a later format than those
// that the client uses.
func (c *Client) checkFormat(s *state.State) error {
	found, newest := uint64(s.Header().Version), c.config().Format
	if found <= newest {
		return nil
	}
	return &VersionError{Found: found, Oldest: uint64(state.OldestFormat), Newest: newest}
}

// install makes s the version that everybody sees, unless a newer one is known.
func (m *machine) install(s *state.State) {
	m.known.Update(func(old knowledge) (knowledge, bool) {
		return knowledge{s, old.broken, old.hinted}, s.SeqNo() > old.state.SeqNo()
	})
}

// poison remembers an error if it is one of corruption: what this process knows
// of the shard is not used any more. It returns the error.
func (m *machine) poison(err error) error {
	if errors.Is(err, ErrCorruption) {
		m.known.Update(func(old knowledge) (knowledge, bool) {
			return knowledge{old.state, err, old.hinted}, old.broken == nil
		})
	}
	return err
}

// apply gets an idempotent command committed, however often it takes. Stale
// answers are given only about the current version. It calls unknown, unless
// that is nil, with the answer of each attempt whose outcome is not known.
func apply[A any](
	ctx context.Context, m *machine, command state.Command[A], unknown func(A),
) (A, *state.State, error) {
	p := m.client.newRetry()
	for {
		answer, a, err := try(ctx, m, command)
		switch {
		case err == nil && a.standing != state.Stale:
			return answer, a.state, nil
		case err == nil, isFinal(err) && a.standing == state.Stale:
			current, refreshErr := m.isCurrent(ctx, a.state)
			if refreshErr != nil {
				return answer, a.state, refreshErr
			}
			if current {
				return answer, a.state, err
			}
			continue
		case isFinal(err):
			return answer, a.state, err
		case ctx.Err() != nil:
			return answer, a.state, fmt.Errorf("%w: %w", ErrIndeterminate, ctx.Err())
		}
		if unknown != nil {
			unknown(answer)
		}
		if waitErr := p.wait(ctx); waitErr != nil {
			return answer, a.state, fmt.Errorf("%w: %w", ErrIndeterminate, waitErr)
		}
		if err := m.refresh(ctx, a.state.SeqNo()); err != nil {
			return answer, a.state, err
		}
	}
}

// applyCall is apply for whoever takes an error of usage for a promise that nothing has
// happened: it is none if an attempt before may have been committed.
func applyCall[A any](
	ctx context.Context, m *machine, command state.Command[A], unknown func(A),
) (A, *state.State, error) {
	isUnclear := false
	answer, s, err := apply(ctx, m, command, func(a A) {
		isUnclear = true
		if unknown != nil {
			unknown(a)
		}
	})
	if isUnclear && errors.Is(err, ErrUsage) {
		err = fmt.Errorf("%w: then %v", ErrIndeterminate, err) //nolint:errorlint // it must not be ErrUsage
	}
	return answer, s, err
}

// isCurrent reports whether s is the newest version at some moment of the call.
func (m *machine) isCurrent(ctx context.Context, s *state.State) (bool, error) {
	latest, err := m.latest(ctx)
	return err == nil && latest.SeqNo() == s.SeqNo(), err
}
