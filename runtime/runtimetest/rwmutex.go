package runtimetest

import (
	"context"
	goruntime "runtime"
	"sync"

	"github.com/tidemarkdb/tidemark/runtime"
)

var rwmutexCases = []Case{
	{
		Name:    "rwmutex/readers-are-together",
		Allowed: []string{"met"},
		Native: func() string {
			var m sync.RWMutex
			c := make(chan int)
			goroutines(
				func() { m.RLock(); defer m.RUnlock(); c <- 1 },
				func() { m.RLock(); defer m.RUnlock(); <-c },
			)
			return "met"
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewRWMutex()
			c := runtime.NewChan[int](rt, 0)
			tasks(ctx, rt,
				func() { m.RLock(); defer m.RUnlock(); send(ctx, c, 1) },
				func() { m.RLock(); defer m.RUnlock(); receive(ctx, c) },
			)
			return "met"
		},
	},
	{
		Name:    "rwmutex/writer-excludes-readers",
		Allowed: []string{"wwr", "rww"},
		Native: func() string {
			var m sync.RWMutex
			var j journal
			goroutines(
				func() { m.Lock(); j.note("w"); goruntime.Gosched(); j.note("w"); m.Unlock() },
				func() { m.RLock(); j.note("r"); m.RUnlock() },
			)
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewRWMutex()
			var j journal
			tasks(ctx, rt,
				func() { m.Lock(); j.note("w"); rt.Yield(); j.note("w"); m.Unlock() },
				func() { m.RLock(); j.note("r"); m.RUnlock() },
			)
			return j.String()
		},
	},
	{
		Name:    "rwmutex/writers-exclude-each-other",
		Allowed: []string{"aabb", "bbaa"},
		Native: func() string {
			var m sync.RWMutex
			var j journal
			write := func(who string) func() {
				return func() { m.Lock(); j.note(who); goruntime.Gosched(); j.note(who); m.Unlock() }
			}
			goroutines(write("a"), write("b"))
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewRWMutex()
			var j journal
			write := func(who string) func() {
				return func() { m.Lock(); j.note(who); rt.Yield(); j.note(who); m.Unlock() }
			}
			tasks(ctx, rt, write("a"), write("b"))
			return j.String()
		},
	},
	{
		Name:    "rwmutex/waiting-writer-keeps-readers-out",
		Allowed: []string{"true", "false"},
		Native: func() string {
			var m sync.RWMutex
			var entered bool
			m.RLock()
			goroutines(
				func() { m.Lock(); m.Unlock() }, //nolint:staticcheck // the empty section is the case
				func() {
					if entered = m.TryRLock(); entered {
						m.RUnlock()
					}
					m.RUnlock()
				},
			)
			return show(entered)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewRWMutex()
			var entered bool
			m.RLock()
			tasks(ctx, rt,
				func() { m.Lock(); m.Unlock() },
				func() {
					if entered = m.TryRLock(); entered {
						m.RUnlock()
					}
					m.RUnlock()
				},
			)
			return show(entered)
		},
	},
	{
		Name:    "rwmutex/reader-at-the-door-and-writer",
		Allowed: []string{"rw", "wr"},
		Native: func() string {
			var m sync.RWMutex
			var j journal
			m.Lock()
			goroutines(
				func() { m.RLock(); j.note("r"); m.RUnlock() },
				func() { m.Unlock(); m.Lock(); j.note("w"); m.Unlock() },
			)
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewRWMutex()
			var j journal
			m.Lock()
			tasks(ctx, rt,
				func() { m.RLock(); j.note("r"); m.RUnlock() },
				func() { m.Unlock(); m.Lock(); j.note("w"); m.Unlock() },
			)
			return j.String()
		},
	},
	{
		Name:    "rwmutex/unlock-hands-nothing-over",
		Allowed: []string{"mt", "tm"},
		Native: func() string {
			var m sync.RWMutex
			var j journal
			m.Lock()
			goroutines(
				func() { m.Lock(); j.note("t"); m.Unlock() },
				func() { m.Unlock(); m.Lock(); j.note("m"); m.Unlock() },
			)
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewRWMutex()
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
		Name:    "rwmutex/readers-see-all-or-nothing",
		Allowed: []string{"0 0", "1 1"},
		Native: func() string {
			var m sync.RWMutex
			var x, y int
			var seen string
			goroutines(
				func() { m.Lock(); x = 1; goruntime.Gosched(); y = 1; m.Unlock() },
				func() { m.RLock(); a := x; goruntime.Gosched(); seen = words(a, y); m.RUnlock() },
			)
			return seen
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewRWMutex()
			var x, y int
			var seen string
			tasks(ctx, rt,
				func() { m.Lock(); x = 1; rt.Yield(); y = 1; m.Unlock() },
				func() { m.RLock(); a := x; rt.Yield(); seen = words(a, y); m.RUnlock() },
			)
			return seen
		},
	},
	{
		Name:    "rwmutex/try-lock-races-with-a-reader",
		Allowed: []string{"true", "false"},
		Native: func() string {
			var m sync.RWMutex
			var got bool
			goroutines(
				func() { m.RLock(); m.RUnlock() }, //nolint:staticcheck // the empty section is the case
				func() {
					if got = m.TryLock(); got {
						m.Unlock()
					}
				},
			)
			return show(got)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewRWMutex()
			var got bool
			tasks(ctx, rt,
				func() { m.RLock(); m.RUnlock() },
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
		Name:    "rwmutex/what-try-finds",
		Allowed: []string{"true false true false false"},
		Native: func() string {
			var m sync.RWMutex
			return tryAll(&m)
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string { return tryAll(rt.NewRWMutex()) },
	},
	{
		Name:    "rwmutex/rlocker-reads",
		Allowed: []string{"met"},
		Native: func() string {
			var m sync.RWMutex
			c := make(chan int)
			read := m.RLocker()
			goroutines(
				func() { read.Lock(); defer read.Unlock(); c <- 1 },
				func() { read.Lock(); defer read.Unlock(); <-c },
			)
			return "met"
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			read := rt.NewRWMutex().RLocker()
			c := runtime.NewChan[int](rt, 0)
			tasks(ctx, rt,
				func() { read.Lock(); defer read.Unlock(); send(ctx, c, 1) },
				func() { read.Lock(); defer read.Unlock(); receive(ctx, c) },
			)
			return "met"
		},
	},
	{
		Name:          "rwmutex/recursive-read-can-deadlock",
		Allowed:       []string{"done", Deadlock},
		SchedulerOnly: blocksForEver,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			m := rt.NewRWMutex()
			tasks(ctx, rt,
				func() { m.RLock(); m.RLock(); m.RUnlock(); m.RUnlock() },
				func() { m.Lock(); m.Unlock() },
			)
			return "done"
		},
	},
	{
		Name:          "rwmutex/no-upgrade",
		Allowed:       []string{Deadlock},
		SchedulerOnly: blocksForEver,
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			m := rt.NewRWMutex()
			m.RLock()
			m.Lock()
			return "upgraded"
		},
	},
	{
		Name:          "rwmutex/read-unlock-without-reader",
		Allowed:       []string{Misuse},
		SchedulerOnly: fatalError,
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			rt.NewRWMutex().RUnlock()
			return "unlocked"
		},
	},
	{
		Name:          "rwmutex/unlock-by-a-reader",
		Allowed:       []string{Misuse},
		SchedulerOnly: fatalError,
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			m := rt.NewRWMutex()
			m.RLock()
			m.Unlock()
			return "unlocked"
		},
	},
}

// tryAll tries a free mutex for reading and writing, then a locked one.
func tryAll(m interface {
	sync.Locker
	TryLock() bool
	TryRLock() bool
	RUnlock()
},
) string {
	read, writeBesideRead := m.TryRLock(), m.TryLock()
	m.RUnlock()
	write, writeTwice, readBesideWrite := m.TryLock(), m.TryLock(), m.TryRLock()
	m.Unlock()
	return words(read, writeBesideRead, write, writeTwice, readBesideWrite)
}
