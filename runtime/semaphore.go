package runtime

import (
	"context"
	"fmt"

	"golang.org/x/sync/semaphore"
)

// Semaphore bounds how much of something is in use at once. Waiters are served
// in order, so a large request is not starved by small ones.
type Semaphore struct {
	native *semaphore.Weighted
	sim    *simSemaphore
}

// NewSemaphore returns a semaphore of a size. It panics if the size is
// negative.
func (rt *Runtime) NewSemaphore(size int64) *Semaphore {
	if size < 0 {
		panic(fmt.Sprintf("runtime: semaphore of size %d", size))
	}
	if rt.sched == nil {
		return &Semaphore{native: semaphore.NewWeighted(size)}
	}
	return &Semaphore{sim: newSimSemaphore(rt, size)}
}

// Acquire waits until n are free and takes them. On an error, which is ctx's,
// it has taken nothing. It panics if n is negative.
func (s *Semaphore) Acquire(ctx context.Context, n int64) error {
	nonNegative(n)
	if s.sim == nil {
		return s.native.Acquire(ctx, n)
	}
	return s.sim.acquire(ctx, n)
}

// TryAcquire takes n if they are free and nobody waits.
func (s *Semaphore) TryAcquire(n int64) bool {
	nonNegative(n)
	if s.sim == nil {
		return s.native.TryAcquire(n)
	}
	s.sim.rt.enter(OpTryAcquire, &s.sim.Object)
	return s.sim.take(n)
}

// Release gives n back. It panics if that is more than is taken.
func (s *Semaphore) Release(n int64) {
	nonNegative(n)
	if s.sim == nil {
		s.native.Release(n)
		return
	}
	s.sim.release(n)
}

func nonNegative(n int64) {
	if n < 0 {
		panic(fmt.Sprintf("runtime: semaphore with a weight of %d", n))
	}
}

// simSemaphore follows golang.org/x/sync/semaphore, which the live one is: a
// context that has ended always wins, and a request stays in line until its
// own task has seen the cancellation.
type simSemaphore struct {
	Object
	released    stamp // by all who released
	size, taken int64
	requests    *request // those that wait, in order
}

type request struct {
	n       int64
	granted bool
	waiter  queue[struct{}]
	next    *request
}

//go:norace
func newSimSemaphore(rt *Runtime, size int64) *simSemaphore {
	s := &simSemaphore{size: size}
	rt.name(&s.Object, "semaphore")
	return s
}

//go:norace
func (s *simSemaphore) take(n int64) bool {
	if s.size-s.taken < n || s.requests != nil {
		return false
	}
	s.taken += n
	s.released.observe()
	return true
}

// line puts a new request behind the others.
//
//go:norace
func (s *simSemaphore) line(n int64) *request {
	end := &s.requests
	for *end != nil {
		end = &(*end).next
	}
	*end = &request{n: n}
	return *end
}

//go:norace
func (s *simSemaphore) acquire(ctx context.Context, n int64) error {
	cancel, err := s.rt.cancellerOf(ctx)
	if err != nil {
		return err
	}
	defer cancel.leave()
	t := s.rt.enter(OpAcquire, &s.Object)
	switch {
	case cancel.cancelled():
		return cancel.failure()
	case s.take(n):
		return nil
	case n > s.size: // never served, so not in the way of others
		cancel.park(t, Op{OpAcquire, &s.Object})
		return cancel.failure()
	}
	r := s.line(n)
	w := r.waiter.push(t, 0)
	cancel.park(t, Op{OpAcquire, &s.Object})
	r.waiter.release(w)
	if !cancel.cancelled() {
		s.released.observe()
		return nil
	}
	s.withdraw(r)
	return cancel.failure()
}

// withdraw takes a request out of the line, or gives back what it got.
//
//go:norace
func (s *simSemaphore) withdraw(r *request) {
	if r.granted {
		s.taken -= r.n
	} else {
		at := &s.requests
		for *at != r {
			at = &(*at).next
		}
		*at = r.next
	}
	s.serve() // those behind may fit now
}

//go:norace
func (s *simSemaphore) release(n int64) {
	s.rt.enter(OpRelease, &s.Object)
	if s.taken < n {
		panic("semaphore: released more than held")
	}
	s.taken -= n
	s.released.add()
	s.serve()
}

// serve hands out what is free, in order.
//
//go:norace
func (s *simSemaphore) serve() {
	for r := s.requests; r != nil && s.size-s.taken >= r.n; r = s.requests {
		s.requests = r.next
		s.taken += r.n
		r.granted = true
		r.waiter.wakeOne()
	}
}
