//go:build race

package sim_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// exclusion keeps two tasks from the same thing at once. The racy one does not: it
// has two locks, room for two, or lets readers write.
type exclusion struct {
	name    string
	prepare func(ctx context.Context, rt *runtime.Runtime, racy bool) (enter, leave [2]func())
}

func (e exclusion) program(racy bool) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		x := 0
		enter, leave := e.prepare(ctx, rt, racy)
		task := func(i int) func(context.Context) {
			return func(context.Context) {
				enter[i]()
				x++
				leave[i]()
			}
		}
		together(ctx, rt, task(0), task(1))
	})
}

func twice(f func()) [2]func() { return [2]func(){f, f} }

var exclusions = []exclusion{
	{"mutex", func(_ context.Context, rt *runtime.Runtime, racy bool) (enter, leave [2]func()) {
		a, b := rt.NewMutex(), rt.NewMutex()
		if !racy {
			b = a
		}
		return [2]func(){a.Lock, b.Lock}, [2]func(){a.Unlock, b.Unlock}
	}},
	{"try-lock", func(_ context.Context, rt *runtime.Runtime, racy bool) (enter, leave [2]func()) {
		mu := rt.NewMutex()
		try := func() {
			for !mu.TryLock() && !racy {
				rt.Yield()
			}
		}
		if racy {
			return twice(try), twice(func() {})
		}
		return twice(try), twice(mu.Unlock)
	}},
	{"write lock", func(_ context.Context, rt *runtime.Runtime, racy bool) (enter, leave [2]func()) {
		mu := rt.NewRWMutex()
		if racy {
			return twice(mu.RLock), twice(mu.RUnlock)
		}
		return twice(mu.Lock), twice(mu.Unlock)
	}},
	{"try-write-lock", func(_ context.Context, rt *runtime.Runtime, racy bool) (enter, leave [2]func()) {
		mu := rt.NewRWMutex()
		try, unlock := mu.TryLock, mu.Unlock
		if racy {
			try, unlock = mu.TryRLock, mu.RUnlock
		}
		return twice(func() {
			for !try() {
				rt.Yield()
			}
		}), twice(unlock)
	}},
	{"channel", func(ctx context.Context, rt *runtime.Runtime, racy bool) (enter, leave [2]func()) {
		room := 1
		if racy {
			room = 2
		}
		c := runtime.NewChan[struct{}](rt, room)
		return twice(func() { must(c.Send(ctx, struct{}{})) }), twice(func() { _, _ = c.Recv(ctx) })
	}},
	{"semaphore", func(ctx context.Context, rt *runtime.Runtime, racy bool) (enter, leave [2]func()) {
		s := rt.NewSemaphore(1)
		if racy {
			s = rt.NewSemaphore(2)
		}
		return twice(func() { must(s.Acquire(ctx, 1)) }), twice(func() { s.Release(1) })
	}},
	{"try-acquire", func(_ context.Context, rt *runtime.Runtime, racy bool) (enter, leave [2]func()) {
		s := rt.NewSemaphore(1)
		if racy {
			s = rt.NewSemaphore(2)
		}
		return twice(func() {
			for !s.TryAcquire(1) {
				rt.Yield()
			}
		}), twice(func() { s.Release(1) })
	}},
	{"resource", func(_ context.Context, rt *runtime.Runtime, racy bool) (enter, leave [2]func()) {
		a, b := runtime.NewResource("store", "a"), runtime.NewResource("store", "b")
		if !racy {
			b = runtime.NewResource("store", "a") // the same one to a scheduler
		}
		return [2]func(){func() { rt.Write(a) }, func() { rt.Write(b) }}, twice(func() {})
	}},
	{"streams of one's own", func(_ context.Context, rt *runtime.Runtime, racy bool) (enter, leave [2]func()) {
		mu, a, b := rt.NewMutex(), rt.Rand("a"), rt.Rand("b")
		if racy {
			b = a
		}
		return [2]func(){func() { a.Uint64(); mu.Lock() }, func() { b.Uint64(); mu.Lock() }}, twice(mu.Unlock)
	}},
	{"no assertion", func(_ context.Context, rt *runtime.Runtime, racy bool) (enter, leave [2]func()) {
		mu := rt.NewMutex()
		assert := func() { rt.Sometimes(true, "seen"); rt.Choose("workload", "here", 2); rt.Now() }
		if racy {
			return twice(assert), twice(assert)
		}
		return twice(mu.Lock), twice(mu.Unlock)
	}},
}

