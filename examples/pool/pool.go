// Package pool runs jobs on a few workers. It is the subject of
// docs/first-scenario.md, and has a bug on purpose.
package pool

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Pool is a queue of jobs and the workers that run them.
type Pool struct {
	mu      *runtime.Mutex // guards stopped
	stopped bool
	jobs    *runtime.Chan[func()]
	workers *runtime.Group
}

// New starts a pool of n workers.
func New(ctx context.Context, rt *runtime.Runtime, n int) *Pool {
	p := &Pool{mu: rt.NewMutex(), jobs: runtime.NewChan[func()](rt, 1), workers: rt.NewGroup(ctx)}
	for range n {
		p.workers.Go("worker", func(ctx context.Context) error {
			for job, err := range p.jobs.All(ctx) {
				if err != nil {
					return err
				}
				job()
			}
			return nil
		})
	}
	return p
}

// Submit queues a job, and reports false if the pool has stopped.
func (p *Pool) Submit(ctx context.Context, job func()) bool {
	p.mu.Lock()
	stopped := p.stopped
	p.mu.Unlock()
	return !stopped && p.jobs.Send(ctx, job) == nil
}

// Stop lets the workers finish what is queued, and waits for them.
func (p *Pool) Stop() error {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.jobs.Close()
	return p.workers.Wait()
}
