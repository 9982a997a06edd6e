package runtimetest

import (
	"context"
	goruntime "runtime"

	"github.com/tidemarkdb/tidemark/runtime"
)

var channelCases = []Case{
	{
		Name:    "chan/senders-meet-a-receiver-in-any-order",
		Allowed: []string{"1 2", "2 1"},
		Native: func() string {
			c := make(chan int)
			var first, second int
			goroutines(
				func() { c <- 1 },
				func() { c <- 2 },
				func() { first, second = <-c, <-c },
			)
			return words(first, second)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			var first, second int
			tasks(ctx, rt,
				func() { send(ctx, c, 1) },
				func() { send(ctx, c, 2) },
				func() { first, second = receive(ctx, c), receive(ctx, c) },
			)
			return words(first, second)
		},
	},
	{
		Name:    "chan/buffer-keeps-order",
		Allowed: []string{"1 2 3"},
		Native: func() string {
			c := make(chan int, 2)
			var got [3]int
			goroutines(
				func() { c <- 1; c <- 2; c <- 3 },
				func() { got[0], got[1], got[2] = <-c, <-c, <-c },
			)
			return words(got[0], got[1], got[2])
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 2)
			var got [3]int
			tasks(ctx, rt,
				func() { send(ctx, c, 1); send(ctx, c, 2); send(ctx, c, 3) },
				func() { got[0], got[1], got[2] = receive(ctx, c), receive(ctx, c), receive(ctx, c) },
			)
			return words(got[0], got[1], got[2])
		},
	},
	{
		Name:    "chan/receivers-share",
		Allowed: []string{"1 2", "2 1"},
		Native: func() string {
			c := make(chan int, 2)
			c <- 1
			c <- 2
			var a, b int
			goroutines(func() { a = <-c }, func() { b = <-c })
			return words(a, b)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 2)
			send(ctx, c, 1)
			send(ctx, c, 2)
			var a, b int
			tasks(ctx, rt, func() { a = receive(ctx, c) }, func() { b = receive(ctx, c) })
			return words(a, b)
		},
	},
	{
		Name:    "chan/two-producers-interleave",
		Allowed: []string{"aabb", "abab", "abba", "baab", "baba", "bbaa"},
		Native: func() string {
			c := make(chan string)
			var got string
			goroutines(
				func() { c <- "a"; c <- "a" },
				func() { c <- "b"; c <- "b" },
				func() { got = <-c + <-c + <-c + <-c },
			)
			return got
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[string](rt, 0)
			var got string
			tasks(ctx, rt,
				func() { send(ctx, c, "a"); send(ctx, c, "a") },
				func() { send(ctx, c, "b"); send(ctx, c, "b") },
				func() { got = receive(ctx, c) + receive(ctx, c) + receive(ctx, c) + receive(ctx, c) },
			)
			return got
		},
	},
	{
		Name:    "chan/serves-as-a-lock",
		Allowed: []string{"aabb", "bbaa"},
		Native: func() string {
			c := make(chan int, 1)
			var j journal
			inside := func(who string) func() {
				return func() {
					c <- 1
					j.note(who)
					goruntime.Gosched()
					j.note(who)
					<-c
				}
			}
			goroutines(inside("a"), inside("b"))
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 1)
			var j journal
			inside := func(who string) func() {
				return func() {
					send(ctx, c, 1)
					j.note(who)
					rt.Yield()
					j.note(who)
					receive(ctx, c)
				}
			}
			tasks(ctx, rt, inside("a"), inside("b"))
			return j.String()
		},
	},
	{
		Name:    "chan/pipeline",
		Allowed: []string{"2 4"},
		Native: func() string {
			in, out := make(chan int), make(chan int)
			var first, second int
			goroutines(
				func() { in <- 1; in <- 2 },
				func() { out <- 2 * <-in; out <- 2 * <-in },
				func() { first, second = <-out, <-out },
			)
			return words(first, second)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			in, out := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
			var first, second int
			tasks(ctx, rt,
				func() { send(ctx, in, 1); send(ctx, in, 2) },
				func() { send(ctx, out, 2*receive(ctx, in)); send(ctx, out, 2*receive(ctx, in)) },
				func() { first, second = receive(ctx, out), receive(ctx, out) },
			)
			return words(first, second)
		},
	},
	{
		Name:    "chan/negative-size-panics",
		Allowed: []string{"panic: makechan: size out of range"},
		Native: func() string {
			size := -1
			return caught(func() { _ = make(chan int, size) })
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			return caught(func() { runtime.NewChan[int](rt, -1) })
		},
	},
	{
		Name:          "chan/nobody-receives",
		Allowed:       []string{Deadlock},
		SchedulerOnly: blocksForEver,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			send(ctx, runtime.NewChan[int](rt, 0), 1)
			return "sent"
		},
	},
}
