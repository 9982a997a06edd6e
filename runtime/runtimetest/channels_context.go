package runtimetest

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

var channelContextCases = []Case{
	{
		Name:    "chan/nil-waits-for-the-context",
		Allowed: []string{"canceled canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			var c chan int
			var sent, received error
			goroutines(
				func() { sent = sendNative(ctx, c, 1) },
				func() { _, received = receiveUnder(ctx, c) },
				cancel,
			)
			return words(name(sent), name(received))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			var c *runtime.Chan[int]
			var sent, received error
			tasks(ctx, rt,
				func() { sent = c.Send(inner, 1) },
				func() { _, received = c.Recv(inner) },
				cancel,
			)
			return words(name(sent), name(received))
		},
	},
	{
		Name:    "chan/cancelled-send-delivers-nothing",
		Allowed: []string{"ok 1", "canceled empty"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			c := make(chan int)
			var sent, got string
			goroutines(
				func() { sent = name(sendNative(ctx, c, 1)) },
				func() { got = tryReceiveNative(c); cancel() },
			)
			return words(sent, got)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			c := runtime.NewChan[int](rt, 0)
			var sent, got string
			tasks(ctx, rt,
				func() { sent = name(c.Send(inner, 1)) },
				func() { got = tryReceive(c); cancel() },
			)
			return words(sent, got)
		},
	},
	{
		Name:    "chan/cancelled-receive-takes-nothing",
		Allowed: []string{"1 empty", "canceled 1"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			c := make(chan int, 1)
			var got string
			goroutines(
				func() { got = result(receiveUnder(ctx, c)) },
				func() { c <- 1 },
				cancel,
			)
			return words(got, tryReceiveNative(c))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			c := runtime.NewChan[int](rt, 1)
			var got string
			tasks(ctx, rt,
				func() { got = result(c.Recv(inner)) },
				func() { send(ctx, c, 1) },
				cancel,
			)
			return words(got, tryReceive(c))
		},
	},
	{
		Name:    "chan/receive-ready-and-cancelled",
		Allowed: []string{"1 empty", "canceled 1"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			c := make(chan int, 1)
			c <- 1
			cancel()
			return words(result(receiveUnder(ctx, c)), tryReceiveNative(c))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			c := runtime.NewChan[int](rt, 1)
			send(ctx, c, 1)
			cancel()
			return words(result(c.Recv(inner)), tryReceive(c))
		},
	},
	{
		Name:    "chan/send-ready-and-cancelled",
		Allowed: []string{"ok 1", "canceled 0"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			c := make(chan int, 1)
			cancel()
			return words(name(sendNative(ctx, c, 1)), len(c))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			c := runtime.NewChan[int](rt, 1)
			cancel()
			return words(name(c.Send(inner, 1)), c.Len())
		},
	},
	{
		Name:    "chan/closed-and-cancelled",
		Allowed: []string{"closed", "canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			c := make(chan int)
			close(c)
			cancel()
			return result(receiveUnder(ctx, c))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			c := runtime.NewChan[int](rt, 0)
			c.Close()
			cancel()
			return result(c.Recv(inner))
		},
	},
	{
		Name:    "chan/send-on-closed-and-cancelled",
		Allowed: []string{"panic: send on closed channel", "canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			c := make(chan int, 1)
			close(c)
			cancel()
			var err error
			if outcome := caught(func() { err = sendNative(ctx, c, 1) }); outcome != "ok" {
				return outcome
			}
			return name(err)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			c := runtime.NewChan[int](rt, 1)
			c.Close()
			cancel()
			var err error
			if outcome := caught(func() { err = c.Send(inner, 1) }); outcome != "ok" {
				return outcome
			}
			return name(err)
		},
	},
	{
		Name:    "chan/range-ends-with-the-context",
		Allowed: []string{"1 canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			c := make(chan int, 1)
			c <- 1
			first := result(receiveUnder(ctx, c))
			cancel()
			return words(first, result(receiveUnder(ctx, c)))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			c := runtime.NewChan[int](rt, 1)
			send(ctx, c, 1)
			var seen []any
			for v, err := range c.All(inner) {
				seen = append(seen, result(v, err))
				cancel()
			}
			return words(seen...)
		},
	},
	{
		Name:    "chan/receive-or-cancel-or-close",
		Allowed: []string{"1", "canceled", "closed"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			values, end := make(chan int, 1), make(chan int)
			var got string
			goroutines(
				func() {
					select {
					case v := <-values:
						got = show(v)
					case <-end:
						got = "closed"
					case <-ctx.Done():
						got = name(ctx.Err())
					}
				},
				func() { values <- 1 },
				func() { close(end) },
				cancel,
			)
			return got
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			values, end := runtime.NewChan[int](rt, 1), runtime.NewChan[int](rt, 0)
			var got string
			tasks(ctx, rt,
				func() {
					r, err := runtime.Select2(inner, values.RecvArm(), end.RecvArm())
					switch {
					case err != nil:
						got = name(err)
					case r.OK:
						got = show(r.V0)
					default:
						got = "closed"
					}
				},
				func() { send(ctx, values, 1) },
				end.Close,
				cancel,
			)
			return got
		},
	},
}
