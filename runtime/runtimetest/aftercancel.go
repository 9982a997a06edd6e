package runtimetest

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

var afterCancelCases = []Case{
	{
		Name:    "aftercancel/runs",
		Allowed: []string{"1 false"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			ran := make(chan int, 1)
			stop := context.AfterFunc(ctx, func() { ran <- 1 })
			cancel()
			return words(<-ran, stop())
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			ran := runtime.NewChan[int](rt, 1)
			stop := rt.AfterCancel(inner, func() { send(ctx, ran, 1) })
			cancel()
			return words(receive(ctx, ran), stop())
		},
	},
	{
		Name:    "aftercancel/of-cancelled-runs",
		Allowed: []string{"1 false"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			ran := make(chan int, 1)
			stop := context.AfterFunc(ctx, func() { ran <- 1 })
			return words(<-ran, stop())
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			cancel()
			ran := runtime.NewChan[int](rt, 1)
			stop := rt.AfterCancel(inner, func() { send(ctx, ran, 1) })
			return words(receive(ctx, ran), stop())
		},
	},
	{
		Name:    "aftercancel/stopped",
		Allowed: []string{"true false empty"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			ran := make(chan int, 1)
			stop := context.AfterFunc(ctx, func() { ran <- 1 })
			first, second := stop(), stop()
			cancel()
			return words(first, second, tryReceiveNative(ran))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			ran := runtime.NewChan[int](rt, 1)
			stop := rt.AfterCancel(inner, func() { send(ctx, ran, 1) })
			first, second := stop(), stop()
			cancel()
			return words(first, second, tryReceive(ran))
		},
	},
	{
		Name:    "aftercancel/stop-races-with-cancel",
		Allowed: []string{"true empty", "false 1"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			ran := make(chan int, 1)
			stop := context.AfterFunc(ctx, func() { ran <- 1 })
			var stopped bool
			goroutines(func() { stopped = stop() }, cancel)
			if stopped {
				return words(stopped, tryReceiveNative(ran))
			}
			return words(stopped, <-ran)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			ran := runtime.NewChan[int](rt, 1)
			stop := rt.AfterCancel(inner, func() { send(ctx, ran, 1) })
			var stopped bool
			tasks(ctx, rt, func() { stopped = stop() }, cancel)
			if stopped {
				return words(stopped, tryReceive(ran))
			}
			return words(stopped, receive(ctx, ran))
		},
	},
	{
		Name:    "aftercancel/runs-beside-the-canceller",
		Allowed: []string{"fc", "cf"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			c := make(chan string, 2)
			context.AfterFunc(ctx, func() { c <- "f" })
			cancel()
			c <- "c"
			return <-c + <-c
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			c := runtime.NewChan[string](rt, 2)
			rt.AfterCancel(inner, func() { send(ctx, c, "f") })
			cancel()
			send(ctx, c, "c")
			return receive(ctx, c) + receive(ctx, c)
		},
	},
}
