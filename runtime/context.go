package runtime

import (
	"context"
	"errors"
	"time"
)

// ErrForeignDeadline is returned by the first blocking call under a context
// whose deadline was set by the standard library: real time has no meaning
// under a scheduler. Use [Runtime.WithTimeout] and [Runtime.WithDeadline].
var ErrForeignDeadline = errors.New("runtime: context with a deadline in real time under a scheduler")

// WithCancel is [context.WithCancel] on this runtime.
func (rt *Runtime) WithCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	child, cancel := rt.WithCancelCause(ctx)
	return child, func() { cancel(nil) }
}

// WithCancelCause is [context.WithCancelCause] on this runtime.
func (rt *Runtime) WithCancelCause(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	if rt.sched == nil {
		return context.WithCancelCause(ctx)
	}
	child := rt.childContext(ctx)
	return child, func(cause error) {
		rt.enterIfTask(OpCancel)
		child.canceller.cancel(context.Canceled, cause)
	}
}

// WithTimeout is [context.WithTimeout] in the time of this runtime.
func (rt *Runtime) WithTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return rt.WithDeadlineCause(ctx, rt.Now().Add(timeout), nil)
}

// WithTimeoutCause is [context.WithTimeoutCause] in the time of this runtime.
func (rt *Runtime) WithTimeoutCause(
	ctx context.Context, timeout time.Duration, cause error,
) (context.Context, context.CancelFunc) {
	return rt.WithDeadlineCause(ctx, rt.Now().Add(timeout), cause)
}

// WithDeadline is [context.WithDeadline] in the time of this runtime.
func (rt *Runtime) WithDeadline(ctx context.Context, deadline time.Time) (context.Context, context.CancelFunc) {
	return rt.WithDeadlineCause(ctx, deadline, nil)
}

// WithDeadlineCause is [context.WithDeadlineCause] in the time of this
// runtime. A live runtime with a clock of its own does not carry the cause.
//
//go:norace
func (rt *Runtime) WithDeadlineCause(
	ctx context.Context, deadline time.Time, cause error,
) (context.Context, context.CancelFunc) {
	switch {
	case rt.sched == nil && rt.options.Clock == nil:
		return context.WithDeadlineCause(ctx, deadline, cause)
	case rt.sched == nil:
		return rt.clock.WithDeadline(ctx, deadline)
	}
	if earlier, ok := ctx.Deadline(); ok && earlier.Before(deadline) {
		return rt.WithCancel(ctx)
	}
	child := rt.childContext(ctx)
	c := child.canceller
	child.deadline = deadline
	c.alarm.Fire = c.expire(cause)
	if at := rt.schedulerTime(deadline); at <= rt.sched.Now() {
		c.alarm.Fire()
	} else if !c.cancelled() {
		rt.sched.SetAlarm(&c.alarm, at)
	}
	return child, func() {
		rt.enterIfTask(OpCancel)
		c.cancel(context.Canceled, nil)
	}
}

// AfterCancel is [context.AfterFunc] on this runtime: it runs f in a task of
// its own once ctx is cancelled. Stop prevents that, and reports whether it
// did.
func (rt *Runtime) AfterCancel(ctx context.Context, f func()) (stop func() bool) {
	if rt.sched == nil {
		return context.AfterFunc(ctx, f)
	}
	parent := rt.parentOf(ctx)
	child := rt.childContext(ctx)
	child.canceller.whenCancelled(func() {
		rt.spawnHere(parent, context.WithoutCancel(ctx), "after-cancel", nil,
			func(context.Context) error { f(); return nil })
	})
	return func() bool {
		rt.enterIfTask(OpCancel)
		return child.canceller.disarm()
	}
}

// enterIfTask is a scheduling point when a task runs; a cancel function may
// also be called from an alarm.
func (rt *Runtime) enterIfTask(kind OpKind) {
	if rt.sched.Current() != nil {
		rt.enter(kind, nil)
	}
}

// simContext is a context under a scheduler. Values come from the parent,
// cancellation from the canceller, which a task's context shares with its
// parent; nil means never.
type simContext struct {
	context.Context // the parent
	canceller       *canceller
	deadline        time.Time // zero: the parent's
	task            *Task     // nil: the parent's
}

// simKey finds the nearest simContext.
type simKey struct{}

