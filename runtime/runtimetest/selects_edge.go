package runtimetest

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

var selectEdgeCases = []Case{
	{
		Name:    "select/ignores-nil-channels",
		Allowed: []string{"2"},
		Native: func() string {
			var a chan int
			select {
			case a <- 1:
				return "sent to nil"
			case v := <-filledNative(2):
				return show(v)
			case v := <-a:
				return show(v)
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			var a *runtime.Chan[int]
			r, err := runtime.Select3(ctx, a.SendArm(1), filled(ctx, rt, 2).RecvArm(), a.RecvArm())
			must(err)
			return show(r.V1)
		},
	},
	{
		Name:    "select/waits-for-the-context-if-all-are-nil",
		Allowed: []string{"canceled -1"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			var a chan int
			got := -1
			goroutines(cancel, func() {
				select {
				case a <- 1:
					got = 0
				case <-a:
					got = 1
				case <-ctx.Done():
				}
			})
			return words(name(ctx.Err()), got)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			var a *runtime.Chan[int]
			var got string
			tasks(ctx, rt, cancel, func() {
				r, err := runtime.Select2(inner, a.SendArm(1), a.RecvArm())
				got = words(name(err), r.Index)
			})
			return got
		},
	},
	{
		Name:    "select/ready-and-cancelled",
		Allowed: []string{"ok 0 left 0", "canceled -1 left 1"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			a, b := filledNative(1), make(chan int)
			cancel()
			select {
			case <-a:
				return words("ok 0 left", len(a))
			case b <- 1:
				return "sent"
			case <-ctx.Done():
				return words(name(ctx.Err()), "-1 left", len(a))
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			a, b := filled(ctx, rt, 1), runtime.NewChan[int](rt, 0)
			cancel()
			r, err := runtime.Select2(inner, a.RecvArm(), b.SendArm(1))
			return words(name(err), r.Index, "left", a.Len())
		},
	},
	{
		Name:    "select/ends-with-the-context",
		Allowed: []string{"canceled", "1"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			a, b := make(chan int, 1), make(chan int)
			var got string
			goroutines(
				func() {
					select {
					case v := <-a:
						got = show(v)
					case <-b:
						got = "b"
					case <-ctx.Done():
						got = name(ctx.Err())
					}
				},
				func() { cancel(); a <- 1 },
			)
			return got
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			a, b := runtime.NewChan[int](rt, 1), runtime.NewChan[int](rt, 0)
			var got string
			tasks(ctx, rt,
				func() {
					r, err := runtime.Select2(inner, a.RecvArm(), b.RecvArm())
					got = result(r.V0, err)
				},
				func() { cancel(); send(ctx, a, 1) },
			)
			return got
		},
	},
	{
		Name:    "select/receives-from-closed",
		Allowed: []string{"closed", "1"},
		Native: func() string {
			a, b := make(chan int), filledNative(1)
			close(a)
			select {
			case _, open := <-a:
				if !open {
					return "closed"
				}
				return "open"
			case v := <-b:
				return show(v)
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := runtime.NewChan[int](rt, 0), filled(ctx, rt, 1)
			a.Close()
			r, err := runtime.Select2(ctx, a.RecvArm(), b.RecvArm())
			must(err)
			if r.OK {
				return show(r.V1)
			}
			return "closed"
		},
	},
	{
		Name:    "select/wakes-when-one-is-closed",
		Allowed: []string{"0", "1"},
		Native: func() string {
			a, b := make(chan int), make(chan int)
			got := -1
			goroutines(
				func() {
					select {
					case <-a:
						got = 0
					case <-b:
						got = 1
					}
				},
				func() { close(a) },
				func() { close(b) },
			)
			return show(got)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
			got := -1
			tasks(ctx, rt,
				func() {
					r, err := runtime.Select2(ctx, a.RecvArm(), b.RecvArm())
					must(err)
					got = r.Index
				},
				a.Close,
				b.Close,
			)
			return show(got)
		},
	},
	{
		Name:    "select/panics-if-it-draws-a-send-on-closed",
		Allowed: []string{"panic: send on closed channel", "1"},
		Native: func() string {
			a, b := make(chan int), filledNative(1)
			close(a)
			var got string
			outcome := caught(func() {
				select {
				case a <- 1:
					got = "sent"
				case v := <-b:
					got = show(v)
				}
			})
			if outcome != "ok" {
				return outcome
			}
			return got
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := runtime.NewChan[int](rt, 0), filled(ctx, rt, 1)
			a.Close()
			var got string
			outcome := caught(func() {
				r, err := runtime.Select2(ctx, a.SendArm(1), b.RecvArm())
				got = result(r.V1, err)
			})
			if outcome != "ok" {
				return outcome
			}
			return got
		},
	},
	{
		Name:    "select/close-panics-a-waiting-send",
		Allowed: []string{"panic: send on closed channel"},
		Racy:    raceWithClose,
		Native: func() string {
			a, b := make(chan int), make(chan int)
			var outcome string
			goroutines(
				func() {
					outcome = caught(func() {
						select {
						case a <- 1:
						case <-b:
						}
					})
				},
				func() { close(a) },
			)
			return outcome
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
			var outcome string
			tasks(ctx, rt,
				func() {
					outcome = caught(func() {
						_, err := runtime.Select2(ctx, a.SendArm(1), b.RecvArm())
						must(err)
					})
				},
				a.Close,
			)
			return outcome
		},
	},
	{
		Name:    "select/losing-arm-leaves-no-trace",
		Allowed: []string{"1 from a, 2 from b", "2 from b, 1 from a"},
		Native: func() string {
			a, b := make(chan int), make(chan int)
			var first, second string
			pick := func() string {
				select {
				case v := <-a:
					return words(v, "from a")
				case v := <-b:
					return words(v, "from b")
				}
			}
			goroutines(
				func() { a <- 1 },
				func() { b <- 2 },
				func() { first, second = pick(), pick() },
			)
			return first + ", " + second
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
			var first, second string
			pick := func() string {
				r, err := runtime.Select2(ctx, a.RecvArm(), b.RecvArm())
				must(err)
				if r.Index == 0 {
					return words(r.V0, "from a")
				}
				return words(r.V1, "from b")
			}
			tasks(ctx, rt,
				func() { send(ctx, a, 1) },
				func() { send(ctx, b, 2) },
				func() { first, second = pick(), pick() },
			)
			return first + ", " + second
		},
	},
}
