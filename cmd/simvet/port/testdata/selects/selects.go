// Package selects has select statements.
//
//sim:deterministic
package selects

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

type loop struct {
	rt       *runtime.Runtime
	in, out  chan int
	quit     chan struct{}
	interval time.Duration
}

func (l *loop) many(ctx context.Context) error {
	last := 0
	for {
		select {
		case v := <-l.in:
			last = v
		case l.out <- last:
			break
		case <-time.After(l.interval):
			continue
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *loop) terminating() int {
	select {
	case v, ok := <-l.in:
		if !ok {
			return 0
		}
		return v
	case <-l.quit:
		return 1
	}
}

func (l *loop) polls(ctx context.Context) (v int) {
	select {
	case <-ctx.Done():
		return 0
	default:
	}
	select {
	case v = <-l.in:
	default:
		v = 1
	}
	select {
	case l.out <- v:
	default:
	}
	select {
	case _, ok := <-l.in:
		if ok {
			v++
		}
	case <-l.quit:
	default:
	}
	return v
}

func (l *loop) single(ctx context.Context) (err error) {
	select {
	case l.out <- 1:
	case <-ctx.Done():
		err = ctx.Err()
	}
	select {
	case v, ok := <-l.in:
		if ok {
			l.out <- v
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-l.quit:
	}
	<-ctx.Done()
	return err
}
