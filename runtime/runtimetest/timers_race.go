package runtimetest

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

var timerRaceCases = []Case{
	{
		Name:    "timer/at-once-or-soon",
		Allowed: []string{"time", "empty"},
		Native: func() string {
			timer := time.NewTimer(0)
			defer timer.Stop()
			return tryReceiveNative(timer.C)
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			timer := rt.NewTimer(0)
			defer timer.Stop()
			return tryReceive(timer.C)
		},
	},
	{
		Name:    "timer/stop-races-with-receive",
		Allowed: []string{"true empty", "false time"},
		Native: func() string {
			timer := time.NewTimer(soon)
			time.Sleep(later)
			var stopped bool
			var got string
			goroutines(func() { stopped = timer.Stop() }, func() { got = tryReceiveNative(timer.C) })
			return words(stopped, got)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			timer := rt.NewTimer(soon)
			must(rt.Sleep(ctx, later))
			var stopped bool
			var got string
			tasks(ctx, rt, func() { stopped = timer.Stop() }, func() { got = tryReceive(timer.C) })
			return words(stopped, got)
		},
	},
	{
		Name:    "timer/one-of-two-receives",
		Allowed: []string{"time empty", "empty time"},
		Native: func() string {
			timer := time.NewTimer(soon)
			time.Sleep(later)
			var a, b string
			goroutines(func() { a = tryReceiveNative(timer.C) }, func() { b = tryReceiveNative(timer.C) })
			return words(a, b)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			timer := rt.NewTimer(soon)
			must(rt.Sleep(ctx, later))
			var a, b string
			tasks(ctx, rt, func() { a = tryReceive(timer.C) }, func() { b = tryReceive(timer.C) })
			return words(a, b)
		},
	},
	{
		Name:    "timer/function-races-with-stop",
		Allowed: []string{"true empty", "false 1"},
		Native: func() string {
			ran := make(chan int, 1)
			timer := time.AfterFunc(0, func() { ran <- 1 })
			if timer.Stop() {
				return words(true, tryReceiveNative(ran))
			}
			return words(false, <-ran)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			ran := runtime.NewChan[int](rt, 1)
			timer := rt.AfterFunc(0, func() { send(ctx, ran, 1) })
			if timer.Stop() {
				return words(true, tryReceive(ran))
			}
			return words(false, receive(ctx, ran))
		},
	},
	{
		Name:    "timer/functions-of-equal-time-in-any-order",
		Allowed: []string{"12", "21"},
		Native: func() string {
			c := make(chan string, 2)
			time.AfterFunc(soon, func() { c <- "1" })
			time.AfterFunc(soon, func() { c <- "2" })
			return <-c + <-c
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[string](rt, 2)
			rt.AfterFunc(soon, func() { send(ctx, c, "1") })
			rt.AfterFunc(soon, func() { send(ctx, c, "2") })
			return receive(ctx, c) + receive(ctx, c)
		},
	},
	{
		Name:    "timer/two-sleepers-wake-in-any-order",
		Allowed: []string{"12", "21"},
		Native: func() string {
			c := make(chan string, 2)
			nap := func(who string) func() {
				return func() {
					time.Sleep(soon)
					c <- who
				}
			}
			goroutines(nap("1"), nap("2"))
			return <-c + <-c
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[string](rt, 2)
			nap := func(who string) func() {
				return func() {
					must(rt.Sleep(ctx, soon))
					send(ctx, c, who)
				}
			}
			tasks(ctx, rt, nap("1"), nap("2"))
			return receive(ctx, c) + receive(ctx, c)
		},
	},
	{
		Name:    "sleep/takes-its-time",
		Allowed: []string{"true"},
		Native: func() string {
			start := time.Now()
			time.Sleep(soon)
			return show(time.Since(start) >= soon)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			start := rt.Now()
			must(rt.Sleep(ctx, soon))
			return show(rt.Since(start) >= soon)
		},
	},
	{
		Name:    "sleep/ends-with-the-context",
		Allowed: []string{"canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			var err error
			goroutines(func() { err = sleepNative(ctx, never) }, cancel)
			return name(err)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			var err error
			tasks(ctx, rt, func() { err = rt.Sleep(inner, never) }, cancel)
			return name(err)
		},
	},
	{
		Name:    "sleep/nothing-and-cancelled",
		Allowed: []string{"ok", "canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return name(sleepNative(ctx, 0))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			cancel()
			return name(rt.Sleep(inner, 0))
		},
	},
	{
		Name:    "sleep/longer-than-a-cancelled-context",
		Allowed: []string{"canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return name(sleepNative(ctx, never))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			cancel()
			return name(rt.Sleep(inner, never))
		},
	},
}
