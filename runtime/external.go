package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/cespare/xxhash/v2"
)

// ErrExternalSize is returned by [Runtime.External] under a scheduler whose record of
// such calls is full. The function was called, its result is lost.
var ErrExternalSize = errors.New("runtime: the record of external calls is full")

// ExternalScheduler is a [Scheduler] that keeps a record of what functions outside of it
// have answered. Under others the function is just called.
type ExternalScheduler interface {
	// External calls f for the current task while nothing else runs, or answers with
	// what it has once answered. The context of f ends when the run is given up.
	External(name string, f func(ctx context.Context) ([]byte, error)) ([]byte, error)
}

// External calls f, which does real input or output: it asks a server, runs a program,
// reads a file. The name says what for; it need not be unique.
//
// Live it is a plain call. Under a scheduler it is a scheduling point; then f runs on a
// goroutine of its own while everything else stands still: no task runs, no time passes
// on any clock of the runtime, no fault is delivered, and so no node can crash meanwhile.
// What f returns becomes part of the run. A replay does not call f: it gets the same
// answer again. Two runs of one seed without a record call it twice, and are the same run
// as far as the answers are the same.
//
// For that to hold, everything that the program learns has to be in the answer, under a
// scheduler also in these respects: the bytes are a copy, and nil if there are none; of
// an error stay its text and whether it is [context.Canceled] or
// [context.DeadlineExceeded], so put what the program has to tell apart into the bytes;
// of a panic stays, in a replay, what it says. A panic and a Goexit in f are those of the
// calling task.
//
// The context of f has the values of ctx. Under a scheduler it does not have its deadline,
// because virtual time stands still. It has ended if ctx has, and ends when the run is
// given up: f should return then. F must not use the runtime, nor write what tasks read.
func (rt *Runtime) External(
	ctx context.Context, name string, f func(ctx context.Context) ([]byte, error),
) ([]byte, error) {
	if rt.sched == nil {
		return f(ctx)
	}
	c, err := rt.cancellerOf(ctx)
	if err != nil {
		return nil, err
	}
	defer c.leave()
	rt.enter(OpExternal, externalObject(name))
	var ended, cause error
	if c.cancelled() {
		ended, cause = c.failure(), c.cause
	}
	call := func(run context.Context) ([]byte, error) {
		outside, release := newOutsideContext(run, ctx, ended, cause)
		defer release()
		return f(outside)
	}
	if s, ok := rt.sched.(ExternalScheduler); ok {
		return s.External(name, call)
	}
	return call(context.Background())
}

// externalObject is what all external calls operate on, whatever their name: the world
// outside is one, and what happens in it depends on the order. The scheduler reads it,
// which is no race with whoever made the name.
//
//go:norace
func externalObject(name string) *Object {
	return &Object{ID: externalID, Kind: "call", Function: string([]byte(name))}
}

var externalID = xxhash.Sum64String("external")

// outsideContext is a context for code outside the scheduler. It ends with the run, not
// with a context of ours, whose methods are for tasks.
type outsideContext struct {
	context.Context
	values context.Context
}

// newOutsideContext returns the context for a call under ctx, which has ended if there is
// an error. Release frees what belongs to it.
func newOutsideContext(run, ctx context.Context, ended, cause error) (outside context.Context, release func()) {
	release = func() {}
	switch {
	case ended == nil:
	case errors.Is(ended, context.DeadlineExceeded):
		run, release = context.WithDeadlineCause(run, time.Unix(0, 0), cause)
	default:
		cancelled, cancel := context.WithCancelCause(run)
		cancel(cause)
		run = cancelled
	}
	return &outsideContext{run, ctx}, release
}

// Value finds the values of the caller, but neither its task nor what cancels it.
func (c *outsideContext) Value(key any) any {
	switch key {
	case any(simKey{}), any(taskKey{}):
		return nil
	}
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.values.Value(key)
}
