package runtime

import (
	"context"
	"fmt"
	"slices"

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
	s := &simSemaphore{size: size}
	rt.name(&s.Object, "semaphore")
	return &Semaphore{sim: s}
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
	size, taken int64
	requests    []*request // those that wait, in order
}

type request struct {
	n       int64
	granted bool
	waiter  queue[struct{}]
}

func (s *simSemaphore) take(n int64) bool {
	if s.size-s.taken < n || len(s.requests) > 0 {
		return false
	}
	s.taken += n
	return true
}

func (s *simSemaphore) acquire(ctx context.Context, n int64) error {
	cancel, err := s.rt.cancellerOf(ctx)
	if err != nil {
		return err
	}
	defer cancel.leave()
	t := s.rt.enter(OpAcquire, &s.Object)
	switch {
	case cancel.cancelled():
		return cancel.err
	case s.take(n):
		return nil
	case n > s.size: // never served, so not in the way of others
		cancel.park(t, Op{OpAcquire, &s.Object})
		return cancel.err
	}
	r := &request{n: n}
	s.requests = append(s.requests, r)
	w := r.waiter.push(t, 0)
	cancel.park(t, Op{OpAcquire, &s.Object})
	r.waiter.release(w)
	if !cancel.cancelled() {
		return nil
	}
	s.withdraw(r)
	return cancel.err
}

// withdraw takes a request out of the line, or gives back what it got.
func (s *simSemaphore) withdraw(r *request) {
	if r.granted {
		s.taken -= r.n
	} else {
		i := slices.Index(s.requests, r)
		s.requests = slices.Delete(s.requests, i, i+1)
	}
	s.serve() // those behind may fit now
}

func (s *simSemaphore) release(n int64) {
	s.rt.enter(OpRelease, &s.Object)
	if s.taken < n {
		panic("semaphore: released more than held")
	}
	s.taken -= n
	s.serve()
}

// serve hands out what is free, in order.
func (s *simSemaphore) serve() {
	for len(s.requests) > 0 && s.size-s.taken >= s.requests[0].n {
		r := s.requests[0]
		s.requests = slices.Delete(s.requests, 0, 1)
		s.taken += r.n
		r.granted = true
		r.waiter.wakeOne()
	}
}
