package runtimetest

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

const noWatch = "Go has no watched value"

var watchCases = []Case{
	{
		Name:     "watch/wakes-who-waits",
		Allowed:  []string{"1 1"},
		NoNative: noWatch,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			w := runtime.NewWatch(rt, 0)
			var seen string
			tasks(ctx, rt,
				func() {
					v, version, err := w.Wait(ctx, 0)
					must(err)
					seen = words(v, version)
				},
				func() { w.Set(1) },
			)
			return seen
		},
	},
	{
		Name:     "watch/may-skip-values",
		Allowed:  []string{"1", "2"},
		NoNative: noWatch,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			w := runtime.NewWatch(rt, 0)
			var seen string
			tasks(ctx, rt,
				func() {
					v, _, err := w.Wait(ctx, 0)
					seen = result(v, err)
				},
				func() { w.Set(1); w.Set(2) },
			)
			return seen
		},
	},
	{
		Name:     "watch/for-a-condition",
		Allowed:  []string{"2"},
		NoNative: noWatch,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			w := runtime.NewWatch(rt, 0)
			var seen string
			tasks(ctx, rt,
				func() {
					v, _, err := w.WaitFor(ctx, func(v int) bool { return v == 2 })
					seen = result(v, err)
				},
				func() { w.Set(1); w.Set(2) },
			)
			return seen
		},
	},
	{
		Name:     "watch/set-or-cancel",
		Allowed:  []string{"1", "canceled"},
		NoNative: noWatch,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			w := runtime.NewWatch(rt, 0)
			var seen string
			tasks(ctx, rt,
				func() {
					v, _, err := w.Wait(inner, 0)
					seen = result(v, err)
				},
				func() { w.Set(1) },
				cancel,
			)
			return seen
		},
	},
	{
		Name:     "watch/no-update-lost",
		Allowed:  []string{"2 2"},
		NoNative: noWatch,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			w := runtime.NewWatch(rt, 0)
			increment := func() { w.Update(func(v int) (int, bool) { return v + 1, true }) }
			tasks(ctx, rt, increment, increment)
			return words(w.Get())
		},
	},
	{
		Name:     "watch/last-of-two",
		Allowed:  []string{"1 2", "2 2"},
		NoNative: noWatch,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			w := runtime.NewWatch(rt, 0)
			tasks(ctx, rt, func() { w.Set(1) }, func() { w.Set(2) })
			return words(w.Get())
		},
	},
}
