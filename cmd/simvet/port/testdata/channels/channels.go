// Package channels has operations on channels.
//
//sim:deterministic
package channels

import "github.com/tidemarkdb/tidemark/runtime"

type queue struct {
	rt      *runtime.Runtime
	jobs    chan int
	replies chan<- chan error
	seen    <-chan struct{}
}

type errors chan error

func (q *queue) report(to errors) { to <- nil }

func newQueue(rt *runtime.Runtime, size uint8) *queue {
	return &queue{rt: rt, jobs: make(chan int, size), seen: make(chan struct{})}
}

func (q *queue) operations(n int) (int, bool) {
	q.jobs <- n + 1
	<-q.jobs
	job := <-q.jobs
	job = <-q.jobs
	next, ok := <-q.jobs
	next, ok = <-q.jobs
	if late, open := <-q.jobs; open && late > 0 {
		return late, open
	} else if !open {
		return job, ok
	}
	for job := range q.jobs {
		next += job
	}
	for range q.jobs {
		next++
	}
	reply := make(chan error, 2*n)
	q.replies <- reply
	defer close(q.jobs)
	return next + len(q.jobs) + cap(reply), ok
}

func (q *queue) one() int {
	return <-q.jobs
}
