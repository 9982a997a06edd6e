package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// queueSize is how many steps the walk through git may be ahead of the appends.
const queueSize = 16

// loader brings the history into the collection, by two tasks: walk asks git and
// computes updates, load appends them.
type loader struct {
	repository *repository
	plan       plan
	collection *collection
	report     *report
	queue      *runtime.Chan[[]persist.Update] // of the steps, in their order
	// loaded is how many commits are in the collection.
	loaded *runtime.Watch[int]
	// isRead says that the collection has been read once.
	isRead *runtime.Watch[bool]
	// isLoaded says that all is loaded, and told.
	isLoaded *runtime.Watch[bool]
	// updates is how many updates were appended; it belongs to load.
	updates int
}

func newLoader(rt *runtime.Runtime, r *repository, p plan, c *collection, out *report) *loader {
	return &loader{
		repository: r, plan: p, collection: c, report: out,
		queue:  runtime.NewChan[[]persist.Update](rt, queueSize),
		loaded: runtime.NewWatch(rt, 0),
		isRead: runtime.NewWatch(rt, false), isLoaded: runtime.NewWatch(rt, false),
	}
}

// walk computes the updates of each step, and queues them.
func (l *loader) walk(ctx context.Context) error {
	counter, err := newLineCounter(ctx, l.repository.git)
	if err != nil {
		return err
	}
	defer counter.close()
	changes, err := l.repository.changesBetween(ctx, l.plan.commits)
	if err != nil {
		return err
	}
	defer changes.close()
	files := make(tree)
	for _, s := range l.plan.steps {
		var updates []persist.Update
		for _, c := range l.plan.commits[s.first : s.last+1] {
			of, err := updatesOf(files, changes, s.time, counter)
			if err != nil {
				return fmt.Errorf("commit %s: %w", c.short(), err)
			}
			updates = append(updates, of...)
		}
		if err := l.queue.Send(ctx, updates); err != nil {
			return err
		}
	}
	if _, err := changes.next(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// updatesOf takes the files from one commit to the next.
func updatesOf(files tree, changes *changeReader, time uint64, counter *lineCounter) ([]persist.Update, error) {
	of, err := changes.next()
	if err != nil {
		return nil, err
	}
	return files.apply(of, time, counter.lines)
}

// load appends each step once it is there. The last one waits until the collection
// was read once, if that is possible before: so even a history of two commits is
// read while it grows.
func (l *loader) load(ctx context.Context) error {
	last := len(l.plan.steps) - 1
	for n, s := range l.plan.steps {
		updates, err := l.queue.Recv(ctx)
		if err != nil {
			return err
		}
		if n == last && l.plan.target < last {
			if err := waitUntil(ctx, l.isRead); err != nil {
				return err
			}
		}
		if err := l.collection.append(ctx, updates, l.plan.lower(n), l.plan.upper(n)); err != nil {
			return fmt.Errorf("commit %s: %w", l.plan.commits[s.last].short(), err)
		}
		l.updates += len(updates)
		l.loaded.Set(s.last + 1)
		if err := l.progress(ctx, n); err != nil {
			return err
		}
	}
	l.isLoaded.Set(true)
	return nil
}

// waitUntil waits until something is true.
func waitUntil(ctx context.Context, something *runtime.Watch[bool]) error {
	_, _, err := something.WaitFor(ctx, func(isSo bool) bool { return isSo })
	return err
}

// progressLines is about how many lines tell about progress.
const progressLines = 8

// progress reports where the collection is after a step, now and then.
func (l *loader) progress(ctx context.Context, n int) error {
	s, all := l.plan.steps[n], len(l.plan.commits)
	if s.first*progressLines/all == (s.last+1)*progressLines/all && s.first > 0 {
		return nil
	}
	upper := frontier.At(l.plan.upper(n))
	now, err := l.collection.waitFor(ctx, func(c collections.CollectionInspection) bool {
		return upper.LessEqual(c.Upper)
	})
	if err == nil {
		l.report.progress(s.last+1, now)
	}
	return err
}
