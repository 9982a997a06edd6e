package runtime

import (
	"context"
	"time"
)

// canceller is one node of the tree of cancellations under a scheduler. All
// but standard is touched by the running task only.
type canceller struct {
	followed stamp // by all who made it watch something: children, a deadline, a function
	ended    stamp // by the cancellation
	rt       *Runtime
	err      error // nil until the cancellation
	cause    error
	waiters  queue[struct{}]
	onCancel func()
	alarm    Alarm

	// standard is a cancellable context of the standard library that ends with
	// this one; libraries, which may use goroutines, see nothing else.
	standard context.Context
	gate     *gate
	release  context.CancelFunc

	refusal   error // why nobody may wait under it: an ancestor's deadline is in real time
	transient bool  // follows a context of the standard library for one call only
	left      bool  // the call is over

	parent      *canceller
	first, last *canceller // children, in order of creation
	prev, next  *canceller // siblings
}

// newCanceller returns a child of parent, which may be nil.
//
//go:norace
func newCanceller(rt *Runtime, parent *canceller) *canceller {
	g := newGate()
	c := &canceller{rt: rt, gate: g}
	c.standard, c.release = context.WithCancel(g) // ends with the gate, with an error of our choice
	c.followed.add()
	if parent != nil {
		c.refusal = parent.refusal
		if parent.cancelled() {
			parent.ended.observe()
			c.cancel(parent.err, parent.cause)
		} else {
			parent.add(c)
		}
	}
	return c
}

func (c *canceller) cancelled() bool { return c != nil && c.err != nil }

// failure returns the error of a canceller that is cancelled.
//
//go:norace
func (c *canceller) failure() error {
	c.ended.observe()
	return c.err
}

// park parks the task; the cancellation wakes it with armCancel.
//
//go:norace
func (c *canceller) park(t *Task, op Op) int {
	if c == nil {
		return t.park(op)
	}
	w := c.waiters.push(t, armCancel)
	arm := t.park(op)
	c.waiters.release(w)
	return arm
}

// leave ends the use of a transient canceller.
//
//go:norace
func (c *canceller) leave() {
	if c != nil && c.transient {
		c.left = true
	}
}

// preempts decides between a cancelled context and an operation that may be
// ready: as in a select, either can win when both are.
func (c *canceller) preempts(ready bool) bool {
	return c.cancelled() && (!ready || c.rt.sched.Choose("schedule", "select", 2) == 1)
}

//go:norace
func (c *canceller) cancel(err, cause error) {
	if c.err != nil {
		return
	}
	if cause == nil {
		cause = err
	}
	c.followed.observe()
	c.err, c.cause = err, cause
	c.ended.set()
	c.gate.open(err, cause)
	c.release()
	if c.alarm.Fire != nil {
		c.rt.sched.StopAlarm(&c.alarm)
	}
	c.waiters.wakeAll()
	c.detach()
	if f := c.onCancel; f != nil {
		c.onCancel = nil
		f()
	}
	for child := c.first; child != nil; child = c.first {
		child.detach()
		child.cancel(err, cause)
	}
}

// expire returns what the alarm of a deadline calls.
func (c *canceller) expire(cause error) func() {
	return func() { c.cancel(context.DeadlineExceeded, cause) }
}

// whenCancelled calls f, once, when the canceller is cancelled.
//
//go:norace
func (c *canceller) whenCancelled(f func()) {
	if c.cancelled() {
		c.ended.observe()
		f()
		return
	}
	c.onCancel = f
	c.followed.add()
}

// disarm takes f of whenCancelled back, unless it was called.
//
//go:norace
func (c *canceller) disarm() bool {
	if c.onCancel == nil {
		return false
	}
	c.onCancel = nil
	c.cancel(context.Canceled, nil)
	return true
}

//go:norace
func (c *canceller) add(child *canceller) {
	c.followed.add()
	child.parent, child.prev = c, c.last
	if c.last == nil {
		c.first = child
	} else {
		c.last.next = child
	}
	c.last = child
}

//go:norace
func (c *canceller) detach() {
	p := c.parent
	if p == nil {
		return
	}
	if c.prev == nil {
		p.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		p.last = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.parent, c.prev, c.next = nil, nil, nil
}

// gate is the parent of a canceller's standard context. The public functions
// of package context can cancel only with context.Canceled; a parent that
// implements AfterFunc may hand down any error, and its Value any cause.
type gate struct {
	context.Context // carries the cause
	setCause        context.CancelCauseFunc
	done            chan struct{}
	err             error // set before done is closed
	follow          func()
}

//go:norace
func newGate() *gate {
	g := &gate{done: make(chan struct{})}
	g.Context, g.setCause = context.WithCancelCause(context.Background())
	return g
}

//go:norace
func (g *gate) open(err, cause error) {
	g.setCause(cause)
	g.err = err
	close(g.done)
	g.follow()
}

func (g *gate) Deadline() (time.Time, bool) { return time.Time{}, false }

func (g *gate) Done() <-chan struct{} { return g.done }

//go:norace
func (g *gate) Err() error { return g.err }

// AfterFunc is what package context calls, once, for the standard context.
//
//go:norace
func (g *gate) AfterFunc(f func()) func() bool {
	g.follow = f
	return func() bool { return false }
}
