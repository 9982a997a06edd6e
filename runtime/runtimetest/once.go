package runtimetest

import (
	"context"
	goruntime "runtime"
	"sync"

	"github.com/tidemarkdb/tidemark/runtime"
)

var onceCases = []Case{
	{
		Name:    "once/one-of-two-runs",
		Allowed: []string{"a", "b"},
		Native: func() string {
			var o sync.Once
			var j journal
			do := func(who string) func() { return func() { o.Do(func() { j.note(who) }) } }
			goroutines(do("a"), do("b"))
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			o := rt.NewOnce()
			var j journal
			do := func(who string) func() { return func() { o.Do(func() { j.note(who) }) } }
			tasks(ctx, rt, do("a"), do("b"))
			return j.String()
		},
	},
	{
		Name:    "once/the-other-waits-for-the-end",
		Allowed: []string{"1 1"},
		Native: func() string {
			var o sync.Once
			var n, a, b int
			slow := func() { goruntime.Gosched(); n = 1 }
			goroutines(func() { o.Do(slow); a = n }, func() { o.Do(slow); b = n })
			return words(a, b)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			o := rt.NewOnce()
			var n, a, b int
			slow := func() { rt.Yield(); n = 1 }
			tasks(ctx, rt, func() { o.Do(slow); a = n }, func() { o.Do(slow); b = n })
			return words(a, b)
		},
	},
	{
		Name:    "once/panic-counts-as-done",
		Allowed: []string{"panic: boom ok", "ok panic: boom"},
		Native: func() string {
			var o sync.Once
			var a, b string
			do := func() { o.Do(func() { panic("boom") }) }
			goroutines(func() { a = caught(do) }, func() { b = caught(do) })
			return words(a, b)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			o := rt.NewOnce()
			var a, b string
			do := func() { o.Do(func() { panic("boom") }) }
			tasks(ctx, rt, func() { a = caught(do) }, func() { b = caught(do) })
			return words(a, b)
		},
	},
	{
		Name:    "once/second-function-never-runs",
		Allowed: []string{"first"},
		Native: func() string {
			var o sync.Once
			var j journal
			o.Do(func() { j.note("first") })
			o.Do(func() { j.note("second") })
			return j.String()
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			o := rt.NewOnce()
			var j journal
			o.Do(func() { j.note("first") })
			o.Do(func() { j.note("second") })
			return j.String()
		},
	},
	{
		Name:          "once/recursion-deadlocks",
		Allowed:       []string{Deadlock},
		SchedulerOnly: blocksForEver,
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			o := rt.NewOnce()
			o.Do(func() { o.Do(func() {}) })
			return "done twice"
		},
	},
}
