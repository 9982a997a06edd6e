package scenarios

import (
	"context"
	"errors"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Pipeline passes items through workers and is sometimes cancelled.
func Pipeline() sim.Scenario {
	return sim.Scenario{
		Name:  "pipeline",
		Doc:   "items go through workers in batches, by size or time; none is lost or doubled, also when cancelled",
		Run:   pipeline,
		Goals: []string{"batch-full", "batch-by-time", "pipeline-cancelled", "pipeline-drained"},
	}
}

// stages are the channels of one pipeline and what went in and out of it.
type stages struct {
	rt       *runtime.Runtime
	items    *runtime.Chan[int]
	batches  *runtime.Chan[[]int]
	sizeMax  int
	delayMax time.Duration
	accepted int
	seen     []bool
}

func pipeline(ctx context.Context, w *sim.World) error {
	rt := w.Runtime()
	rand := rt.Rand("pipeline")

	// Given a source, workers that collect batches, and a sink,
	total := runtime.Between(rand, 100, 240)
	s := &stages{
		rt:       rt,
		items:    runtime.NewChan[int](rt, rand.IntN(4)),
		batches:  runtime.NewChan[[]int](rt, rand.IntN(2)),
		sizeMax:  runtime.Between(rand, 1, 6),
		delayMax: time.Duration(runtime.Between(rand, 1, 20)) * time.Millisecond,
		seen:     make([]bool, total),
	}
	group := rt.NewGroup(ctx)
	sourceCtx, cancel := rt.WithCancel(group.Context())
	defer cancel()

	// when items flow, and sometimes the source is cancelled,
	if rand.Chance(3) {
		after := time.Duration(runtime.Between(rand, 100, 400)) * time.Millisecond
		group.Go("canceller", func(ctx context.Context) error {
			if err := rt.Sleep(ctx, after); err != nil {
				return err
			}
			cancel()
			return nil
		})
	}
	group.Go("source", func(context.Context) error { return s.source(sourceCtx, total) })
	workers := rt.NewGroup(group.Context())
	for range runtime.Between(rand, 1, 3) {
		workers.Go("worker", s.work)
	}
	group.Go("workers", func(context.Context) error {
		defer s.batches.Close()
		return workers.Wait()
	})
	group.Go("sink", s.sink)
	err := group.Wait()

	// then each item that was accepted comes out once.
	out := 0
	for _, seen := range s.seen {
		if seen {
			out++
		}
	}
	rt.Always(out == s.accepted, "pipeline-complete", "in", s.accepted, "out", out)
	rt.Sometimes(s.accepted == total, "pipeline-drained")
	rt.Sometimes(s.accepted < total, "pipeline-cancelled")
	return err
}

func (s *stages) source(ctx context.Context, total int) error {
	defer s.items.Close()
	rand := s.rt.Rand("source")
	for i := range total {
		if rand.Chance(4) {
			// A cancelled pause is noticed by the send.
			_ = s.rt.Sleep(ctx, time.Duration(rand.IntN(15))*time.Millisecond)
		}
		if err := s.items.Send(ctx, i); err != nil {
			return nil //nolint:nilerr // being cancelled is part of the plan
		}
		s.accepted++
	}
	return nil
}

// work collects items until there are enough, or until time is up.
func (s *stages) work(ctx context.Context) error {
	for {
		batch, open, err := s.collect(ctx)
		if len(batch) > 0 {
			if err := s.batches.Send(ctx, batch); err != nil {
				return err
			}
		}
		if err != nil || !open {
			return err
		}
	}
}

func (s *stages) collect(ctx context.Context) (batch []int, open bool, err error) {
	first, err := s.items.Recv(ctx)
	if err != nil {
		if errors.Is(err, runtime.ErrClosed) {
			err = nil
		}
		return nil, false, err
	}
	batch = append(batch, first)
	timer := s.rt.NewTimer(s.delayMax)
	defer timer.Stop()
	for len(batch) < s.sizeMax {
		r, err := runtime.Select2(ctx, s.items.RecvArm(), timer.C.RecvArm())
		switch {
		case err != nil:
			return batch, false, err
		case r.Index == 1:
			s.rt.Reachable("batch-by-time")
			return batch, true, nil
		case !r.OK:
			return batch, false, nil
		}
		batch = append(batch, r.V0)
	}
	s.rt.Sometimes(len(batch) > 1, "batch-full")
	return batch, true, nil
}

func (s *stages) sink(ctx context.Context) error {
	for batch, err := range s.batches.All(ctx) {
		if err != nil {
			return err
		}
		for _, i := range batch {
			s.rt.Always(!s.seen[i], "pipeline-once", "item", i)
			s.seen[i] = true
		}
	}
	return nil
}
