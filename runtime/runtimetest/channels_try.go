package runtimetest

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

var channelTryCases = []Case{
	{
		Name:    "chan/full-buffer-refuses",
		Allowed: []string{"true false 1 1"},
		Native: func() string {
			c := make(chan int, 1)
			return words(trySendNative(c, 1), trySendNative(c, 2), len(c), cap(c))
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 1)
			return words(c.TrySend(1), c.TrySend(2), c.Len(), c.Cap())
		},
	},
	{
		Name:    "chan/try-send-needs-a-waiting-receiver",
		Allowed: []string{"true 1", "false closed"},
		Native: func() string {
			c := make(chan int)
			var sent bool
			var got string
			goroutines(
				func() { got = result(receiveNative(c)) },
				func() {
					if sent = trySendNative(c, 1); !sent {
						close(c)
					}
				},
			)
			return words(sent, got)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			var sent bool
			var got string
			tasks(ctx, rt,
				func() { got = result(c.Recv(ctx)) },
				func() {
					if sent = c.TrySend(1); !sent {
						c.Close()
					}
				},
			)
			return words(sent, got)
		},
	},
	{
		Name:    "chan/try-receive-needs-a-waiting-sender",
		Allowed: []string{"1", "empty"},
		Native: func() string {
			c := make(chan int)
			var got string
			goroutines(
				func() { c <- 1 },
				func() {
					if got = tryReceiveNative(c); got == "empty" {
						<-c
					}
				},
			)
			return got
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			var got string
			tasks(ctx, rt,
				func() { send(ctx, c, 1) },
				func() {
					if got = tryReceive(c); got == "empty" {
						receive(ctx, c)
					}
				},
			)
			return got
		},
	},
	{
		Name:    "chan/try-operations-never-meet",
		Allowed: []string{"false empty"},
		Native: func() string {
			c := make(chan int)
			var sent bool
			var got string
			goroutines(func() { sent = trySendNative(c, 1) }, func() { got = tryReceiveNative(c) })
			return words(sent, got)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			var sent bool
			var got string
			tasks(ctx, rt, func() { sent = c.TrySend(1) }, func() { got = tryReceive(c) })
			return words(sent, got)
		},
	},
	{
		Name:    "chan/one-place-takes-one-of-two",
		Allowed: []string{"true false 1", "false true 2"},
		Native: func() string {
			c := make(chan int, 1)
			var a, b bool
			goroutines(func() { a = trySendNative(c, 1) }, func() { b = trySendNative(c, 2) })
			return words(a, b, <-c)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 1)
			var a, b bool
			tasks(ctx, rt, func() { a = c.TrySend(1) }, func() { b = c.TrySend(2) })
			return words(a, b, receive(ctx, c))
		},
	},
	{
		Name:    "chan/len-counts-what-is-there",
		Allowed: []string{"0", "1", "2"},
		Native: func() string {
			c := make(chan int, 2)
			var n int
			goroutines(func() { c <- 1; c <- 2 }, func() { n = len(c) })
			return words(n)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 2)
			var n int
			tasks(ctx, rt, func() { send(ctx, c, 1); send(ctx, c, 2) }, func() { n = c.Len() })
			return words(n)
		},
	},
	{
		Name:    "chan/nil-is-never-ready",
		Allowed: []string{"false empty 0 0"},
		Native: func() string {
			var c chan int
			return words(trySendNative(c, 1), tryReceiveNative(c), len(c), cap(c))
		},
		Body: func(context.Context, *runtime.Runtime) string {
			var c *runtime.Chan[int]
			return words(c.TrySend(1), tryReceive(c), c.Len(), c.Cap())
		},
	},
}
