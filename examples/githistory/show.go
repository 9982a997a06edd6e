package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/runtime"
)

// show does all that the command is for: it loads the history and, while that goes
// on, reads it. The error wraps errInterrupted if that is why it has ended.
func show(ctx context.Context, rt *runtime.Runtime, o options, out io.Writer) error {
	started := rt.Now()
	r, err := openRepository(ctx, o.repository)
	if err != nil {
		return interruption(ctx, err, 0)
	}
	commits, hasOlder, err := r.history(ctx, o.limit)
	if err != nil {
		return interruption(ctx, err, 0)
	}
	p, err := newPlan(commits, o)
	if err != nil {
		return err
	}
	c, err := openCollection(ctx, rt, cmp.Or(o.bucket, o.directory))
	if err != nil {
		return interruption(ctx, err, 0)
	}
	l := newLoader(rt, r, p, c, newReport(rt, started, p, out))
	l.report.opening(r, hasOlder)
	err = l.run(ctx, rt)
	loaded, _ := l.loaded.Get()
	err = interruption(ctx, err, loaded)
	if closeErr := c.close(); err == nil {
		return closeErr
	}
	return err
}

// run takes a hold, lets go of the rest by policy, and runs all tasks to their end.
func (l *loader) run(ctx context.Context, rt *runtime.Runtime) error {
	hold, err := l.collection.hold(ctx, l.plan.asOf)
	if err != nil {
		return err
	}
	defer hold.Close()
	if err := l.collection.keep(ctx, l.plan.lag, l.plan.granularity); err != nil {
		return err
	}
	group := rt.NewGroup(ctx)
	group.Go("walk", l.walk)
	group.Go("load", l.load)
	group.Go("read", func(ctx context.Context) error { return l.observe(ctx, hold) })
	if err := group.Wait(); err != nil {
		return err
	}
	l.report.closing(l.updates)
	return nil
}

// observe reads the collection as of the date: once as soon as it can be, and once
// more when everything is loaded and nothing but the hold keeps that date readable.
func (l *loader) observe(ctx context.Context, hold *collections.Hold) error {
	rows, err := l.collection.read(ctx, l.plan.asOf)
	if err != nil {
		return err
	}
	loaded, _ := l.loaded.Get()
	l.report.tree(rows, loaded)
	l.isRead.Set(true)
	target := l.plan.commits[l.plan.steps[l.plan.target].last]
	expected, err := l.repository.rowsOf(ctx, target)
	if err != nil {
		return err
	}
	if err := compare(target, rows, expected); err != nil {
		return err
	}
	l.report.checked(target, rows)
	return l.release(ctx, hold, rows)
}

// release reads once more when everything is loaded, and gives the hold up.
func (l *loader) release(ctx context.Context, hold *collections.Hold, before []row) error {
	if err := waitUntil(ctx, l.isLoaded); err != nil {
		return err
	}
	upper := frontier.At(l.plan.upper(len(l.plan.steps) - 1))
	held, err := l.collection.waitFor(ctx, func(c collections.CollectionInspection) bool { return c.Upper == upper })
	if err != nil {
		return err
	}
	rows, err := l.collection.read(ctx, l.plan.asOf)
	if err != nil {
		return err
	}
	if !slices.Equal(rows, before) {
		return fmt.Errorf("MISMATCH: two reads as of %s differ", formatTime(l.plan.asOf))
	}
	l.report.held(held)
	hold.Close()
	released, err := l.collection.waitFor(ctx, func(c collections.CollectionInspection) bool {
		return c.Read == c.Implied && c.Durable == c.Read
	})
	if err != nil {
		return err
	}
	return l.refused(ctx, released)
}

// refused reads for the last time, which fails if the policy has let go of the date.
func (l *loader) refused(ctx context.Context, released collections.CollectionInspection) error {
	_, err := l.collection.read(ctx, l.plan.asOf)
	var tooEarly *collections.ReadBeforeSinceError
	isRefused := errors.As(err, &tooEarly)
	if err != nil && !isRefused {
		return err
	}
	if isReadable := released.Read.LessEqualTime(l.plan.asOf); isReadable == isRefused {
		return fmt.Errorf("MISMATCH: readable from %v on, but a read as of %d is refused: %t",
			released.Read, l.plan.asOf, isRefused)
	}
	l.report.released(released, isRefused)
	return nil
}
