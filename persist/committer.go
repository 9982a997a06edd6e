package persist

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/runtime"
)

// committer gets commands into versions, many into one: while a version is on its
// way to the store, whoever comes has to wait, and all who have waited share the
// next one. That is group commit. Each caller has at most one command there, so
// that there are never more of them than callers.
//
// Whoever finds nobody at work commits on its own task, with its own context.
// Those who have waited are served by a task of the machine, which ends when
// nobody is left: no caller that goes away takes others with it.
type committer struct {
	mu     *runtime.Mutex // guards what follows
	queue  []*pending
	isBusy bool // somebody is committing
	// serving are those whose version is on its way, cancel what ends the attempt.
	serving []*pending
	cancel  context.CancelFunc
}

// pending is a command that waits for its verdict.
type pending struct {
	ctx context.Context
	// execute runs the command and keeps its answer.
	execute func(*state.Candidate) (state.Standing, error)
	// attempt and err are the verdict, which stands once done has a value.
	attempt attempt
	err     error
	done    *runtime.Chan[struct{}]
	isGone  bool // nobody waits for the verdict any more
}

func (p *pending) deliver(a attempt, err error) {
	p.attempt, p.err = a, err
	if p.done != nil {
		p.done.TrySend(struct{}{})
	}
}

// attempt is one try to get a command committed.
type attempt struct {
	state     *state.State // that the command was run on, or the version committed
	standing  state.Standing
	committed bool
}

// try runs a command on the newest version seen, and commits what it proposes;
// again as long as other processes are first. An answer that is not committed has
// the standing that the attempt says. Errors are final, or leave open whether the
// version was committed; one of a committed attempt is what the command answered.
func try[A any](ctx context.Context, m *machine, command state.Command[A]) (A, attempt, error) {
	var answer A
	p := &pending{ctx: ctx, execute: func(c *state.Candidate) (standing state.Standing, err error) {
		answer, standing, err = state.Execute(c, command)
		return standing, err
	}}
	if err := m.submit(ctx, p); err != nil {
		var none A // the answer may still be written
		return none, attempt{state: m.state()}, err
	}
	return answer, p.attempt, p.err
}

// submit returns once p has its verdict, or with an error once ctx has ended: then
// the command may be under way.
func (m *machine) submit(ctx context.Context, p *pending) error {
	m.mu.Lock()
	if !m.isBusy {
		m.isBusy = true
		m.mu.Unlock()
		m.serve(ctx, []*pending{p})
		m.passOn()
		return nil
	}
	p.done = runtime.NewChan[struct{}](m.client.rt, 1)
	m.queue = append(m.queue, p)
	m.mu.Unlock()
	if _, err := p.done.Recv(ctx); err != nil {
		return m.leave(p, err)
	}
	return nil
}

// leave takes back a command that nobody waits for. The error is determinate if it
// has not been sent.
func (m *machine) leave(p *pending, cause error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, isDone, _ := p.done.TryRecv(); isDone {
		return nil
	}
	p.isGone = true
	if place := slices.Index(m.queue, p); place >= 0 {
		m.queue = slices.Delete(m.queue, place, place+1)
		return fmt.Errorf("%w: %w", ErrDeterminate, cause)
	}
	if m.cancel != nil && !slices.ContainsFunc(m.serving, func(p *pending) bool { return !p.isGone }) {
		m.cancel()
	}
	return fmt.Errorf("%w: %w", ErrIndeterminate, cause)
}

// passOn ends the turn of whoever was committing.
func (m *machine) passOn() {
	m.mu.Lock()
	m.isBusy = len(m.queue) > 0
	hasToGoOn := m.isBusy
	m.mu.Unlock()
	if hasToGoOn {
		m.client.rt.Go(context.Background(), "commit", m.serveQueue)
	}
}

// serveQueue serves those who have waited, and those who come meanwhile, until
// nobody is left.
func (m *machine) serveQueue(ctx context.Context) error {
	for {
		m.client.rt.Yield() // whoever has just been served may come again at once
		serving, cancel := m.client.rt.WithCancel(ctx)
		m.mu.Lock()
		m.serving = slices.Clone(m.queue[:min(len(m.queue), m.client.config().CommandsMax)])
		m.queue = slices.Delete(m.queue, 0, len(m.serving))
		m.cancel = cancel
		m.isBusy = len(m.serving) > 0
		all := m.serving
		m.mu.Unlock()
		m.serve(serving, all)
		cancel()
		if len(all) == 0 {
			return nil
		}
	}
}