// taskContext returns the context of a new task.
//
//go:norace
func (rt *Runtime) taskContext(ctx context.Context, t *Task) context.Context {
	return &simContext{Context: ctx, canceller: rt.parentCanceller(ctx), task: t}
}

// childContext returns a cancellable child.
//
//go:norace
func (rt *Runtime) childContext(ctx context.Context) *simContext {
	return &simContext{Context: ctx, canceller: newCanceller(rt, rt.parentCanceller(ctx))}
}

// parentCanceller returns what a new child of ctx has to follow; nil for
// nothing. A deadline in real time is found by the first blocking call.
func (rt *Runtime) parentCanceller(ctx context.Context) *canceller {
	c, foreign := resolve(ctx)
	if foreign {
		return rt.adopt(ctx)
	}
	return c
}

func (c *simContext) Deadline() (time.Time, bool) {
	if c.deadline.IsZero() {
		return c.Context.Deadline()
	}
	return c.deadline, true
}

func (c *simContext) Done() <-chan struct{} {
	if c.canceller == nil {
		return nil
	}
	return c.canceller.standard.Done()
}

// Err is visible: another task may cancel before it.
func (c *simContext) Err() error {
	if c.canceller == nil {
		return nil
	}
	if t := c.canceller.rt.sched.Current(); t != nil {
		t.rt.enter(OpCancelled, nil)
	}
	return c.canceller.standard.Err()
}

// Value answers the standard library's own question for its nearest
// cancellable context with the canceller's, so that its children follow ours
// without a goroutine and [context.Cause] works.
func (c *simContext) Value(key any) any {
	switch key {
	case any(simKey{}):
		return c
	case any(taskKey{}):
		if c.task != nil {
			return c.task
		}
	}
	if c.canceller != nil {
		if v := c.canceller.standard.Value(key); v != nil {
			return v
		}
	}
	return c.Context.Value(key)
}

// runtimeOf returns the plugged-in runtime that ctx comes from, if any.
func runtimeOf(ctx context.Context) *Runtime {
	own, ok := ctx.Value(simKey{}).(*simContext)
	switch {
	case !ok:
		return nil
	case own.task != nil:
		return own.task.rt
	}
	return own.canceller.rt
}

// resolve finds what cancels ctx: one of our cancellers, nobody (nil), or a
// context of the standard library (foreign).
func resolve(ctx context.Context) (c *canceller, foreign bool) {
	if own, ok := ctx.(*simContext); ok {
		return own.canceller, false
	}
	done := ctx.Done()
	if done == nil {
		return nil, false
	}
	if nearest, ok := ctx.Value(simKey{}).(*simContext); ok && nearest.Done() == done {
		return nearest.canceller, false
	}
	return nil, true
}

// cancellerOf returns what a blocking call under ctx has to watch. The caller
// calls leave on it at the end.
//
//go:norace
func (rt *Runtime) cancellerOf(ctx context.Context) (*canceller, error) {
	c, foreign := resolve(ctx)
	if foreign {
		c = rt.adopt(ctx)
		c.transient = true
	}
	if c != nil && c.refusal != nil {
		return nil, c.refusal
	}
	return c, nil
}

// virtualDeadline reports whether a deadline comes from one of our contexts.
func virtualDeadline(ctx context.Context, deadline time.Time) bool {
	for {
		nearest, ok := ctx.Value(simKey{}).(*simContext)
		if !ok {
			return false
		}
		if nearest.deadline.Equal(deadline) {
			return true
		}
		ctx = nearest.Context
	}
}

// adopt returns a canceller that follows a context of the standard library,
// which the scheduler polls before each decision. It follows no deadline in
// real time, but refuses.
//
//go:norace
func (rt *Runtime) adopt(ctx context.Context) *canceller {
	c := newCanceller(rt, nil)
	if deadline, ok := ctx.Deadline(); ok && !virtualDeadline(ctx, deadline) {
		c.refusal = ErrForeignDeadline
		return c
	}
	follow := func() bool {
		c.followed.observe()
		if c.cancelled() || c.left {
			return true
		}
		if err := ctx.Err(); err != nil {
			c.cancel(err, context.Cause(ctx))
			return true
		}
		return false
	}
	if !follow() {
		rt.sched.Poll(follow)
	}
	return c
}
