package runtimetest

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

var timerCases = []Case{
	{
		Name:    "timer/fires-not-too-early",
		Allowed: []string{"true"},
		Native: func() string {
			start := time.Now()
			fired := <-time.NewTimer(soon).C
			return show(fired.Sub(start) >= soon)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			start := rt.Now()
			fired := receive(ctx, rt.NewTimer(soon).C)
			return show(fired.Sub(start) >= soon)
		},
	},
	{
		Name:    "timer/stop-in-time",
		Allowed: []string{"true false empty"},
		Native: func() string {
			timer := time.NewTimer(never)
			return words(timer.Stop(), timer.Stop(), tryReceiveNative(timer.C))
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			timer := rt.NewTimer(never)
			return words(timer.Stop(), timer.Stop(), tryReceive(timer.C))
		},
	},
	{
		Name:    "timer/stop-takes-back-what-nobody-received",
		Allowed: []string{"true empty"},
		Native: func() string {
			timer := time.NewTimer(soon)
			time.Sleep(later)
			return words(timer.Stop(), tryReceiveNative(timer.C))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			timer := rt.NewTimer(soon)
			must(rt.Sleep(ctx, later))
			return words(timer.Stop(), tryReceive(timer.C))
		},
	},
	{
		Name:    "timer/stop-after-receive",
		Allowed: []string{"false"},
		Native: func() string {
			timer := time.NewTimer(soon)
			<-timer.C
			return show(timer.Stop())
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			timer := rt.NewTimer(soon)
			receive(ctx, timer.C)
			return show(timer.Stop())
		},
	},
	{
		Name:    "timer/reset-brings-it-forward",
		Allowed: []string{"true fired false fired"},
		Native: func() string {
			timer := time.NewTimer(never)
			pending := timer.Reset(soon)
			<-timer.C
			again := timer.Reset(soon)
			<-timer.C
			return words(pending, "fired", again, "fired")
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			timer := rt.NewTimer(never)
			pending := timer.Reset(soon)
			receive(ctx, timer.C)
			again := timer.Reset(soon)
			receive(ctx, timer.C)
			return words(pending, "fired", again, "fired")
		},
	},
	{
		Name:    "timer/reset-takes-back-what-nobody-received",
		Allowed: []string{"true empty true"},
		Native: func() string {
			timer := time.NewTimer(soon)
			time.Sleep(later)
			return words(timer.Reset(never), tryReceiveNative(timer.C), timer.Stop())
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			timer := rt.NewTimer(soon)
			must(rt.Sleep(ctx, later))
			return words(timer.Reset(never), tryReceive(timer.C), timer.Stop())
		},
	},
	{
		Name:    "timer/channel-shows-no-buffer",
		Allowed: []string{"0 0 time"},
		Native: func() string {
			timer := time.NewTimer(soon)
			time.Sleep(later)
			return words(len(timer.C), cap(timer.C), tryReceiveNative(timer.C))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			timer := rt.NewTimer(soon)
			must(rt.Sleep(ctx, later))
			return words(timer.C.Len(), timer.C.Cap(), tryReceive(timer.C))
		},
	},
	{
		Name:    "timer/earlier-comes-first",
		Allowed: []string{"0"},
		Native: func() string {
			first, second := time.NewTimer(soon), time.NewTimer(never)
			defer second.Stop()
			select {
			case <-first.C:
				return "0"
			case <-second.C:
				return "1"
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			first, second := rt.NewTimer(soon), rt.NewTimer(never)
			defer second.Stop()
			r, err := runtime.Select2(ctx, first.C.RecvArm(), second.C.RecvArm())
			must(err)
			return show(r.Index)
		},
	},
	{
		Name:    "timer/function-runs",
		Allowed: []string{"ran false ran"},
		Native: func() string {
			c := make(chan int, 2)
			timer := time.AfterFunc(soon, func() { c <- 1 })
			<-c
			again := timer.Reset(soon)
			<-c
			return words("ran", again, "ran")
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 2)
			timer := rt.AfterFunc(soon, func() { send(ctx, c, 1) })
			receive(ctx, c)
			again := timer.Reset(soon)
			receive(ctx, c)
			return words("ran", again, "ran")
		},
	},
	{
		Name:    "timer/function-stopped",
		Allowed: []string{"true false"},
		Native: func() string {
			timer := time.AfterFunc(never, func() { panic("fired") })
			return words(timer.Stop(), timer.Stop())
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			timer := rt.AfterFunc(never, func() { panic("fired") })
			return words(timer.Stop(), timer.Stop())
		},
	},
	{
		Name:    "ticker/goes-on",
		Allowed: []string{"time time time"},
		Native: func() string {
			ticker := time.NewTicker(soon)
			defer ticker.Stop()
			return words(show(<-ticker.C), show(<-ticker.C), show(<-ticker.C))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			ticker := rt.NewTicker(soon)
			defer ticker.Stop()
			tick := func() string { return show(receive(ctx, ticker.C)) }
			return words(tick(), tick(), tick())
		},
	},
	{
		Name:    "ticker/stop-takes-back-what-nobody-received",
		Allowed: []string{"empty"},
		Native: func() string {
			ticker := time.NewTicker(soon)
			time.Sleep(later)
			ticker.Stop()
			return tryReceiveNative(ticker.C)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			ticker := rt.NewTicker(soon)
			must(rt.Sleep(ctx, later))
			ticker.Stop()
			return tryReceive(ticker.C)
		},
	},
	{
		Name:    "ticker/reset-changes-the-period",
		Allowed: []string{"time empty"},
		Native: func() string {
			ticker := time.NewTicker(never)
			ticker.Reset(soon)
			first := show(<-ticker.C)
			ticker.Reset(never)
			defer ticker.Stop()
			return words(first, tryReceiveNative(ticker.C))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			ticker := rt.NewTicker(never)
			ticker.Reset(soon)
			first := show(receive(ctx, ticker.C))
			ticker.Reset(never)
			defer ticker.Stop()
			return words(first, tryReceive(ticker.C))
		},
	},
	{
		Name:    "ticker/period-must-be-positive",
		Allowed: []string{"panic panic"},
		Native: func() string {
			ticker := time.NewTicker(never)
			defer ticker.Stop()
			return words(panics(func() { time.NewTicker(0) }), panics(func() { ticker.Reset(-1) }))
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			ticker := rt.NewTicker(never)
			defer ticker.Stop()
			return words(panics(func() { rt.NewTicker(0) }), panics(func() { ticker.Reset(-1) }))
		},
	},
}
