package runtime

import "sync"

// Cond is a [sync.Cond] of a runtime.
type Cond struct {
	// L is held while observing or changing the condition.
	L sync.Locker

	native sync.Cond
	sim    *simCond
}

// NewCond returns a condition variable with a locker.
func (rt *Runtime) NewCond(l sync.Locker) *Cond {
	c := &Cond{L: l, native: sync.Cond{L: l}}
	if rt.sched != nil {
		c.sim = newSimCond(rt)
	}
	return c
}

// Wait unlocks c.L, waits for Signal or Broadcast, and locks c.L again.
func (c *Cond) Wait() {
	if c.sim == nil {
		c.native.Wait()
		return
	}
	c.sim.wait(c.L)
}

// Signal wakes the task that has waited longest, if there is one.
func (c *Cond) Signal() {
	if c.sim == nil {
		c.native.Signal()
		return
	}
	c.sim.rt.enter(OpSignal, &c.sim.Object)
	c.sim.notify()
}

// Broadcast wakes all tasks that wait.
func (c *Cond) Broadcast() {
	if c.sim == nil {
		c.native.Broadcast()
		return
	}
	c.sim.rt.enter(OpBroadcast, &c.sim.Object)
	for c.sim.notify() {
	}
}

// simCond keeps tickets: a waiter takes one before it unlocks, so that a
// Signal between the unlock and the park is not lost.
type simCond struct {
	Object
	first, last *ticket
	free        *ticket
}

type ticket struct {
	stamp    stamp // of who notified it
	notified bool
	waiter   queue[struct{}] // the task, once it has parked
	next     *ticket
}

//go:norace
func newSimCond(rt *Runtime) *simCond {
	c := &simCond{}
	rt.name(&c.Object, "cond")
	return c
}

//go:norace
func (c *simCond) wait(l sync.Locker) {
	t := c.rt.enter(OpCondWait, &c.Object)
	k := c.take()
	l.Unlock()
	if !k.notified {
		w := k.waiter.push(t, 0)
		t.park(Op{OpCondWait, &c.Object})
		k.waiter.release(w)
	}
	k.stamp.observe()
	k.notified, k.next, c.free = false, c.free, k
	l.Lock()
}

//go:norace
func (c *simCond) take() *ticket {
	k := c.free
	if k == nil {
		k = &ticket{}
	} else {
		c.free, k.next = k.next, nil
	}
	if c.last == nil {
		c.first = k
	} else {
		c.last.next = k
	}
	c.last = k
	return k
}

// notify wakes the holder of the oldest ticket.
//
//go:norace
func (c *simCond) notify() bool {
	k := c.first
	if k == nil {
		return false
	}
	if c.first = k.next; c.first == nil {
		c.last = nil
	}
	k.next, k.notified = nil, true
	k.stamp.set()
	k.waiter.wakeOne()
	return true
}
