package runtimetest

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// timerStateCases are about what the operations on a timer or ticker return and do in
// each of its states. The sentences are those of package time.
var timerStateCases = []Case{
	{
		// A timer fires "after at least duration d"; zero and less have passed already.
		Name:    "timer/zero-and-negative-fire-at-once",
		Allowed: []string{"time time"},
		Native: func() string {
			return words(show(<-time.NewTimer(0).C), show(<-time.NewTimer(-never).C))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			return words(show(receive(ctx, rt.NewTimer(0).C)), show(receive(ctx, rt.NewTimer(-never).C)))
		},
	},
	{
		// "A negative or zero duration causes Sleep to return immediately."
		Name:    "sleep/zero-and-negative-return",
		Allowed: []string{"true"},
		Native: func() string {
			start := time.Now()
			time.Sleep(0)
			time.Sleep(-never)
			return show(time.Since(start) < never)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			start := rt.Now()
			must(rt.Sleep(ctx, 0))
			must(rt.Sleep(ctx, -never))
			return show(rt.Since(start) < never)
		},
	},
	{
		// Reset "returns true if the timer had been active, false if the timer had expired
		// or been stopped".
		Name:    "timer/reset-of-stopped",
		Allowed: []string{"true false time"},
		Native: func() string {
			timer := time.NewTimer(never)
			return words(timer.Stop(), timer.Reset(soon), show(<-timer.C))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			timer := rt.NewTimer(never)
			return words(timer.Stop(), timer.Reset(soon), show(receive(ctx, timer.C)))
		},
	},
	{
		// The same, to a time that has passed.
		Name:    "timer/reset-to-the-past",
		Allowed: []string{"true time false"},
		Native: func() string {
			timer := time.NewTimer(never)
			return words(timer.Reset(-never), show(<-timer.C), timer.Stop())
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			timer := rt.NewTimer(never)
			return words(timer.Reset(-never), show(receive(ctx, timer.C)), timer.Stop())
		},
	},
	{
		// Of a function that runs already, "Stop does not wait for f to complete".
		Name:    "timer/stop-does-not-wait-for-the-function",
		Allowed: []string{"false inside"},
		Native: func() string {
			entered, gate, left := make(chan int), make(chan int), make(chan int)
			timer := time.AfterFunc(0, func() { entered <- 1; <-gate; left <- 1 })
			<-entered
			stopped := timer.Stop()
			gate <- 1
			<-left
			return words(stopped, "inside")
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			entered, gate, left := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
			timer := rt.AfterFunc(0, func() { send(ctx, entered, 1); receive(ctx, gate); send(ctx, left, 1) })
			receive(ctx, entered)
			stopped := timer.Stop()
			send(ctx, gate, 1)
			receive(ctx, left)
			return words(stopped, "inside")
		},
	},
	{
		// Reset "neither waits for the prior f to complete before returning nor does it
		// guarantee that the subsequent goroutine running f does not run concurrently with
		// the prior one".
		Name:    "timer/function-runs-twice-at-once",
		Allowed: []string{"false both"},
		Native: func() string {
			entered, gate, left := make(chan int), make(chan int), make(chan int)
			timer := time.AfterFunc(0, func() { entered <- 1; <-gate; left <- 1 })
			<-entered
			active := timer.Reset(0)
			<-entered
			close(gate)
			<-left
			<-left
			return words(active, "both")
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			entered, gate, left := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
			timer := rt.AfterFunc(0, func() { send(ctx, entered, 1); _, _ = gate.Recv(ctx); send(ctx, left, 1) })
			receive(ctx, entered)
			active := timer.Reset(0)
			receive(ctx, entered)
			gate.Close()
			receive(ctx, left)
			receive(ctx, left)
			return words(active, "both")
		},
	},
	{
		// "The ticker will adjust the time interval or drop ticks to make up for slow
		// receivers": ten periods late, there are not ten ticks.
		Name:    "ticker/drops-ticks-for-slow-receivers",
		Allowed: []string{"dropped"},
		Native: func() string {
			ticker := time.NewTicker(soon)
			defer ticker.Stop()
			time.Sleep(later)
			for range 6 {
				if tryReceiveNative(ticker.C) == "empty" {
					return "dropped"
				}
			}
			return "kept"
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			ticker := rt.NewTicker(soon)
			defer ticker.Stop()
			must(rt.Sleep(ctx, later))
			for range 6 {
				if tryReceive(ticker.C) == "empty" {
					return "dropped"
				}
			}
			return "kept"
		},
	},
	{
		// "Stop does not close the channel, to prevent a concurrent goroutine reading from
		// the channel from seeing an erroneous tick."
		Name:    "ticker/stop-does-not-close",
		Allowed: []string{"empty"},
		Native: func() string {
			ticker := time.NewTicker(never)
			ticker.Stop()
			return tryReceiveNative(ticker.C)
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			ticker := rt.NewTicker(never)
			ticker.Stop()
			return tryReceive(ticker.C)
		},
	},
	{
		// "The next tick will arrive after the new period elapses", also of a stopped one.
		Name:    "ticker/reset-starts-it-again",
		Allowed: []string{"time time"},
		Native: func() string {
			ticker := time.NewTicker(never)
			ticker.Stop()
			ticker.Reset(soon)
			defer ticker.Stop()
			return words(show(<-ticker.C), show(<-ticker.C))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			ticker := rt.NewTicker(never)
			ticker.Stop()
			ticker.Reset(soon)
			defer ticker.Stop()
			return words(show(receive(ctx, ticker.C)), show(receive(ctx, ticker.C)))
		},
	},
}
