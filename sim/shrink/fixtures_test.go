package shrink_test

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// fixture is a program that fails under some seeds, with what is known to be the
// least that a failing run does out of the ordinary.
type fixture struct {
	name    string
	minimum int
	run     sim.Main
}

// noise is a task that only gives the scheduler something to choose.
func noise(ctx context.Context, rt *runtime.Runtime) {
	rt.Go(ctx, "noise", func(context.Context) error {
		for range 20 {
			rt.Yield()
		}
		return nil
	})
}

// both runs two tasks to their end, beside some noise.
func both(ctx context.Context, w *sim.World, a, b func(rt *runtime.Runtime)) {
	rt := w.Runtime()
	noise(ctx, rt)
	group := rt.NewGroup(ctx)
	group.Go("a", func(context.Context) error { a(rt); return nil })
	group.Go("b", func(context.Context) error { b(rt); return nil })
	_ = group.Wait()
}

// increment reads and writes with others in between.
func increment(rt *runtime.Runtime, n *atomic.Int64) {
	old := n.Load()
	rt.Yield()
	n.Store(old + 1)
}

var fixtures = []fixture{
	{"lost update", 1, func(ctx context.Context, w *sim.World) error {
		var n atomic.Int64
		both(ctx, w, func(rt *runtime.Runtime) { increment(rt, &n) }, func(rt *runtime.Runtime) { increment(rt, &n) })
		w.Runtime().Always(n.Load() == 2, "lost-update", "n", n.Load())
		return nil
	}},
	{"lost updates of three", 1, func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		var n atomic.Int64
		noise(ctx, rt)
		group := rt.NewGroup(ctx)
		for range 3 {
			group.Go("adder", func(context.Context) error { increment(rt, &n); return nil })
		}
		_ = group.Wait()
		rt.Always(n.Load() > 1, "lost-updates", "n", n.Load())
		return nil
	}},
	{"check, then act", 1, func(ctx context.Context, w *sim.World) error {
		mu, free := w.Runtime().NewMutex(), true
		take := func(rt *runtime.Runtime) {
			mu.Lock()
			isFree := free
			mu.Unlock()
			if isFree {
				mu.Lock()
				rt.Always(free, "taken-twice")
				free = false
				mu.Unlock()
			}
		}
		both(ctx, w, take, take)
		return nil
	}},
	{"locks in two orders", 1, func(ctx context.Context, w *sim.World) error {
		first, second := w.Runtime().NewMutex(), w.Runtime().NewMutex()
		both(ctx, w, func(*runtime.Runtime) {
			first.Lock()
			second.Lock()
			second.Unlock()
			first.Unlock()
		}, func(*runtime.Runtime) {
			second.Lock()
			first.Lock()
			first.Unlock()
			second.Unlock()
		})
		return nil
	}},
	{"used before it is set", 1, func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		var isSet atomic.Bool
		noise(ctx, rt)
		task := rt.Go(ctx, "user", func(context.Context) error { rt.Always(isSet.Load(), "set-first"); return nil })
		rt.Yield()
		isSet.Store(true)
		return task.Wait(ctx)
	}},
	{"the later one first", 1, func(ctx context.Context, w *sim.World) error {
		var last atomic.Value
		last.Store("")
		add := func(name string) func(*runtime.Runtime) {
			return func(*runtime.Runtime) { last.Store(last.Load().(string) + name) }
		}
		both(ctx, w, add("a"), add("b"))
		w.Runtime().Always(last.Load() == "ab", "in-order", "order", last.Load())
		return nil
	}},
	{"send on a closed channel", 1, func(ctx context.Context, w *sim.World) error {
		c := runtime.NewChan[int](w.Runtime(), 4)
		var isClosed atomic.Bool
		both(ctx, w, func(rt *runtime.Runtime) {
			if !isClosed.Load() {
				rt.Yield()
				_ = c.Send(ctx, 1)
			}
		}, func(*runtime.Runtime) {
			isClosed.Store(true)
			c.Close()
		})
		return nil
	}},
	{"a missed signal", 1, func(ctx context.Context, w *sim.World) error {
		mu, isDone := w.Runtime().NewMutex(), false
		cond := w.Runtime().NewCond(mu)
		both(ctx, w, func(*runtime.Runtime) {
			mu.Lock()
			isWaiting := !isDone
			mu.Unlock()
			if isWaiting {
				mu.Lock()
				cond.Wait()
				mu.Unlock()
			}
		}, func(*runtime.Runtime) {
			mu.Lock()
			isDone = true
			mu.Unlock()
			cond.Signal()
		})
		return nil
	}},
	{"one draw", 1, func(_ context.Context, w *sim.World) error {
		rt := w.Runtime()
		for range 30 {
			rt.Always(rt.Choose("storage", "disk", 8) != 5, "disk-full")
		}
		return nil
	}},
	{"two draws", 2, func(_ context.Context, w *sim.World) error {
		rt, lost := w.Runtime(), 0
		for range 20 {
			if rt.Choose("network", "send", 6) > 2 {
				lost++
			}
		}
		rt.Always(lost < 2, "lost-twice", "lost", lost)
		return nil
	}},
	{"a draw and a preemption", 2, func(ctx context.Context, w *sim.World) error {
		var n atomic.Int64
		both(ctx, w, func(rt *runtime.Runtime) {
			if rt.Choose("storage", "slow path", 3) > 0 {
				increment(rt, &n)
				return
			}
			n.Add(1)
		}, func(rt *runtime.Runtime) { n.Add(1) })
		w.Runtime().Always(n.Load() == 2, "lost-update", "n", n.Load())
		return nil
	}},
	{"one crash of three", 1, func(ctx context.Context, w *sim.World) error {
		return withFaults(ctx, w, []sim.FaultKind{sim.FaultPause, sim.FaultCrash, sim.FaultPause}, func(boots, _ int64) bool {
			return boots < 2
		})
	}},
	{"a crash and a pause", 2, func(ctx context.Context, w *sim.World) error {
		kinds := []sim.FaultKind{sim.FaultPause, sim.FaultCrash, sim.FaultPause, sim.FaultCrash}
		return withFaults(ctx, w, kinds, func(boots, late int64) bool { return boots < 2 || late < 1 })
	}},
}

