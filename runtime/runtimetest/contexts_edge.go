package runtimetest

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// contextEdgeCases are the corners of contexts. The sentences are those of package context.
var contextEdgeCases = []Case{
	{
		// Cause "returns nil if c has not been canceled yet"; "if the cause is nil,
		// CancelCauseFunc sets the cause to Canceled".
		Name:    "context/cause-before-and-after",
		Allowed: []string{"ok canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancelCause(context.Background())
			before := context.Cause(ctx)
			cancel(nil)
			return words(name(before), name(context.Cause(ctx)))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancelCause(ctx)
			before := context.Cause(inner)
			cancel(nil)
			return words(name(before), name(context.Cause(inner)))
		},
	},
	{
		// "When a Context is canceled, all Contexts derived from it are also canceled",
		// and no others.
		Name:    "context/child-ends-neither-parent-nor-sibling",
		Allowed: []string{"ok canceled ok"},
		Native: func() string {
			parent, cancelParent := context.WithCancel(context.Background())
			defer cancelParent()
			child, cancel := context.WithCancel(parent)
			sibling, cancelSibling := context.WithTimeout(parent, never)
			defer cancelSibling()
			cancel()
			return words(name(parent.Err()), name(child.Err()), name(sibling.Err()))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancelParent := rt.WithCancel(ctx)
			defer cancelParent()
			child, cancel := rt.WithCancel(parent)
			sibling, cancelSibling := rt.WithTimeout(parent, never)
			defer cancelSibling()
			cancel()
			return words(name(parent.Err()), name(child.Err()), name(sibling.Err()))
		},
	},
	{
		// WithoutCancel: "The returned context returns no Deadline or Err, and its Done
		// channel is nil. Calling Cause on the returned context returns nil."
		Name:    "context/without-cancel-has-nothing-but-values",
		Allowed: []string{"false ok true ok value"},
		Native: func() string {
			ctx, cancel := context.WithTimeoutCause(context.WithValue(context.Background(), caseKey(1), "value"), never, errA)
			cancel()
			return described(context.WithoutCancel(ctx))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithTimeoutCause(context.WithValue(ctx, caseKey(1), "value"), never, errA)
			cancel()
			return described(context.WithoutCancel(inner))
		},
	},
	{
		// Value "returns the value associated with this context for key": the nearest one.
		Name:    "context/nearest-value-wins",
		Allowed: []string{"inner outer <nil>"},
		Native: func() string {
			ctx := context.WithValue(context.Background(), caseKey(1), "outer")
			ctx = context.WithValue(ctx, caseKey(2), "outer")
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			ctx = context.WithValue(ctx, caseKey(1), "inner")
			return words(ctx.Value(caseKey(1)), ctx.Value(caseKey(2)), ctx.Value(caseKey(3)))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			ctx = context.WithValue(ctx, caseKey(1), "outer")
			ctx = context.WithValue(ctx, caseKey(2), "outer")
			ctx, cancel := rt.WithCancel(ctx)
			defer cancel()
			ctx = context.WithValue(ctx, caseKey(1), "inner")
			return words(ctx.Value(caseKey(1)), ctx.Value(caseKey(2)), ctx.Value(caseKey(3)))
		},
	},
	{
		// Err: "After Err returns a non-nil error, successive calls to Err return the same
		// error", whatever the clock says.
		Name:    "context/deadline-after-cancel-changes-nothing",
		Allowed: []string{"canceled canceled"},
		Native: func() string {
			ctx, cancel := context.WithTimeout(context.Background(), never)
			cancel()
			return words(name(ctx.Err()), name(expireNative(ctx)))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithTimeout(ctx, never)
			cancel()
			first := inner.Err()
			past, cancelPast := rt.WithDeadline(inner, rt.Now().Add(-1))
			defer cancelPast()
			return words(name(first), name(past.Err()))
		},
	},
	{
		// The other way round: the cancel function of an expired context does nothing.
		Name:    "context/cancel-after-deadline-changes-nothing",
		Allowed: []string{"deadline deadline a"},
		Native: func() string {
			ctx, cancel := context.WithTimeoutCause(context.Background(), 0, errA)
			first := ctx.Err()
			cancel()
			return words(name(first), name(ctx.Err()), context.Cause(ctx))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithTimeoutCause(ctx, 0, errA)
			first := inner.Err()
			cancel()
			return words(name(first), name(inner.Err()), context.Cause(inner))
		},
	},
	{
		// WithTimeout of nothing, or less, "is already past": the context has ended, and so
		// has each child of it, with the same cause.
		Name:    "context/child-of-expired",
		Allowed: []string{"deadline a"},
		Native: func() string {
			ctx, cancel := context.WithTimeoutCause(context.Background(), -never, errA)
			defer cancel()
			child, cancelChild := context.WithCancel(ctx)
			defer cancelChild()
			return words(name(child.Err()), context.Cause(child))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithTimeoutCause(ctx, -never, errA)
			defer cancel()
			child, cancelChild := rt.WithCancel(inner)
			defer cancelChild()
			return words(name(child.Err()), context.Cause(child))
		},
	},
	{
		// "If the parent's deadline is already earlier than d, WithDeadline(parent, d) is
		// semantically equivalent to parent": the cause is the parent's.
		Name:    "context/cause-of-the-earlier-deadline",
		Allowed: []string{"deadline a"},
		Native: func() string {
			parent, cancelParent := context.WithTimeoutCause(context.Background(), soon, errA)
			defer cancelParent()
			child, cancel := context.WithTimeoutCause(parent, never, errB)
			defer cancel()
			return words(name(sleepNative(child, never)), context.Cause(child))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancelParent := rt.WithTimeoutCause(ctx, soon, errA)
			defer cancelParent()
			child, cancel := rt.WithTimeoutCause(parent, never, errB)
			defer cancel()
			return words(name(rt.Sleep(child, never)), context.Cause(child))
		},
	},
	{
		// "Multiple calls to AfterFunc on a context operate independently; one does not
		// replace another."
		Name:    "aftercancel/two-functions-in-any-order",
		Allowed: []string{"12", "21"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			c := make(chan string, 2)
			context.AfterFunc(ctx, func() { c <- "1" })
			context.AfterFunc(ctx, func() { c <- "2" })
			cancel()
			return <-c + <-c
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			c := runtime.NewChan[string](rt, 2)
			rt.AfterCancel(inner, func() { send(ctx, c, "1") })
			rt.AfterCancel(inner, func() { send(ctx, c, "2") })
			cancel()
			return receive(ctx, c) + receive(ctx, c)
		},
	},
	{
		// "The stop function does not wait for f to complete before returning."
		Name:    "aftercancel/stop-does-not-wait",
		Allowed: []string{"false inside"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			entered, gate, left := make(chan int), make(chan int), make(chan int)
			stop := context.AfterFunc(ctx, func() { entered <- 1; <-gate; left <- 1 })
			cancel()
			<-entered
			stopped := stop()
			gate <- 1
			<-left
			return words(stopped, "inside")
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			entered, gate, left := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
			stop := rt.AfterCancel(inner, func() { send(ctx, entered, 1); receive(ctx, gate); send(ctx, left, 1) })
			cancel()
			receive(ctx, entered)
			stopped := stop()
			send(ctx, gate, 1)
			receive(ctx, left)
			return words(stopped, "inside")
		},
	},
	{
		// AfterFunc "arranges to call f after ctx is canceled": by a deadline, too.
		Name:    "aftercancel/after-a-deadline",
		Allowed: []string{"deadline"},
		Native: func() string {
			ctx, cancel := context.WithTimeout(context.Background(), soon)
			defer cancel()
			c := make(chan string, 1)
			context.AfterFunc(ctx, func() { c <- name(ctx.Err()) })
			return <-c
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithTimeout(ctx, soon)
			defer cancel()
			c := runtime.NewChan[string](rt, 1)
			rt.AfterCancel(inner, func() { send(ctx, c, name(inner.Err())) })
			return receive(ctx, c)
		},
	},
}

// caseKey is the type of the keys of values in contexts.
type caseKey int

// described says what a context without cancellation has.
func described(ctx context.Context) string {
	_, hasDeadline := ctx.Deadline()
	return words(hasDeadline, name(ctx.Err()), ctx.Done() == nil, name(context.Cause(ctx)), ctx.Value(caseKey(1)))
}

// expireNative returns the error of a child whose deadline has passed.
func expireNative(ctx context.Context) error {
	past, cancel := context.WithDeadline(ctx, time.Now().Add(-1))
	defer cancel()
	return past.Err()
}
