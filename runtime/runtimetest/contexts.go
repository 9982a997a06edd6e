package runtimetest

import (
	"context"
	goruntime "runtime"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

var contextCases = []Case{
	{
		Name:    "context/cancel-reaches-the-whole-tree",
		Allowed: []string{"ok canceled canceled canceled"},
		Native: func() string {
			top, cancelTop := context.WithCancel(context.Background())
			defer cancelTop()
			middle, cancel := context.WithCancel(top)
			left, cancelLeft := context.WithCancel(middle)
			defer cancelLeft()
			right, cancelRight := context.WithTimeout(middle, never)
			defer cancelRight()
			cancel()
			return words(name(top.Err()), name(middle.Err()), name(left.Err()), name(right.Err()))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			top, cancelTop := rt.WithCancel(ctx)
			defer cancelTop()
			middle, cancel := rt.WithCancel(top)
			left, cancelLeft := rt.WithCancel(middle)
			defer cancelLeft()
			right, cancelRight := rt.WithTimeout(middle, never)
			defer cancelRight()
			cancel()
			return words(name(top.Err()), name(middle.Err()), name(left.Err()), name(right.Err()))
		},
	},
	{
		Name:    "context/waiters-wake-in-any-order",
		Allowed: []string{"12", "21"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			c := make(chan string, 2)
			wait := func(who string) func() { return func() { <-ctx.Done(); c <- who } }
			goroutines(wait("1"), wait("2"), cancel)
			return <-c + <-c
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			c := runtime.NewChan[string](rt, 2)
			wait := func(who string) func() {
				return func() {
					_ = rt.Sleep(inner, never)
					send(ctx, c, who)
				}
			}
			tasks(ctx, rt, wait("1"), wait("2"), cancel)
			return receive(ctx, c) + receive(ctx, c)
		},
	},
	{
		Name:    "context/err-is-seen-before-or-after",
		Allowed: []string{"ok", "canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			c := make(chan int, 1)
			var seen error
			goroutines(
				func() { c <- 1; seen = ctx.Err() },
				func() { <-c; cancel() },
			)
			return name(seen)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			c := runtime.NewChan[int](rt, 1)
			var seen error
			tasks(ctx, rt,
				func() { send(ctx, c, 1); seen = inner.Err() },
				func() { receive(ctx, c); cancel() },
			)
			return name(seen)
		},
	},
	{
		Name:    "context/child-of-cancelled",
		Allowed: []string{"canceled boom"},
		Native: func() string {
			parent, cancel := context.WithCancelCause(context.Background())
			cancel(errBoom)
			child, cancelChild := context.WithTimeout(parent, never)
			defer cancelChild()
			return words(name(sleepNative(child, never)), context.Cause(child))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancel := rt.WithCancelCause(ctx)
			cancel(errBoom)
			child, cancelChild := rt.WithTimeout(parent, never)
			defer cancelChild()
			return words(name(rt.Sleep(child, never)), context.Cause(child))
		},
	},
	{
		Name:    "context/cause-reaches-children",
		Allowed: []string{"canceled boom boom"},
		Native: func() string {
			parent, cancel := context.WithCancelCause(context.Background())
			child, cancelChild := context.WithCancel(parent)
			defer cancelChild()
			var err error
			goroutines(func() { err = sleepNative(child, never) }, func() { cancel(errBoom) })
			return words(name(err), context.Cause(child), context.Cause(parent))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancel := rt.WithCancelCause(ctx)
			child, cancelChild := rt.WithCancel(parent)
			defer cancelChild()
			var err error
			tasks(ctx, rt, func() { err = rt.Sleep(child, never) }, func() { cancel(errBoom) })
			return words(name(err), context.Cause(child), context.Cause(parent))
		},
	},
	{
		Name:    "context/first-cause-wins",
		Allowed: []string{"a", "b"},
		Native: func() string {
			ctx, cancel := context.WithCancelCause(context.Background())
			goroutines(func() { cancel(errA) }, func() { cancel(errB) })
			return show(context.Cause(ctx))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancelCause(ctx)
			tasks(ctx, rt, func() { cancel(errA) }, func() { cancel(errB) })
			return show(context.Cause(inner))
		},
	},
	{
		Name:    "context/own-cause-or-the-parents",
		Allowed: []string{"a a", "a b"},
		Native: func() string {
			parent, cancelParent := context.WithCancelCause(context.Background())
			child, cancelChild := context.WithCancelCause(parent)
			goroutines(func() { cancelParent(errA) }, func() { cancelChild(errB) })
			return words(context.Cause(parent), context.Cause(child))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancelParent := rt.WithCancelCause(ctx)
			child, cancelChild := rt.WithCancelCause(parent)
			tasks(ctx, rt, func() { cancelParent(errA) }, func() { cancelChild(errB) })
			return words(context.Cause(parent), context.Cause(child))
		},
	},
	{
		Name:    "context/deadline-ends-a-wait",
		Allowed: []string{"deadline boom"},
		Native: func() string {
			ctx, cancel := context.WithTimeoutCause(context.Background(), soon, errBoom)
			defer cancel()
			return words(name(sleepNative(ctx, never)), context.Cause(ctx))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithTimeoutCause(ctx, soon, errBoom)
			defer cancel()
			return words(name(rt.Sleep(inner, never)), context.Cause(inner))
		},
	},
	{
		Name:    "context/deadline-races-with-cancel",
		Allowed: []string{"deadline", "canceled"},
		Native: func() string {
			ctx, cancel := context.WithTimeout(context.Background(), time.Microsecond)
			goruntime.Gosched()
			cancel()
			return name(ctx.Err())
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithTimeout(ctx, time.Microsecond)
			rt.Yield()
			cancel()
			return name(inner.Err())
		},
	},
	{
		Name:    "context/expired-from-the-start",
		Allowed: []string{"deadline"},
		Native: func() string {
			ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-1))
			defer cancel()
			return name(ctx.Err())
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithDeadline(ctx, rt.Now().Add(-1))
			defer cancel()
			return name(inner.Err())
		},
	},
	{
		Name:    "context/earlier-deadline-of-the-parent",
		Allowed: []string{"true deadline"},
		Native: func() string {
			parent, cancelParent := context.WithTimeout(context.Background(), soon)
			defer cancelParent()
			child, cancel := context.WithTimeout(parent, never)
			defer cancel()
			mine, _ := child.Deadline()
			theirs, _ := parent.Deadline()
			return words(mine.Equal(theirs), name(sleepNative(child, never)))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancelParent := rt.WithTimeout(ctx, soon)
			defer cancelParent()
			child, cancel := rt.WithTimeout(parent, never)
			defer cancel()
			mine, _ := child.Deadline()
			theirs, _ := parent.Deadline()
			return words(mine.Equal(theirs), name(rt.Sleep(child, never)))
		},
	},
	{
		Name:    "context/cancel-stays",
		Allowed: []string{"canceled boom"},
		Native: func() string {
			ctx, cancel := context.WithCancelCause(context.Background())
			cancel(errBoom)
			cancel(errA)
			return words(name(ctx.Err()), context.Cause(ctx))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancelCause(ctx)
			cancel(errBoom)
			cancel(errA)
			return words(name(inner.Err()), context.Cause(inner))
		},
	},
	{
		Name:    "context/without-cancel",
		Allowed: []string{"ok canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			free := context.WithoutCancel(ctx)
			cancel()
			return words(name(sleepNative(free, soon)), name(sleepNative(ctx, never)))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			free := context.WithoutCancel(inner)
			cancel()
			return words(name(rt.Sleep(free, soon)), name(rt.Sleep(inner, never)))
		},
	},
}
