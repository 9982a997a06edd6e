package runtimetest

import (
	"context"
	"errors"
	goruntime "runtime"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// The key of a value in a context.
type valueKey struct{}

var contextStandardCases = []Case{
	{
		Name:    "context/standard-child-follows",
		Allowed: []string{"canceled boom"},
		Native: func() string {
			parent, cancel := context.WithCancelCause(context.Background())
			child, cancelChild := context.WithCancel(parent)
			defer cancelChild()
			var err error
			goroutines(func() { err = sleepNative(child, never) }, func() { cancel(errBoom) })
			return words(name(err), context.Cause(child))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancel := rt.WithCancelCause(ctx)
			child, cancelChild := context.WithCancel(parent)
			defer cancelChild()
			var err error
			tasks(ctx, rt, func() { err = rt.Sleep(child, never) }, func() { cancel(errBoom) })
			return words(name(err), context.Cause(child))
		},
	},
	{
		Name:    "context/standard-child-cancels-itself",
		Allowed: []string{"canceled ok"},
		Native: func() string {
			parent, cancelParent := context.WithCancel(context.Background())
			defer cancelParent()
			child, cancel := context.WithCancel(parent)
			var err error
			goroutines(func() { err = sleepNative(child, never) }, cancel)
			return words(name(err), name(parent.Err()))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancelParent := rt.WithCancel(ctx)
			defer cancelParent()
			child, cancel := context.WithCancel(parent)
			var err error
			tasks(ctx, rt, func() { err = rt.Sleep(child, never) }, cancel)
			return words(name(err), name(parent.Err()))
		},
	},
	{
		Name:    "context/standard-child-or-a-value",
		Allowed: []string{"1 empty", "canceled 1"},
		Native: func() string {
			child, cancel := context.WithCancel(context.Background())
			c := make(chan int, 1)
			var got string
			goroutines(
				func() { got = result(receiveUnder(child, c)) },
				func() { c <- 1 },
				func() { goruntime.Gosched(); cancel() },
			)
			return words(got, tryReceiveNative(c))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			child, cancel := context.WithCancel(ctx)
			c := runtime.NewChan[int](rt, 1)
			var got string
			tasks(ctx, rt,
				func() { got = result(c.Recv(child)) },
				func() { send(ctx, c, 1) },
				func() { rt.Yield(); cancel() },
			)
			return words(got, tryReceive(c))
		},
	},
	{
		Name:    "context/standard-value",
		Allowed: []string{"canceled 7"},
		Native: func() string {
			parent, cancel := context.WithCancel(context.Background())
			child := context.WithValue(parent, valueKey{}, 7)
			var err error
			goroutines(func() { err = sleepNative(child, never) }, cancel)
			return words(name(err), child.Value(valueKey{}))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancel := rt.WithCancel(ctx)
			child := context.WithValue(parent, valueKey{}, 7)
			var err error
			tasks(ctx, rt, func() { err = rt.Sleep(child, never) }, cancel)
			return words(name(err), child.Value(valueKey{}))
		},
	},
	{
		Name:    "context/standard-timeout-under-an-earlier-deadline",
		Allowed: []string{"deadline"},
		Native: func() string {
			parent, cancelParent := context.WithTimeout(context.Background(), soon)
			defer cancelParent()
			child, cancel := context.WithTimeout(parent, 1000*never)
			defer cancel()
			return name(sleepNative(child, never))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancelParent := rt.WithTimeout(ctx, soon)
			defer cancelParent()
			child, cancel := context.WithTimeout(parent, 1000*never)
			defer cancel()
			return name(rt.Sleep(child, never))
		},
	},
	{
		Name:    "context/foreign-parent-cancels",
		Allowed: []string{"canceled boom"},
		Native: func() string {
			parent, cancel := context.WithCancelCause(context.Background())
			child, cancelChild := context.WithCancel(parent)
			defer cancelChild()
			var err error
			goroutines(func() { err = sleepNative(child, never) }, func() { cancel(errBoom) })
			return words(name(err), context.Cause(child))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancel := context.WithCancelCause(context.Background())
			child, cancelChild := rt.WithCancel(parent)
			defer cancelChild()
			var err error
			tasks(ctx, rt, func() { err = rt.Sleep(child, never) }, func() { cancel(errBoom) })
			return words(name(err), context.Cause(child))
		},
	},
	{
		Name:    "context/foreign-parent-or-own-cancel",
		Allowed: []string{"a", "b"},
		Native: func() string {
			parent, cancelParent := context.WithCancelCause(context.Background())
			child, cancelChild := context.WithCancelCause(parent)
			goroutines(
				func() { _ = sleepNative(child, never) },
				func() { cancelParent(errA) },
				func() { cancelChild(errB) },
			)
			return show(context.Cause(child))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancelParent := context.WithCancelCause(context.Background())
			child, cancelChild := rt.WithCancelCause(parent)
			tasks(ctx, rt,
				func() { _ = rt.Sleep(child, never) },
				func() { cancelParent(errA) },
				func() { cancelChild(errB) },
			)
			return show(context.Cause(child))
		},
	},
	{
		Name:    "context/foreign-parent-of-a-task",
		Allowed: []string{"canceled"},
		Native: func() string {
			parent, cancel := context.WithCancel(context.Background())
			result := make(chan error, 1)
			go func() { result <- sleepNative(parent, never) }()
			cancel()
			return name(<-result)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			parent, cancel := context.WithCancel(context.Background())
			task := rt.Go(parent, "sleeper", func(ctx context.Context) error { return rt.Sleep(ctx, never) })
			cancel()
			return name(task.Wait(ctx))
		},
	},
	{
		Name:          "context/foreign-deadline-is-refused",
		Allowed:       []string{"8 of 8"},
		SchedulerOnly: "a live runtime accepts deadlines in real time",
		Body:          refuseForeignDeadline,
	},
}

// refuseForeignDeadline makes every kind of call that can block, under a
// context whose deadline is in real time.
func refuseForeignDeadline(ctx context.Context, rt *runtime.Runtime) string {
	foreign, cancel := context.WithTimeout(context.Background(), never)
	defer cancel()
	child, cancelChild := rt.WithTimeout(foreign, time.Nanosecond)
	defer cancelChild()
	a, b := runtime.NewChan[int](rt, 1), runtime.NewChan[int](rt, 1)
	task := rt.Go(foreign, "task", func(ctx context.Context) error { return rt.Sleep(ctx, soon) })
	_, received := a.Recv(foreign)
	_, selected := runtime.Select2(foreign, a.SendArm(1), b.RecvArm())
	_, nilReceived := (*runtime.Chan[int])(nil).Recv(child)
	refused, total := 0, 0
	for _, err := range []error{
		received, selected, nilReceived,
		a.Send(foreign, 1), rt.Sleep(foreign, soon), rt.NewSemaphore(1).Acquire(foreign, 1),
		rt.Sleep(child, soon), task.Wait(ctx),
	} {
		total++
		if errors.Is(err, runtime.ErrForeignDeadline) {
			refused++
		}
	}
	return words(refused, "of", total)
}
