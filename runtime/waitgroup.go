package runtime

import (
	"context"
	"sync"
)

// WaitGroup is a [sync.WaitGroup] of a runtime; a zero WaitGroup is a live
// one.
type WaitGroup struct {
	native sync.WaitGroup
	sim    *simWaitGroup
	rt     *Runtime
}

// NewWaitGroup returns a wait group with a counter of 0.
func (rt *Runtime) NewWaitGroup() *WaitGroup { return rt.newWaitGroup("waitgroup") }

func (rt *Runtime) newWaitGroup(kind string) *WaitGroup {
	g := &WaitGroup{rt: rt}
	if rt.sched != nil {
		g.sim = newSimWaitGroup(rt, kind)
	}
	return g
}

// Add adds n, which may be negative, to the counter. It panics if the counter
// becomes negative, and may panic if it runs concurrently with Wait while the
// counter is 0.
func (g *WaitGroup) Add(n int) {
	if g.sim == nil {
		g.native.Add(n)
		return
	}
	g.sim.add(n)
}

// Done subtracts 1 from the counter.
func (g *WaitGroup) Done() {
	if g.sim == nil {
		g.native.Done()
		return
	}
	g.sim.add(-1)
}

// Wait waits until the counter is 0.
func (g *WaitGroup) Wait() {
	if g.sim == nil {
		g.native.Wait()
		return
	}
	g.sim.wait()
}

// Go runs f in a task that the group counts. It needs a group made by
// [Runtime.NewWaitGroup].
func (g *WaitGroup) Go(ctx context.Context, name string, f func(ctx context.Context)) {
	g.Add(1)
	g.rt.Go(ctx, name, func(ctx context.Context) error {
		defer g.Done()
		f(ctx)
		return nil
	})
}

type simWaitGroup struct {
	Object
	done    stamp // by all who were done
	count   int
	waiters queue[struct{}]
}

//go:norace
func newSimWaitGroup(rt *Runtime, kind string) *simWaitGroup {
	g := &simWaitGroup{}
	rt.name(&g.Object, kind)
	return g
}

//go:norace
func (g *simWaitGroup) add(n int) {
	g.rt.enter(OpGroupAdd, &g.Object)
	if n < 0 {
		g.done.add()
	}
	g.count += n
	switch {
	case g.count < 0:
		panic("sync: negative WaitGroup counter")
	case g.count == 0:
		g.waiters.wakeAll()
	}
}

//go:norace
func (g *simWaitGroup) wait() {
	t := g.rt.enter(OpGroupWait, &g.Object)
	if g.count == 0 {
		g.done.observe()
		return
	}
	w := g.waiters.push(t, 0)
	t.park(Op{OpGroupWait, &g.Object})
	g.waiters.release(w)
	g.done.observe()
	if g.count != 0 {
		panic("sync: WaitGroup is reused before previous Wait has returned")
	}
}
