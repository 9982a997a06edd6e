package runtime

import "sync"

// Mutex is a [sync.Mutex] of a runtime; a zero Mutex is a live one.
type Mutex struct {
	native sync.Mutex
	sim    *simMutex
}

// NewMutex returns an unlocked mutex.
func (rt *Runtime) NewMutex() *Mutex {
	m := &Mutex{}
	if rt.sched != nil {
		m.sim = newSimMutex(rt, "mutex")
	}
	return m
}

// Lock waits until the mutex is free and takes it.
func (m *Mutex) Lock() {
	if m.sim == nil {
		m.native.Lock()
		return
	}
	m.sim.lock()
}

// TryLock takes the mutex if it is free.
func (m *Mutex) TryLock() bool {
	if m.sim == nil {
		return m.native.TryLock()
	}
	return m.sim.tryLock()
}

// Unlock frees the mutex, which any task may do. Unlocking a free mutex is a
// fatal error live, and a misuse under a scheduler.
func (m *Mutex) Unlock() {
	if m.sim == nil {
		m.native.Unlock()
		return
	}
	m.sim.unlock()
}

// simMutex is a mutex under a scheduler. As in Go, Unlock wakes the first
// waiter but does not hand over: whoever runs first gets the mutex.
type simMutex struct {
	Object
	freed   stamp
	locked  bool
	waiters queue[struct{}]
}

//go:norace
func newSimMutex(rt *Runtime, kind string) *simMutex {
	m := &simMutex{}
	rt.name(&m.Object, kind)
	return m
}

//go:norace
func (m *simMutex) lock() {
	t := m.rt.enter(OpLock, &m.Object)
	for again := false; m.locked; again = true {
		var w *waiter[struct{}]
		if again {
			w = m.waiters.pushFront(t, 0)
		} else {
			w = m.waiters.push(t, 0)
		}
		t.park(Op{OpLock, &m.Object})
		m.waiters.release(w)
	}
	m.locked, m.holder = true, t
	m.freed.observe()
}

//go:norace
func (m *simMutex) tryLock() bool {
	t := m.rt.enter(OpTryLock, &m.Object)
	if m.locked {
		return false
	}
	m.locked, m.holder = true, t
	m.freed.observe()
	return true
}

//go:norace
func (m *simMutex) unlock() {
	m.rt.enter(OpUnlock, &m.Object)
	if !m.locked {
		m.rt.misuse("unlock of unlocked mutex " + m.Name())
	}
	m.locked, m.holder = false, nil
	m.freed.set()
	m.waiters.wakeOne()
}
