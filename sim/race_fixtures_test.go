//go:build race

package sim_test

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// racePair is a program with a data race, and its twin without.
type racePair struct {
	name        string
	racy, clean sim.Main
}

// racePairs returns the pairs for every primitive.
func racePairs() []racePair {
	var all []racePair
	for _, h := range handOvers {
		all = append(all, racePair{"hand over by " + h.name, h.program(true), h.program(false)})
	}
	for _, e := range exclusions {
		all = append(all, racePair{"exclude by " + e.name, e.program(true), e.program(false)})
	}
	for _, p := range otherPairs {
		racy := func(ctx context.Context, w *sim.World) error { return p.run(ctx, w, true) }
		clean := func(ctx context.Context, w *sim.World) error { return p.run(ctx, w, false) }
		all = append(all, racePair{p.name, racy, clean})
	}
	return all
}

// together runs two tasks to their end.
func together(ctx context.Context, rt *runtime.Runtime, a, b func(ctx context.Context)) {
	g := rt.NewGroup(ctx)
	g.Go("a", func(ctx context.Context) error { a(ctx); return nil })
	g.Go("b", func(ctx context.Context) error { b(ctx); return nil })
	must(g.Wait())
}

var sink atomic.Int64

func look(at *int) { sink.Store(int64(*at)) }

// handOver is a way to tell another task that something is done: what was done
// before the signal is seen after the wait, and nothing else.
type handOver struct {
	name    string
	prepare func(ctx context.Context, rt *runtime.Runtime) (signal, wait func(ctx context.Context))
}

func (h handOver) program(racy bool) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		x := 0
		signal, wait := h.prepare(ctx, rt)
		together(ctx, rt, func(ctx context.Context) {
			if !racy {
				x = 1
			}
			signal(ctx)
			if racy {
				x = 1
			}
		}, func(ctx context.Context) {
			wait(ctx)
			look(&x)
		})
	})
}

func received(c *runtime.Chan[int]) func(context.Context) {
	return func(ctx context.Context) { _, _ = c.Recv(ctx) }
}

func sent(c *runtime.Chan[int]) func(context.Context) {
	return func(ctx context.Context) { must(c.Send(ctx, 1)) }
}

var handOvers = []handOver{
	{"unbuffered channel", func(_ context.Context, rt *runtime.Runtime) (signal, wait func(context.Context)) {
		c := runtime.NewChan[int](rt, 0)
		return sent(c), received(c)
	}},
	{"receive from an unbuffered channel", func(_ context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		c := runtime.NewChan[int](rt, 0)
		return received(c), sent(c)
	}},
	{"buffered channel", func(_ context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		c := runtime.NewChan[int](rt, 2)
		return sent(c), received(c)
	}},
	{"receive from a full channel", func(ctx context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		c := runtime.NewChan[int](rt, 2)
		must(c.Send(ctx, 1))
		must(c.Send(ctx, 2))
		return received(c), sent(c)
	}},
	{"close", func(_ context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		c := runtime.NewChan[int](rt, 1)
		return func(context.Context) { c.Close() }, received(c)
	}},
	{"select", func(_ context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		a, b := runtime.NewChan[int](rt, 0), runtime.NewChan[string](rt, 1)
		return sent(a), func(ctx context.Context) {
			_, err := runtime.Select2(ctx, b.RecvArm(), a.RecvArm())
			must(err)
		}
	}},
	{"select that sends", func(_ context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		a, never := runtime.NewChan[int](rt, 1), runtime.NewChan[string](rt, 0)
		return func(ctx context.Context) {
			_, err := runtime.Select2(ctx, never.RecvArm(), a.SendArm(1))
			must(err)
		}, received(a)
	}},
	{"cond", func(_ context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		mu := rt.NewMutex()
		cond, isDone := rt.NewCond(mu), false
		return func(context.Context) {
				mu.Lock()
				isDone = true
				mu.Unlock()
				cond.Broadcast()
			}, func(context.Context) {
				mu.Lock()
				defer mu.Unlock()
				for !isDone {
					cond.Wait()
				}
			}
	}},
	{"signal without the lock", func(ctx context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		mu := rt.NewMutex()
		cond := rt.NewCond(mu)
		return func(context.Context) {
				_ = rt.Sleep(ctx, time.Second) // until the other one waits
				cond.Signal()
			}, func(context.Context) {
				mu.Lock()
				cond.Wait()
				mu.Unlock()
			}
	}},
	{"once", func(ctx context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		once := rt.NewOnce()
		return func(context.Context) { once.Do(func() {}) }, func(context.Context) {
			_ = rt.Sleep(ctx, time.Second) // by then it is done, but a sleep tells nothing
			once.Do(func() {})
		}
	}},
	{"wait group", func(_ context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		g := rt.NewWaitGroup()
		g.Add(1)
		return func(context.Context) { g.Done() }, func(context.Context) { g.Wait() }
	}},
	{"semaphore", func(ctx context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		s := rt.NewSemaphore(2)
		must(s.Acquire(ctx, 2))
		return func(context.Context) { s.Release(1) }, func(ctx context.Context) { must(s.Acquire(ctx, 1)) }
	}},
	{"watch", func(_ context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		w := runtime.NewWatch(rt, 0)
		return func(context.Context) { w.Set(1) }, func(ctx context.Context) {
			_, _, err := w.Wait(ctx, 0)
			must(err)
		}
	}},
	{"cancellation", func(ctx context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		child, cancel := rt.WithCancel(ctx)
		return func(context.Context) { cancel() }, func(context.Context) { _ = rt.Sleep(child, time.Hour) }
	}},
	{"cancellation of a parent", func(ctx context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		parent, cancel := rt.WithCancel(ctx)
		return func(context.Context) { cancel() }, func(context.Context) {
			child, release := rt.WithCancel(parent)
			defer release()
			for child.Err() == nil {
				rt.Yield()
			}
		}
	}},
	{"cancellation of a standard context", func(_ context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		standard, cancel := context.WithCancel(context.Background())
		return func(context.Context) { cancel() }, func(context.Context) { _ = rt.Sleep(standard, time.Hour) }
	}},
	{"atomic", func(_ context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		var isDone atomic.Bool
		return func(context.Context) { isDone.Store(true) }, func(context.Context) {
			for !isDone.Load() {
				rt.Yield()
			}
		}
	}},
	{"resource", func(_ context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		shelf, isThere := runtime.NewResource("store", "shelf"), false
		return func(context.Context) {
				rt.Write(shelf)
				isThere = true
				rt.Yield()
			}, func(context.Context) {
				for found := false; !found; rt.Yield() {
					rt.Read(shelf)
					found = isThere
				}
			}
	}},
	{"task that ends", func(_ context.Context, rt *runtime.Runtime) (_, _ func(context.Context)) {
		started := runtime.NewChan[*runtime.Task](rt, 1)
		return func(ctx context.Context) {
				must(started.Send(ctx, rt.Go(ctx, "done", func(context.Context) error { return nil })))
			}, func(ctx context.Context) {
				task, err := started.Recv(ctx)
				must(err)
				must(task.Wait(ctx))
			}
	}},
}
