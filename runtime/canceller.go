package runtime

import (
	"context"
	"time"
)

// canceller is one node of the tree of cancellations under a scheduler. All
// but standard is touched by the running task only.
type canceller struct {
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
func newCanceller(rt *Runtime, parent *canceller) *canceller {
	g := &gate{done: make(chan struct{})}
	g.Context, g.setCause = context.WithCancelCause(context.Background())
	c := &canceller{rt: rt, gate: g}
	c.standard, c.release = context.WithCancel(g) // ends with the gate, with an error of our choice
	if parent != nil {
		c.refusal = parent.refusal
		if parent.cancelled() {
			c.cancel(parent.err, parent.cause)
		} else {
			parent.add(c)
		}
	}
	return c
}

func (c *canceller) cancelled() bool { return c != nil && c.err != nil }

// park parks the task; the cancellation wakes it with armCancel.
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

func (c *canceller) cancel(err, cause error) {
	if c.err != nil {
		return
	}
	if cause == nil {
		cause = err
	}
	c.err, c.cause = err, cause
	c.gate.open(err, cause)
	c.release()
	if c.alarm.Fire != nil {
		c.rt.sched.StopAlarm(&c.alarm)
	}
	c.waiters.wakeAll()
	c.detach()
	if c.onCancel != nil {
		c.onCancel()
	}
	for child := c.first; child != nil; child = c.first {
		child.detach()
		child.cancel(err, cause)
	}
}

func (c *canceller) add(child *canceller) {
	child.parent, child.prev = c, c.last
	if c.last == nil {
		c.first = child
	} else {
		c.last.next = child
	}
	c.last = child
}

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

func (g *gate) open(err, cause error) {
	g.setCause(cause)
	g.err = err
	close(g.done)
	g.follow()
}

func (g *gate) Deadline() (time.Time, bool) { return time.Time{}, false }

func (g *gate) Done() <-chan struct{} { return g.done }

func (g *gate) Err() error { return g.err }

// AfterFunc is what package context calls, once, for the standard context.
func (g *gate) AfterFunc(f func()) func() bool {
	g.follow = f
	return func() bool { return false }
}
