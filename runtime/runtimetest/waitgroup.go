package runtimetest

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/tidemarkdb/tidemark/runtime"
)

const raceWithWait = "the first Add and Wait are not synchronised"

var waitGroupCases = []Case{
	{
		Name:    "waitgroup/waits-for-all",
		Allowed: []string{"12 0", "21 0"},
		Native: func() string {
			var g sync.WaitGroup
			var j journal
			g.Add(2)
			go func() { defer g.Done(); j.note("1") }()
			go func() { defer g.Done(); j.note("2") }()
			g.Wait()
			j.note(" 0")
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewWaitGroup()
			var j journal
			g.Add(2)
			rt.Go(ctx, "1", func(context.Context) error { defer g.Done(); j.note("1"); return nil })
			rt.Go(ctx, "2", func(context.Context) error { defer g.Done(); j.note("2"); return nil })
			g.Wait()
			j.note(" 0")
			return j.String()
		},
	},
	{
		Name:    "waitgroup/go-counts",
		Allowed: []string{"12", "21"},
		Native: func() string {
			var g sync.WaitGroup
			var j journal
			g.Go(func() { j.note("1") })
			g.Go(func() { j.note("2") })
			g.Wait()
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewWaitGroup()
			var j journal
			g.Go(ctx, "1", func(context.Context) { j.note("1") })
			g.Go(ctx, "2", func(context.Context) { j.note("2") })
			g.Wait()
			return j.String()
		},
	},
	{
		Name:    "waitgroup/wait-at-zero-returns",
		Allowed: []string{"ok"},
		Native: func() string {
			var g sync.WaitGroup
			g.Wait()
			g.Add(0)
			g.Wait()
			return "ok"
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			g := rt.NewWaitGroup()
			g.Wait()
			g.Add(0)
			g.Wait()
			return "ok"
		},
	},
	{
		Name:    "waitgroup/serves-again",
		Allowed: []string{"1 2"},
		Native: func() string {
			var g sync.WaitGroup
			n := 0
			g.Go(func() { n++ })
			g.Wait()
			first := n
			g.Go(func() { n++ })
			g.Wait()
			return words(first, n)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewWaitGroup()
			n := 0
			g.Go(ctx, "first", func(context.Context) { n++ })
			g.Wait()
			first := n
			g.Go(ctx, "second", func(context.Context) { n++ })
			g.Wait()
			return words(first, n)
		},
	},
	{
		Name:    "waitgroup/counted-may-add",
		Allowed: []string{"2"},
		Native: func() string {
			var g sync.WaitGroup
			var n atomic.Int32
			g.Go(func() {
				g.Go(func() { n.Add(1) })
				n.Add(1)
			})
			g.Wait()
			return show(n.Load())
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewWaitGroup()
			var n atomic.Int32
			g.Go(ctx, "outer", func(ctx context.Context) {
				g.Go(ctx, "inner", func(context.Context) { n.Add(1) })
				n.Add(1)
			})
			g.Wait()
			return show(n.Load())
		},
	},
	{
		Name:    "waitgroup/serves-as-a-barrier",
		Allowed: []string{"abAB", "abBA", "baAB", "baBA"},
		Native: func() string {
			var g sync.WaitGroup
			var j journal
			g.Add(2)
			meet := func(before, after string) func() {
				return func() {
					j.note(before)
					g.Done()
					g.Wait()
					j.note(after)
				}
			}
			goroutines(meet("a", "A"), meet("b", "B"))
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewWaitGroup()
			var j journal
			g.Add(2)
			meet := func(before, after string) func() {
				return func() {
					j.note(before)
					g.Done()
					g.Wait()
					j.note(after)
				}
			}
			tasks(ctx, rt, meet("a", "A"), meet("b", "B"))
			return j.String()
		},
	},
	{
		Name:    "waitgroup/negative-counter-panics",
		Allowed: []string{"panic: sync: negative WaitGroup counter"},
		Native: func() string {
			var g sync.WaitGroup
			return caught(func() { g.Add(1); g.Done(); g.Done() })
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			g := rt.NewWaitGroup()
			return caught(func() { g.Add(1); g.Done(); g.Done() })
		},
	},
	{
		Name: "waitgroup/two-done-for-one",
		Allowed: []string{
			"ok panic: sync: negative WaitGroup counter",
			"panic: sync: negative WaitGroup counter ok",
		},
		Native: func() string {
			var g sync.WaitGroup
			g.Add(1)
			var a, b string
			goroutines(func() { a = caught(g.Done) }, func() { b = caught(g.Done) })
			return words(a, b)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewWaitGroup()
			g.Add(1)
			var a, b string
			tasks(ctx, rt, func() { a = caught(g.Done) }, func() { b = caught(g.Done) })
			return words(a, b)
		},
	},
	{
		Name:    "waitgroup/add-races-with-wait",
		Allowed: []string{"before", "after"},
		Racy:    raceWithWait,
		Native: func() string {
			var g sync.WaitGroup
			var done atomic.Bool
			seen := "before"
			goroutines(
				func() { g.Add(1); done.Store(true); g.Done() },
				func() {
					g.Wait()
					if done.Load() {
						seen = "after"
					}
				},
			)
			return seen
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewWaitGroup()
			var done atomic.Bool
			seen := "before"
			tasks(ctx, rt,
				func() { g.Add(1); done.Store(true); g.Done() },
				func() {
					g.Wait()
					if done.Load() {
						seen = "after"
					}
				},
			)
			return seen
		},
	},
	{
		Name: "waitgroup/reused-too-early",
		Allowed: []string{
			"ok",
			"panic: sync: WaitGroup is reused before previous Wait has returned",
		},
		Racy: raceWithWait,
		Native: func() string {
			var g sync.WaitGroup
			var waited string
			g.Add(1)
			goroutines(
				func() { waited = caught(g.Wait) },
				func() { g.Done(); g.Add(1); g.Done() },
			)
			return waited
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			g := rt.NewWaitGroup()
			var waited string
			g.Add(1)
			tasks(ctx, rt,
				func() { waited = caught(g.Wait) },
				func() { g.Done(); g.Add(1); g.Done() },
			)
			return waited
		},
	},
	{
		Name:          "waitgroup/done-is-missing",
		Allowed:       []string{Deadlock},
		SchedulerOnly: blocksForEver,
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			g := rt.NewWaitGroup()
			g.Add(1)
			g.Wait()
			return "waited"
		},
	},
}
