package runtime

import "sync"

// RWMutex is a [sync.RWMutex] of a runtime; a zero RWMutex is a live one. A
// waiting Lock keeps new readers out, as in Go.
type RWMutex struct {
	native sync.RWMutex
	sim    *simRWMutex
}

// NewRWMutex returns an unlocked read-write mutex.
func (rt *Runtime) NewRWMutex() *RWMutex {
	m := &RWMutex{}
	if rt.sched != nil {
		m.sim = newSimRWMutex(rt)
	}
	return m
}

// Lock takes the mutex for writing.
func (m *RWMutex) Lock() {
	if m.sim == nil {
		m.native.Lock()
		return
	}
	m.sim.lock()
}

// TryLock takes the mutex for writing if it is free.
func (m *RWMutex) TryLock() bool {
	if m.sim == nil {
		return m.native.TryLock()
	}
	return m.sim.tryLock()
}

// Unlock ends the writing. Without a writer it is a fatal error live, and a
// misuse under a scheduler.
func (m *RWMutex) Unlock() {
	if m.sim == nil {
		m.native.Unlock()
		return
	}
	m.sim.unlock()
}

// RLock takes the mutex for reading.
func (m *RWMutex) RLock() {
	if m.sim == nil {
		m.native.RLock()
		return
	}
	m.sim.rlock()
}

// TryRLock takes the mutex for reading if no writer holds it or waits for it.
func (m *RWMutex) TryRLock() bool {
	if m.sim == nil {
		return m.native.TryRLock()
	}
	return m.sim.tryRLock()
}

// RUnlock ends one reading. Without a reader it is a fatal error live, and a
// misuse under a scheduler.
func (m *RWMutex) RUnlock() {
	if m.sim == nil {
		m.native.RUnlock()
		return
	}
	m.sim.runlock()
}

// RLocker returns a Locker whose Lock and Unlock are RLock and RUnlock.
func (m *RWMutex) RLocker() sync.Locker { return (*readLocker)(m) }

type readLocker RWMutex

func (l *readLocker) Lock()   { (*RWMutex)(l).RLock() }
func (l *readLocker) Unlock() { (*RWMutex)(l).RUnlock() }

// simRWMutex follows Go's: writers exclude each other first, the one that got
// through closes the door for new readers and waits for the present ones. Its
// Unlock lets in every reader that waits before the next writer comes through.
type simRWMutex struct {
	Object
	written stamp // by the last writer
	read    stamp // by all readers so far
	claimed bool  // a writer holds the mutex or waits for readers to leave
	writing bool
	reading int
	writers queue[struct{}] // wait for claimed to fall
	readers queue[struct{}] // wait at the door
	drain   queue[struct{}] // the writer that waits for reading to be 0
}

//go:norace
func newSimRWMutex(rt *Runtime) *simRWMutex {
	m := &simRWMutex{}
	rt.name(&m.Object, "rwmutex")
	return m
}

//go:norace
func (m *simRWMutex) lock() {
	t := m.rt.enter(OpLock, &m.Object)
	for again := false; m.claimed; again = true {
		var w *waiter[struct{}]
		if again {
			w = m.writers.pushFront(t, 0)
		} else {
			w = m.writers.push(t, 0)
		}
		t.park(Op{OpLock, &m.Object})
		m.writers.release(w)
	}
	m.claimed = true
	if m.reading > 0 {
		w := m.drain.push(t, 0)
		t.park(Op{OpLock, &m.Object})
		m.drain.release(w)
	}
	m.write(t)
}

//go:norace
func (m *simRWMutex) tryLock() bool {
	t := m.rt.enter(OpTryLock, &m.Object)
	if m.claimed || m.reading > 0 {
		return false
	}
	m.claimed = true
	m.write(t)
	return true
}

// write lets the writer in.
//
//go:norace
func (m *simRWMutex) write(t *Task) {
	m.writing, m.holder = true, t
	m.written.observe()
	m.read.observe()
}

//go:norace
func (m *simRWMutex) unlock() {
	m.rt.enter(OpUnlock, &m.Object)
	if !m.writing {
		m.rt.misuse("unlock of unlocked rwmutex " + m.Name())
	}
	m.claimed, m.writing, m.holder = false, false, nil
	m.written.set()
	for w := m.readers.pop(); w != nil; w = m.readers.pop() {
		m.admit(w.task)
		w.wake()
	}
	m.writers.wakeOne()
}

//go:norace
func (m *simRWMutex) rlock() {
	t := m.rt.enter(OpRLock, &m.Object)
	if m.claimed {
		w := m.readers.push(t, 0)
		t.park(Op{OpRLock, &m.Object})
		m.readers.release(w)
	} else {
		m.admit(t)
	}
	m.written.observe()
}

//go:norace
func (m *simRWMutex) tryRLock() bool {
	t := m.rt.enter(OpTryRLock, &m.Object)
	if m.claimed {
		return false
	}
	m.admit(t)
	m.written.observe()
	return true
}

// admit lets a reader in. Reports name the holder if it is the only one.
//
//go:norace
func (m *simRWMutex) admit(t *Task) {
	m.reading++
	m.holder = nil
	if m.reading == 1 {
		m.holder = t
	}
}

//go:norace
func (m *simRWMutex) runlock() {
	m.rt.enter(OpRUnlock, &m.Object)
	if m.reading == 0 {
		m.rt.misuse("read-unlock of rwmutex " + m.Name() + " without a reader")
	}
	m.reading--
	m.holder = nil
	m.read.add()
	if m.reading == 0 {
		m.drain.wakeOne()
	}
}
