package runtimetest

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

var selectTimerCases = []Case{
	{
		Name:    "select/timer-ends-a-wait",
		Allowed: []string{"timer"},
		Native: func() string {
			c, timer := make(chan int), time.NewTimer(soon)
			select {
			case <-c:
				return "value"
			case <-timer.C:
				return "timer"
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c, timer := runtime.NewChan[int](rt, 0), rt.NewTimer(soon)
			r, err := runtime.Select2(ctx, c.RecvArm(), timer.C.RecvArm())
			must(err)
			return []string{"value", "timer"}[r.Index]
		},
	},
	{
		Name:    "select/expired-timer-and-ready-value",
		Allowed: []string{"value", "timer"},
		Native: func() string {
			c, timer := filledNative(1), time.NewTimer(soon)
			time.Sleep(later)
			select {
			case <-c:
				return "value"
			case <-timer.C:
				return "timer"
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c, timer := filled(ctx, rt, 1), rt.NewTimer(soon)
			must(rt.Sleep(ctx, later))
			r, err := runtime.Select2(ctx, c.RecvArm(), timer.C.RecvArm())
			must(err)
			return []string{"value", "timer"}[r.Index]
		},
	},
	{
		Name:    "select/value-beats-a-timer-far-away",
		Allowed: []string{"value"},
		Native: func() string {
			c, timer := make(chan int), time.NewTimer(never)
			defer timer.Stop()
			got := "none"
			goroutines(func() { c <- 1 }, func() {
				select {
				case <-c:
					got = "value"
				case <-timer.C:
					got = "timer"
				}
			})
			return got
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c, timer := runtime.NewChan[int](rt, 0), rt.NewTimer(never)
			defer timer.Stop()
			got := "none"
			tasks(ctx, rt, func() { send(ctx, c, 1) }, func() {
				r, err := runtime.Select2(ctx, c.RecvArm(), timer.C.RecvArm())
				must(err)
				got = []string{"value", "timer"}[r.Index]
			})
			return got
		},
	},
}