// serve makes attempts until each command has a verdict. All together are one
// version, as far as they can be.
func (m *machine) serve(ctx context.Context, all []*pending) {
	for len(all) > 0 {
		base, err := m.intact()
		if err != nil {
			deliver(all, attempt{state: base, standing: state.Final}, err)
			return
		}
		room, givenBack := m.compactionRoom()
		all = stillWanted(base, all)
		r, err := m.execute(base, room, givenBack, all)
		switch {
		case err != nil && len(r.sent) > 1: // together they are too much
			for _, p := range r.sent {
				m.serve(ctx, []*pending{p})
			}
			all = r.later
			continue
		case err != nil:
			deliver(r.sent, attempt{state: base, standing: state.Final}, err)
			all = r.later
			continue
		case r.transition == nil:
			all = r.later
			continue
		}
		if m.send(ctx, base, r) {
			all = r.later
			continue
		}
		all = append(r.sent, r.later...) // another process was first
	}
}

// stillWanted refuses the commands of callers whose context has ended: what they
// were told to leave alone is not begun, even if they have not noticed yet. There
// is no scheduling point between its last look, which is at all of them in one moment,
// and the store.
func stillWanted(base *state.State, all []*pending) []*pending {
	isOver := func(p *pending) bool { return context.Cause(p.ctx) != nil }
	for {
		over := slices.IndexFunc(all, isOver)
		if over < 0 {
			over = slices.IndexFunc(all, (*pending).isLeft)
		}
		if over < 0 {
			return all
		}
		p := all[over]
		all = slices.Delete(slices.Clone(all), over, over+1)
		p.deliver(attempt{state: base}, fmt.Errorf("%w: %w", ErrDeterminate, p.ctx.Err()))
	}
}

// isLeft reports whether the context of the caller has ended. Unlike a question to the
// context it lets nobody else go on.
func (p *pending) isLeft() bool {
	select { //sim:allow select because it never waits, and what it tells is decided
	case <-p.ctx.Done():
		return true
	default:
		return false
	}
}

func deliver(all []*pending, a attempt, err error) {
	for _, p := range all {
		p.deliver(a, err)
	}
}

// round is what some commands come to.
type round struct {
	transition *state.Transition // nil if nobody proposes anything
	data       []byte            // the encoded diff
	// sent are those whose verdict is that of the transition, later those who have
	// to wait for the version after it. All others have their verdict.
	sent, later []*pending
}

// execute runs commands one after another. The error is about what was proposed,
// by all of those sent together. It does not wait, not even for a lock.
func (m *machine) execute(
	base *state.State, room int, givenBack []state.Compaction, all []*pending,
) (r round, err error) {
	env := m.client.environment()
	env.Config.CompactionsMax, env.GivenBack = room, givenBack
	candidate, err := state.NewCandidate(env, base)
	if err != nil {
		return round{sent: all}, err
	}
	for _, p := range all {
		standing, err := p.execute(candidate)
		m.client.assertSound(err)
		switch {
		case errors.Is(err, state.ErrNextVersion):
			r.later = append(r.later, p)
		case standing == state.Proposed:
			p.err = err // an error that rests on what others propose holds when that is committed
			r.sent = append(r.sent, p)
		default:
			p.deliver(attempt{state: base, standing: standing}, err)
		}
	}
	r.transition, err = candidate.Finish()
	m.client.assertSound(err)
	if err != nil || r.transition == nil {
		return r, err
	}
	if r.data, err = state.EncodeDiff(r.transition.Diff); err != nil { // too large, and so it will be the next time
		return r, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return r, m.client.verify(base, r.transition, r.data)
}

// send tries to make the transition the next version, and returns false if another
// process was first, about whose version the machine then knows.
func (m *machine) send(ctx context.Context, base *state.State, r round) (isDecided bool) {
	next := r.transition.Next
	committed, err := m.client.compareAndSet(ctx, m.key, base.SeqNo(), Versioned{SeqNo: next.SeqNo(), Data: r.data})
	switch {
	case errors.Is(err, ErrUsage) && len(r.sent) > 1: // together they are too large
		for _, p := range r.sent {
			m.serve(ctx, []*pending{p})
		}
		return true
	case err != nil:
		deliver(r.sent, attempt{state: base}, err)
		return true
	case !committed:
		if err := m.refresh(ctx, base.SeqNo()); err != nil {
			deliver(r.sent, attempt{state: base}, fmt.Errorf("%w: %w", ErrDeterminate, err))
			return true
		}
		return false
	}
	m.install(next)
	m.announce(base.Upper(), next.Upper(), next.SeqNo())
	m.maintain(r.transition.Maintenance)
	for _, p := range r.sent {
		p.deliver(attempt{state: next, committed: true}, p.err)
	}
	return true
}
