package zoo

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func timerRace() []Program {
	return []Program{
		{
			Name:    "idle-drain",
			Doc:     "a loop that stops its idle timer drains the channel, whose value it may have received already",
			Source:  "golang/go#27169",
			Depth:   1,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { watchIdle(ctx, rt, drainTimer) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { watchIdle(ctx, rt, stopTimer) },
		},
		{
			Name:    "keep-alive-close",
			Doc:     "activity resets the timer that closes an idle connection, but the timer has fired",
			Depth:   1,
			Verdict: sim.Panic,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { keepAlive(ctx, rt, (*idleConn).send) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { keepAlive(ctx, rt, (*idleConn).sendIfOpen) },
		},
		{
			Name:    "subconn-cache",
			Doc:     "a removal that was aborted after its timer had fired returns without the unlock",
			Source:  "grpc/grpc-go#3017",
			Depth:   2,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { cacheSubConns(ctx, rt, (*subConns).expire) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { cacheSubConns(ctx, rt, (*subConns).expireDeferred) },
		},
		{
			Name:    "login-expiry",
			Doc:     "the timer of an old login has fired when the user logs out and in again, and then ends the new login",
			Depth:   2,
			Verdict: sim.Violation,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { logInAgain(ctx, rt, (*logins).expire) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { logInAgain(ctx, rt, (*logins).expireOwn) },
		},
	}
}

func drainTimer(ctx context.Context, t *runtime.Timer) {
	if !t.Stop() {
		_, _ = t.C.Recv(ctx) // Bug: the channel is empty, always since Go 1.23, and before that if it was received.
	}
}

func stopTimer(_ context.Context, t *runtime.Timer) { t.Stop() }

func watchIdle(ctx context.Context, rt *runtime.Runtime, stop func(context.Context, *runtime.Timer)) {
	requests := runtime.NewChan[string](rt, 1)
	rt.Go(ctx, "client", func(ctx context.Context) error {
		if err := rt.Sleep(ctx, time.Second); err != nil {
			return err
		}
		return requests.Send(ctx, "get")
	})
	idle := rt.NewTimer(time.Second)
	for range 2 {
		r, err := runtime.Select2(ctx, requests.RecvArm(), idle.C.RecvArm())
		if err != nil {
			return
		}
		if r.Index == 0 {
			stop(ctx, idle)
			return
		}
	}
}

// idleConn is closed when it was not used for a while.
type idleConn struct {
	mu     *runtime.Mutex // guards closed
	closed bool
	out    *runtime.Chan[string]
	idle   *runtime.Timer
}

const idleMax = 10 * time.Second

func (c *idleConn) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.out.Close()
}

func (c *idleConn) send(message string) {
	c.idle.Reset(idleMax)
	c.out.TrySend(message) // Bug: Reset reports that the timer had fired; closeIdle is about to run, or has run.
}

func (c *idleConn) sendIfOpen(message string) {
	c.idle.Reset(idleMax)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.out.TrySend(message)
	}
}

func keepAlive(ctx context.Context, rt *runtime.Runtime, send func(*idleConn, string)) {
	c := &idleConn{mu: rt.NewMutex(), out: runtime.NewChan[string](rt, 4)}
	c.idle = rt.AfterFunc(idleMax, func() {
		c.mu.Lock()
		closed := c.closed
		c.mu.Unlock()
		if !closed {
			c.closeIdle()
		}
	})
	if err := rt.Sleep(ctx, idleMax); err != nil {
		return
	}
	send(c, "ping")
	c.idle.Stop()
}

// subConns keeps connections for a while after their removal.
type subConns struct {
	mu      *runtime.Mutex // guards what follows
	open    bool
	removal *runtime.Timer
	aborted bool
}

func (s *subConns) remove(rt *runtime.Runtime, at time.Time, expire func(*subConns)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removal = rt.AfterFunc(at.Sub(rt.Now()), func() { expire(s) })
}

func (s *subConns) expire() {
	s.mu.Lock()
	if s.aborted {
		return // Bug: the lock stays held.
	}
	s.open = false
	s.mu.Unlock()
}

func (s *subConns) expireDeferred() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.aborted {
		s.open = false
	}
}

// reuse takes the connection back before it is removed.
func (s *subConns) reuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open && !s.removal.Stop() {
		s.aborted = true
	}
}

func cacheSubConns(ctx context.Context, rt *runtime.Runtime, expire func(*subConns)) {
	s := &subConns{mu: rt.NewMutex(), open: true}
	at := rt.Now().Add(time.Second)
	s.remove(rt, at, expire)
	if err := rt.Sleep(ctx, at.Sub(rt.Now())); err != nil {
		return
	}
	s.reuse()
	if err := rt.Sleep(ctx, time.Second); err != nil {
		return
	}
	s.reuse()
}

// logins holds who is logged in; a login ends after an hour.
type logins struct {
	mu    *runtime.Mutex // guards what follows
	last  int
	users map[string]*login
	audit []string
}

type login struct {
	number int
	expiry *runtime.Timer
}

func (l *logins) logIn(rt *runtime.Runtime, user string, until time.Time, expire func(*logins, string, int)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	number := l.last
	l.users[user] = &login{number, rt.AfterFunc(until.Sub(rt.Now()), func() { expire(l, user, number) })}
}

func (l *logins) logOut(user string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.users[user]; s != nil {
		s.expiry.Stop()
		delete(l.users, user)
	}
}

func (l *logins) expire(user string, _ int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.users, user) // Bug: it may be a newer login than the one whose time is over.
}

func (l *logins) expireOwn(user string, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.users[user]; s != nil && s.number == number {
		delete(l.users, user)
	}
}

func (l *logins) note(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.audit = append(l.audit, line)
}

func (l *logins) has(user string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.users[user] != nil
}

func logInAgain(ctx context.Context, rt *runtime.Runtime, expire func(*logins, string, int)) {
	l := &logins{mu: rt.NewMutex(), users: make(map[string]*login)}
	midnight := rt.Now().Add(time.Hour)
	l.logIn(rt, "alice", midnight, expire)
	if err := rt.Sleep(ctx, midnight.Sub(rt.Now())); err != nil {
		return
	}
	l.logOut("alice")
	for _, line := range []string{"alice left", "password forgotten", "mail sent", "link used", "password set"} {
		l.note(line)
	}
	l.logIn(rt, "alice", midnight.Add(time.Hour), expire)
	l.note("alice is back")
	if err := rt.Sleep(ctx, time.Minute); err != nil {
		return
	}
	rt.Always(l.has("alice"), "login-lasts")
	l.logOut("alice")
}
