// Package leftovers has what is left for work by hand; it does not compile
// after the rewriting.
//
//sim:deterministic
package leftovers

import (
	"context"
	"os"
	"os/signal"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

type queue struct {
	rt   *runtime.Runtime
	jobs chan int
}

type named chan int

func (n named) method() {}

func (q *queue) expression(n int) {
	q.jobs <- n + <-q.jobs
	q.jobs = make(named)
}

func (q *queue) foreign(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals)
	done := ctx.Done()
	<-done
	select {
	case <-q.jobs:
		q.jobs <- 2
	case <-done:
	}
}

func (q *queue) selects(ctx context.Context) {
	select {
	case <-q.jobs:
	case <-ctx.Done():
	default:
	}
	select {}
}

func (q *queue) shadowed(context int) {
	q.jobs <- context
	go println(context)
}

func unreachable(ch chan int) {
	select {
	case <-ch:
	case <-time.After(time.Second):
		go println(1)
	}
}

func without() chan int {
	deadline := time.After(time.Second)
	<-deadline
	return make(chan int)
}
