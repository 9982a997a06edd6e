package runtimetest

import (
	"context"
	goruntime "runtime"
	"sync"

	"github.com/tidemarkdb/tidemark/runtime"
)

var mutexCases = []Case{
	{
		Name:    "mutex/excludes",
		Allowed: []string{"aabb", "bbaa"},
		Native: func() string {
			var m sync.Mutex
			var j journal
			inside := func(who string) func() {
				return func() {
					m.Lock()
					defer m.Unlock()
					j.note(who)
					goruntime.Gosched()
					j.note(who)
				}
			}
			goroutines(inside("a"), inside("b"))
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			var j journal
			inside := func(who string) func() {
				return func() {
					m.Lock()
					defer m.Unlock()
					j.note(who)
					rt.Yield()
					j.note(who)
				}
			}
			tasks(ctx, rt, inside("a"), inside("b"))
			return j.String()
		},
	},
	{
		Name:    "mutex/three-in-any-order",
		Allowed: []string{"abc", "acb", "bac", "bca", "cab", "cba"},
		Native: func() string {
			var m sync.Mutex
			var j journal
			inside := func(who string) func() {
				return func() {
					m.Lock()
					j.note(who)
					m.Unlock()
				}
			}
			goroutines(inside("a"), inside("b"), inside("c"))
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			var j journal
			inside := func(who string) func() {
				return func() {
					m.Lock()
					j.note(who)
					m.Unlock()
				}
			}
			tasks(ctx, rt, inside("a"), inside("b"), inside("c"))
			return j.String()
		},
	},
	{
		Name:    "mutex/check-then-act-loses-an-update",
		Allowed: []string{"1", "2"},
		Native: func() string {
			var m sync.Mutex
			n := 0
			get := func() int { m.Lock(); defer m.Unlock(); return n }
			set := func(v int) { m.Lock(); defer m.Unlock(); n = v }
			increment := func() { set(get() + 1) }
			goroutines(increment, increment)
			return show(n)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			n := 0
			get := func() int { m.Lock(); defer m.Unlock(); return n }
			set := func(v int) { m.Lock(); defer m.Unlock(); n = v }
			increment := func() { set(get() + 1) }
			tasks(ctx, rt, increment, increment)
			return show(n)
		},
	},
	{
		Name:    "mutex/no-update-lost-inside",
		Allowed: []string{"2"},
		Native: func() string {
			var m sync.Mutex
			n := 0
			increment := func() { m.Lock(); defer m.Unlock(); v := n; goruntime.Gosched(); n = v + 1 }
			goroutines(increment, increment)
			return show(n)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			n := 0
			increment := func() { m.Lock(); defer m.Unlock(); v := n; rt.Yield(); n = v + 1 }
			tasks(ctx, rt, increment, increment)
			return show(n)
		},
	},
	{
		Name:    "mutex/try-lock-races-with-holder",
		Allowed: []string{"true", "false"},
		Native: func() string {
			var m sync.Mutex
			var got bool
			goroutines(
				func() { m.Lock(); m.Unlock() }, //nolint:staticcheck // the empty section is the case
				func() {
					if got = m.TryLock(); got {
						m.Unlock()
					}
				},
			)
			return show(got)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			var got bool
			tasks(ctx, rt,
				func() { m.Lock(); m.Unlock() },
				func() {
					if got = m.TryLock(); got {
						m.Unlock()
					}
				},
			)
			return show(got)
		},
	},
	{
		Name:    "mutex/try-lock-has-one-winner",
		Allowed: []string{"true false", "false true"},
		Native: func() string {
			var m sync.Mutex
			var a, b bool
			goroutines(func() { a = m.TryLock() }, func() { b = m.TryLock() })
			return words(a, b)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			var a, b bool
			tasks(ctx, rt, func() { a = m.TryLock() }, func() { b = m.TryLock() })
			return words(a, b)
		},
	},
	{
		Name:    "mutex/unlock-hands-nothing-over",
		Allowed: []string{"mt", "tm"},
		Native: func() string {
			var m sync.Mutex
			var j journal
			m.Lock()
			goroutines(
				func() { m.Lock(); j.note("t"); m.Unlock() },
				func() { m.Unlock(); m.Lock(); j.note("m"); m.Unlock() },
			)
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			var j journal
			m.Lock()
			tasks(ctx, rt,
				func() { m.Lock(); j.note("t"); m.Unlock() },
				func() { m.Unlock(); m.Lock(); j.note("m"); m.Unlock() },
			)
			return j.String()
		},
	},
	{
		Name:    "mutex/others-may-unlock",
		Allowed: []string{"true"},
		Native: func() string {
			var m sync.Mutex
			m.Lock()
			goroutines(func() { m.Unlock() })
			return show(m.TryLock())
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			m.Lock()
			tasks(ctx, rt, m.Unlock)
			return show(m.TryLock())
		},
	},
	{
		Name:          "mutex/opposite-orders-can-deadlock",
		Allowed:       []string{"done", Deadlock},
		SchedulerOnly: blocksForEver,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := rt.NewMutex(), rt.NewMutex()
			both := func(first, second *runtime.Mutex) func() {
				return func() {
					first.Lock()
					second.Lock()
					second.Unlock()
					first.Unlock()
				}
			}
			tasks(ctx, rt, both(a, b), both(b, a))
			return "done"
		},
	},
	{
		Name:          "mutex/not-reentrant",
		Allowed:       []string{Deadlock},
		SchedulerOnly: blocksForEver,
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			m.Lock()
			m.Lock()
			return "locked twice"
		},
	},
	{
		Name:          "mutex/unlock-of-unlocked",
		Allowed:       []string{Misuse},
		SchedulerOnly: fatalError,
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			rt.NewMutex().Unlock()
			return "unlocked"
		},
	},
	{
		Name:          "mutex/two-unlocks-for-one-lock",
		Allowed:       []string{"done", Misuse},
		SchedulerOnly: fatalError,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewMutex()
			m.Lock()
			tasks(ctx, rt, m.Unlock, func() { m.TryLock(); m.Unlock() })
			return "done"
		},
	},
}
