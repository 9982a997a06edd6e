package runtimetest

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

var selectDefaultCases = []Case{
	{
		Name:    "select/never-meets-itself",
		Allowed: []string{"default"},
		Native: func() string {
			c := make(chan int)
			select {
			case c <- 1:
				return "sent"
			case <-c:
				return "received"
			default:
				return "default"
			}
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			r, ok := runtime.TrySelect2(c.SendArm(1), c.RecvArm())
			if !ok && r.Index == -1 {
				return "default"
			}
			return show(r.Index)
		},
	},
	{
		Name:    "select/default-only-if-none-is-ready",
		Allowed: []string{"1", "2"},
		Native: func() string {
			a, b := filledNative(1), filledNative(2)
			select {
			case v := <-a:
				return show(v)
			case v := <-b:
				return show(v)
			default:
				return "default"
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := filled(ctx, rt, 1), filled(ctx, rt, 2)
			r, ok := runtime.TrySelect2(a.RecvArm(), b.RecvArm())
			if !ok {
				return "default"
			}
			return show(r.V0 + r.V1)
		},
	},
	{
		Name:    "select/default-races-with-a-sender",
		Allowed: []string{"1", "default"},
		Native: func() string {
			a, b := make(chan int, 1), make(chan int)
			var got string
			goroutines(
				func() { a <- 1 },
				func() {
					select {
					case v := <-a:
						got = show(v)
					case <-b:
						got = "b"
					default:
						got = "default"
					}
				},
			)
			return got
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := runtime.NewChan[int](rt, 1), runtime.NewChan[int](rt, 0)
			var got string
			tasks(ctx, rt,
				func() { send(ctx, a, 1) },
				func() {
					got = "default"
					if r, ok := runtime.TrySelect2(a.RecvArm(), b.RecvArm()); ok {
						got = show(r.V0)
					}
				},
			)
			return got
		},
	},
	{
		Name:    "select/two-want-the-same-value",
		Allowed: []string{"true false", "false true"},
		Native: func() string {
			a, b := filledNative(1), make(chan int)
			var first, second bool
			try := func(got *bool) func() {
				return func() {
					select {
					case <-a:
						*got = true
					case <-b:
					default:
					}
				}
			}
			goroutines(try(&first), try(&second))
			return words(first, second)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := filled(ctx, rt, 1), runtime.NewChan[int](rt, 0)
			var first, second bool
			tasks(ctx, rt,
				func() { _, first = runtime.TrySelect2(a.RecvArm(), b.RecvArm()) },
				func() { _, second = runtime.TrySelect2(a.RecvArm(), b.RecvArm()) },
			)
			return words(first, second)
		},
	},
}
