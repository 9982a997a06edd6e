package runtimetest

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

var closeCases = []Case{
	{
		Name:    "close/wakes-every-receiver",
		Allowed: []string{"closed closed"},
		Native: func() string {
			c := make(chan int)
			var a, b string
			goroutines(
				func() { a = result(receiveNative(c)) },
				func() { b = result(receiveNative(c)) },
				func() { close(c) },
			)
			return words(a, b)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			var a, b string
			tasks(ctx, rt,
				func() { a = result(c.Recv(ctx)) },
				func() { b = result(c.Recv(ctx)) },
				func() { c.Close() },
			)
			return words(a, b)
		},
	},
	{
		Name:    "close/buffered-values-survive",
		Allowed: []string{"1 2 closed"},
		Native: func() string {
			c := make(chan int, 2)
			c <- 1
			c <- 2
			close(c)
			return words(<-c, <-c, result(receiveNative(c)))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 2)
			send(ctx, c, 1)
			send(ctx, c, 2)
			c.Close()
			return words(receive(ctx, c), receive(ctx, c), result(c.Recv(ctx)))
		},
	},
	{
		Name:    "close/races-with-receive",
		Allowed: []string{"closed", "empty"},
		Native: func() string {
			c := make(chan int)
			var got string
			goroutines(func() { close(c) }, func() { got = tryReceiveNative(c) })
			return got
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			var got string
			tasks(ctx, rt, func() { c.Close() }, func() { got = tryReceive(c) })
			return got
		},
	},
	{
		Name:    "close/comes-after-the-value",
		Allowed: []string{"empty empty", "empty 1", "1 empty", "1 closed"},
		Native: func() string {
			c := make(chan int, 1)
			var first, second string
			goroutines(
				func() { c <- 1; close(c) },
				func() { first, second = tryReceiveNative(c), tryReceiveNative(c) },
			)
			return words(first, second)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 1)
			var first, second string
			tasks(ctx, rt,
				func() { send(ctx, c, 1); c.Close() },
				func() { first, second = tryReceive(c), tryReceive(c) },
			)
			return words(first, second)
		},
	},
	{
		Name:    "close/ends-a-range",
		Allowed: []string{"0 2", "1 1", "2 0"},
		Native: func() string {
			c := make(chan int)
			var a, b int
			goroutines(
				func() { c <- 1; c <- 1; close(c) },
				func() {
					for v := range c {
						a += v
					}
				},
				func() {
					for v := range c {
						b += v
					}
				},
			)
			return words(a, b)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			var a, b int
			sum := func(total *int) func() {
				return func() {
					for v, err := range c.All(ctx) {
						must(err)
						*total += v
					}
				}
			}
			tasks(ctx, rt,
				func() { send(ctx, c, 1); send(ctx, c, 1); c.Close() },
				sum(&a), sum(&b),
			)
			return words(a, b)
		},
	},
	{
		Name:    "close/races-with-send",
		Allowed: []string{"ok 1", "panic: send on closed channel closed"},
		Racy:    raceWithClose,
		Native: func() string {
			c := make(chan int, 1)
			var sent string
			goroutines(func() { sent = caught(func() { c <- 1 }) }, func() { close(c) })
			return words(sent, tryReceiveNative(c))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 1)
			var sent string
			tasks(ctx, rt, func() { sent = caught(func() { send(ctx, c, 1) }) }, func() { c.Close() })
			return words(sent, tryReceive(c))
		},
	},
	{
		Name:    "close/panics-a-waiting-sender",
		Allowed: []string{"panic: send on closed channel"},
		Racy:    raceWithClose,
		Native: func() string {
			c := make(chan int)
			var sent string
			goroutines(func() { sent = caught(func() { c <- 1 }) }, func() { close(c) })
			return sent
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			var sent string
			tasks(ctx, rt, func() { sent = caught(func() { send(ctx, c, 1) }) }, func() { c.Close() })
			return sent
		},
	},
	{
		Name:    "close/twice-at-once",
		Allowed: []string{"ok panic: close of closed channel", "panic: close of closed channel ok"},
		Native: func() string {
			c := make(chan int)
			var a, b string
			goroutines(
				func() { a = caught(func() { close(c) }) },
				func() { b = caught(func() { close(c) }) },
			)
			return words(a, b)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			var a, b string
			tasks(ctx, rt, func() { a = caught(c.Close) }, func() { b = caught(c.Close) })
			return words(a, b)
		},
	},
	{
		Name:    "close/of-closed-panics",
		Allowed: []string{"panic: close of closed channel"},
		Native: func() string {
			c := make(chan int)
			close(c)
			return caught(func() { close(c) })
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			c.Close()
			return caught(c.Close)
		},
	},
	{
		Name:    "close/of-nil-panics",
		Allowed: []string{"panic: close of nil channel"},
		Native: func() string {
			var c chan int
			return caught(func() { close(c) })
		},
		Body: func(context.Context, *runtime.Runtime) string {
			var c *runtime.Chan[int]
			return caught(c.Close)
		},
	},
	{
		Name:    "close/then-send-panics",
		Allowed: []string{"panic: send on closed channel, panic: send on closed channel"},
		Native: func() string {
			c := make(chan int, 1)
			close(c)
			return caught(func() { c <- 1 }) + ", " + caught(func() { trySendNative(c, 1) })
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 1)
			c.Close()
			return caught(func() { send(ctx, c, 1) }) + ", " + caught(func() { c.TrySend(1) })
		},
	},
}