// otherPairs are those of another form.
var otherPairs = []struct {
	name string
	run  func(ctx context.Context, w *sim.World, racy bool) error
}{
	{"start of a task", inRuntime(func(ctx context.Context, rt *runtime.Runtime, racy bool) {
		x := 0
		if !racy {
			x = 1
		}
		task := rt.Go(ctx, "task", func(context.Context) error { look(&x); return nil })
		if racy {
			x = 1
		}
		must(task.Wait(ctx))
	})},
	{"end of a task", inRuntime(func(ctx context.Context, rt *runtime.Runtime, racy bool) {
		x := 0
		task := rt.Go(ctx, "task", func(context.Context) error { x = 1; return nil })
		if racy {
			look(&x)
		}
		must(task.Wait(ctx))
		look(&x)
	})},
	{"end of a group", inRuntime(func(ctx context.Context, rt *runtime.Runtime, racy bool) {
		x, g := 0, rt.NewGroup(ctx)
		g.Go("task", func(context.Context) error { x = 1; return errors.New("ends") })
		if racy {
			must(rt.Sleep(ctx, time.Second))
			look(&x)
		}
		_ = g.Wait()
		look(&x)
	})},
	{"function of a timer", inRuntime(func(ctx context.Context, rt *runtime.Runtime, racy bool) {
		x := 0
		timer := rt.AfterFunc(time.Hour, func() { look(&x) })
		x = 1
		if racy {
			rt.AfterFunc(time.Second, func() { look(&x) })
			x = 2
		}
		timer.Reset(time.Second)
		must(rt.Sleep(ctx, time.Minute))
	})},
	{"channel of a timer", inRuntime(func(ctx context.Context, rt *runtime.Runtime, racy bool) {
		x, timer := 0, rt.NewTimer(time.Hour)
		task := rt.Go(ctx, "task", func(ctx context.Context) error {
			_, err := timer.C.Recv(ctx)
			look(&x)
			return err
		})
		if !racy {
			x = 1
		}
		timer.Reset(time.Second)
		if racy {
			x = 1
		}
		must(task.Wait(ctx))
	})},
	{"channel of a ticker", inRuntime(func(ctx context.Context, rt *runtime.Runtime, racy bool) {
		x, ticker := 0, rt.NewTicker(time.Hour)
		task := rt.Go(ctx, "task", func(ctx context.Context) error {
			_, err := ticker.C.Recv(ctx)
			look(&x)
			return err
		})
		if !racy {
			x = 1
		}
		ticker.Reset(time.Second)
		if racy {
			x = 1
		}
		must(task.Wait(ctx))
	})},
	{"function of a cancellation", inRuntime(func(ctx context.Context, rt *runtime.Runtime, racy bool) {
		x := 0
		child, cancel := rt.WithCancel(ctx)
		rt.AfterCancel(child, func() { look(&x) })
		if !racy {
			x = 1
		}
		cancel()
		if racy {
			x = 1
		}
		must(rt.Sleep(ctx, time.Second))
	})},
	{"once and its function", inRuntime(func(ctx context.Context, rt *runtime.Runtime, racy bool) {
		x, once := 0, rt.NewOnce()
		get := func(context.Context) {
			if once.Do(func() { x = 1 }); x > 0 && racy {
				x = 2
			}
		}
		together(ctx, rt, get, get)
	})},
	{"read lock", inRuntime(func(ctx context.Context, rt *runtime.Runtime, racy bool) {
		x, mu := 0, rt.NewRWMutex()
		together(ctx, rt, func(context.Context) {
			mu.Lock()
			x = 1
			mu.Unlock()
			mu.RLock()
			look(&x)
			mu.RUnlock()
		}, func(context.Context) {
			mu.RLock()
			look(&x)
			if racy {
				mu.RUnlock()
				mu.RLock()
				x = 2
			}
			mu.RUnlock()
		})
	})},
	{"read-unlock and a later read-lock", inRuntime(func(ctx context.Context, rt *runtime.Runtime, racy bool) {
		x, mu := 0, rt.NewRWMutex()
		lock, unlock := mu.Lock, mu.Unlock
		if racy {
			lock, unlock = mu.RLock, mu.RUnlock
		}
		together(ctx, rt, func(context.Context) {
			lock()
			x = 1
			unlock()
		}, func(ctx context.Context) {
			must(rt.Sleep(ctx, time.Second)) // by then the other one is done, but a sleep tells nothing
			mu.RLock()
			look(&x)
			mu.RUnlock()
		})
	})},
	{"values in a channel", inRuntime(func(ctx context.Context, rt *runtime.Runtime, racy bool) {
		c := runtime.NewChan[[]string](rt, 1)
		together(ctx, rt, func(ctx context.Context) {
			for i := range 5 {
				message := []string{fmt.Sprint(i), "unchanged"}
				must(c.Send(ctx, message))
				if racy {
					message[1] = "changed"
				}
			}
		}, func(ctx context.Context) {
			for range 5 {
				message, err := c.Recv(ctx)
				must(err)
				message[1] += " by the one who has it"
			}
		})
	})},
	{"crash of a node", func(ctx context.Context, w *sim.World, racy bool) error {
		x := 0
		n := booted(w, "n", func(ctx context.Context, rt *runtime.Runtime) error {
			defer func() { x++ }() // when it is unwound
			for {
				x++
				must(rt.Sleep(ctx, time.Second))
			}
		})
		pass(ctx, w, time.Minute)
		if racy {
			look(&x)
		}
		must(n.Crash())
		x++
		return nil
	}},
	{"end of a node", func(ctx context.Context, w *sim.World, racy bool) error {
		x := 0
		n := booted(w, "n", func(_ context.Context, rt *runtime.Runtime) error {
			rt.Go(ctx, "task", func(context.Context) error { x++; return nil })
			return nil
		})
		if racy {
			pass(ctx, w, time.Second)
			look(&x)
		}
		must(n.Wait())
		x++
		must(n.Boot())
		return n.Wait()
	}},
}

func inRuntime(
	f func(ctx context.Context, rt *runtime.Runtime, racy bool),
) func(ctx context.Context, w *sim.World, racy bool) error {
	return func(ctx context.Context, w *sim.World, racy bool) error {
		f(ctx, w.Runtime(), racy)
		return nil
	}
}
