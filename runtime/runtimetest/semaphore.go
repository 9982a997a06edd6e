package runtimetest

import (
	"context"
	goruntime "runtime"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/tidemarkdb/tidemark/runtime"
)

var semaphoreCases = []Case{
	{
		Name:    "semaphore/bounds-who-is-inside",
		Allowed: []string{"1", "2"},
		Native: func() string {
			s := semaphore.NewWeighted(2)
			var inside crowd
			enter := func() {
				must(s.Acquire(context.Background(), 1))
				inside.enter()
				goruntime.Gosched()
				inside.leave()
				s.Release(1)
			}
			goroutines(enter, enter, enter)
			return show(inside.most.Load())
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			s := rt.NewSemaphore(2)
			var inside crowd
			enter := func() {
				must(s.Acquire(ctx, 1))
				inside.enter()
				rt.Yield()
				inside.leave()
				s.Release(1)
			}
			tasks(ctx, rt, enter, enter, enter)
			return show(inside.most.Load())
		},
	},
	{
		Name:    "semaphore/small-does-not-pass-large",
		Allowed: []string{"true", "false"},
		Native: func() string {
			s := semaphore.NewWeighted(2)
			must(s.Acquire(context.Background(), 1))
			var got bool
			goroutines(
				func() { must(s.Acquire(context.Background(), 2)); s.Release(2) },
				func() {
					if got = s.TryAcquire(1); got {
						s.Release(1)
					}
					s.Release(1)
				},
			)
			return show(got)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			s := rt.NewSemaphore(2)
			must(s.Acquire(ctx, 1))
			var got bool
			tasks(ctx, rt,
				func() { must(s.Acquire(ctx, 2)); s.Release(2) },
				func() {
					if got = s.TryAcquire(1); got {
						s.Release(1)
					}
					s.Release(1)
				},
			)
			return show(got)
		},
	},
	{
		Name:    "semaphore/acquire-races-with-cancel",
		Allowed: []string{"ok", "canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			s := semaphore.NewWeighted(1)
			must(s.Acquire(ctx, 1))
			var err error
			goroutines(
				func() {
					if err = s.Acquire(ctx, 1); err == nil {
						s.Release(1)
					}
				},
				func() { s.Release(1) },
				cancel,
			)
			if !s.TryAcquire(1) {
				return "a place is lost"
			}
			return name(err)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			s := rt.NewSemaphore(1)
			must(s.Acquire(ctx, 1))
			var err error
			tasks(ctx, rt,
				func() {
					if err = s.Acquire(inner, 1); err == nil {
						s.Release(1)
					}
				},
				func() { s.Release(1) },
				cancel,
			)
			if !s.TryAcquire(1) {
				return "a place is lost"
			}
			return name(err)
		},
	},
	{
		Name:    "semaphore/no-acquire-after-cancel",
		Allowed: []string{"canceled true"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			s := semaphore.NewWeighted(1)
			cancel()
			return words(name(s.Acquire(ctx, 1)), s.TryAcquire(1))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			s := rt.NewSemaphore(1)
			cancel()
			return words(name(s.Acquire(inner, 1)), s.TryAcquire(1))
		},
	},
	{
		Name:    "semaphore/release-after-cancel-is-too-late",
		Allowed: []string{"canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			s := semaphore.NewWeighted(1)
			must(s.Acquire(ctx, 1))
			var err error
			goroutines(
				func() { err = s.Acquire(ctx, 1) },
				func() { cancel(); s.Release(1) },
			)
			return name(err)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			s := rt.NewSemaphore(1)
			must(s.Acquire(ctx, 1))
			var err error
			tasks(ctx, rt,
				func() { err = s.Acquire(inner, 1) },
				func() { cancel(); s.Release(1) },
			)
			return name(err)
		},
	},
	{
		Name:    "semaphore/cancelled-request-stays-in-line-for-a-while",
		Allowed: []string{"true", "false"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			s := semaphore.NewWeighted(2)
			must(s.Acquire(ctx, 1))
			var got bool
			goroutines(
				func() { _ = s.Acquire(ctx, 2) },
				func() { cancel(); got = s.TryAcquire(1) },
			)
			return show(got)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			s := rt.NewSemaphore(2)
			must(s.Acquire(ctx, 1))
			var got bool
			tasks(ctx, rt,
				func() { _ = s.Acquire(inner, 2) },
				func() { cancel(); got = s.TryAcquire(1) },
			)
			return show(got)
		},
	},
	{
		Name:    "semaphore/cancel-lets-those-behind-in",
		Allowed: []string{"canceled ok"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			s := semaphore.NewWeighted(2)
			must(s.Acquire(ctx, 1))
			var large, small error
			goroutines(
				func() { large = s.Acquire(ctx, 2) },
				func() { small = s.Acquire(context.Background(), 1) },
				cancel,
			)
			return words(name(large), name(small))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			s := rt.NewSemaphore(2)
			must(s.Acquire(ctx, 1))
			var large, small error
			tasks(ctx, rt,
				func() { large = s.Acquire(inner, 2) },
				func() { small = s.Acquire(ctx, 1) },
				cancel,
			)
			return words(name(large), name(small))
		},
	},
	{
		Name:    "semaphore/more-than-there-is-waits-in-nobodys-way",
		Allowed: []string{"canceled true"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			s := semaphore.NewWeighted(2)
			var err error
			var got bool
			goroutines(
				func() { err = s.Acquire(ctx, 3) },
				func() { got = s.TryAcquire(2); cancel() },
			)
			return words(name(err), got)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			s := rt.NewSemaphore(2)
			var err error
			var got bool
			tasks(ctx, rt,
				func() { err = s.Acquire(inner, 3) },
				func() { got = s.TryAcquire(2); cancel() },
			)
			return words(name(err), got)
		},
	},
	{
		Name:    "semaphore/release-of-what-is-not-held-panics",
		Allowed: []string{"panic: semaphore: released more than held"},
		Native: func() string {
			s := semaphore.NewWeighted(1)
			return caught(func() { s.Release(1) })
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			s := rt.NewSemaphore(1)
			return caught(func() { s.Release(1) })
		},
	},
}

// crowd counts who is inside, and remembers the most.
type crowd struct{ inside, most atomic.Int32 }

func (c *crowd) enter() {
	n := c.inside.Add(1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
}

func (c *crowd) leave() { c.inside.Add(-1) }
