package runtime

import "sync"

// Once is a [sync.Once] of a runtime; a zero Once is a live one.
type Once struct {
	native sync.Once
	sim    *simOnce
}

// NewOnce returns a Once that has not run.
func (rt *Runtime) NewOnce() *Once {
	o := &Once{}
	if rt.sched != nil {
		o.sim = newSimOnce(rt)
	}
	return o
}

// Do calls f if it is the first call of Do, and returns when that first call
// has returned. If f panics, Do considers it done. If f calls Do, it
// deadlocks.
func (o *Once) Do(f func()) {
	if o.sim == nil {
		o.native.Do(f)
		return
	}
	o.sim.do(f)
}

type simOnce struct {
	*simMutex
	ended stamp
	done  bool
}

//go:norace
func newSimOnce(rt *Runtime) *simOnce { return &simOnce{simMutex: newSimMutex(rt, "once")} }

//go:norace
func (o *simOnce) do(f func()) {
	o.rt.enter(OpOnce, &o.Object)
	if o.done {
		o.ended.observe()
		return
	}
	o.lock()
	defer o.unlock()
	if !o.done {
		defer o.finish()
		f()
	}
}

//go:norace
func (o *simOnce) finish() {
	o.done = true
	o.ended.set()
}