// operations runs as many operations as the workload says. From the third one on, one
// goes wrong if another task comes in between, which shows in the end.
func operations(ctx context.Context, w *sim.World) error {
	rt, rand := w.Runtime(), w.Runtime().Rand("workload")
	n, wrong := runtime.Between(rand, 2, 50), 0
	var busy atomic.Int64
	group := rt.NewGroup(ctx)
	group.Go("other", func(context.Context) error {
		for range 50 {
			busy.Add(1)
			rt.Yield()
		}
		return nil
	})
	for i := range n {
		kind, before := rand.IntN(4), busy.Load()
		rt.Yield()
		if i >= 2 && kind > 0 && busy.Load() > before {
			wrong++
		}
	}
	rt.Always(wrong == 0, "third-operation", "done", n)
	return group.Wait()
}

// withFaults runs a node that counts how often it boots and how often it was late,
// under faults at steps that differ from seed to seed.
func withFaults(ctx context.Context, w *sim.World, kinds []sim.FaultKind, isRight func(boots, late int64) bool) error {
	rt := w.Runtime()
	var boots, late atomic.Int64
	rand := rt.Rand("faults")
	n, err := w.Node("n", func(ctx context.Context, rt *runtime.Runtime) error {
		boots.Add(1)
		for {
			before := rt.Now()
			if err := rt.Sleep(ctx, 10*time.Millisecond); err != nil {
				return err
			}
			if rt.Since(before) > time.Second {
				late.Add(1)
			}
		}
	})
	if err != nil {
		return err
	}
	if err := n.Boot(); err != nil {
		return err
	}
	for _, kind := range kinds {
		if err := w.Inject(sim.Fault{
			Kind: kind, Target: n.Name(), Step: runtime.Between[uint64](rand, 10, 400), Duration: 3 * time.Second,
		}); err != nil {
			return err
		}
	}
	if err := rt.Sleep(ctx, 30*time.Second); err != nil {
		return err
	}
	rt.Always(isRight(boots.Load(), late.Load()), "never-so", "boots", boots.Load(), "late", late.Load())
	return nil
}
