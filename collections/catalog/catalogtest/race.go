package catalogtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

const (
	livesPerProcess = 3
	tasksPerLife    = 2
	roundsPerTask   = 3
	pauseMax        = 50  // between lives, in yields
	attemptsMax     = 100 // to begin an epoch
)

// Race lets processes, each with a view of its own of one catalog, take epochs,
// count mappings and add to them, in several tasks each, until they are fenced or
// have done enough. It returns an error if what they saw is not linearizable, or if
// a call had an error that nobody expects. The catalog may hold mappings that an
// earlier race has left behind, and no others.
func Race(ctx context.Context, rt *runtime.Runtime, processes ...catalog.Catalog) error {
	history, err := historyOf(ctx, processes[0])
	if err != nil {
		return err
	}
	group := rt.NewGroup(ctx)
	for i, c := range processes {
		name := fmt.Sprintf("process%d", i)
		rand := rt.Rand(name)
		group.Go(name, func(ctx context.Context) error {
			for range livesPerProcess {
				for range rand.IntN(pauseMax) { // so that the others get somewhere
					rt.Yield()
				}
				if err := live(ctx, rt, history, i*tasksPerLife, c); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return history.Check()
}

// historyOf returns the history of a catalog as it is now.
func historyOf(ctx context.Context, c catalog.Catalog) (*History, error) {
	epoch, err := beginLife(ctx, NewHistory(0), 0, c)
	if err != nil {
		return nil, err
	}
	start := 0
	for range attemptsMax {
		err = c.Update(ctx, epoch, func(d catalog.Draft) error {
			shards, err := d.Shards()
			start = len(shards)
			return err
		})
		if err == nil || !isExpected(err) {
			break
		}
	}
	return NewHistory(start), err
}

// live is one life of a process.
func live(ctx context.Context, rt *runtime.Runtime, h *History, client int, c catalog.Catalog) error {
	epoch, err := beginLife(ctx, h, client, c)
	if err != nil {
		return err
	}
	group := rt.NewGroup(ctx)
	for i := range tasksPerLife {
		group.Go(fmt.Sprintf("task%d", i), func(ctx context.Context) error {
			for range roundsPerTask {
				for _, call := range []func(context.Context, int, catalog.Catalog, int64) error{h.Count, h.Add} {
					err := call(ctx, client+i, c, epoch)
					var fenced *catalog.FencedError
					switch {
					case errors.As(err, &fenced):
						return nil
					case !isExpected(err):
						return err
					}
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// beginLife takes an epoch, and tries again when it does not hear of it.
func beginLife(ctx context.Context, h *History, client int, c catalog.Catalog) (epoch int64, err error) {
	for range attemptsMax {
		epoch, err = h.NextEpoch(ctx, client, c)
		if err == nil || !isExpected(err) {
			return epoch, err
		}
	}
	return 0, fmt.Errorf("catalogtest: no epoch in %d attempts: %w", attemptsMax, err)
}

// isExpected reports whether a call may end like this because an answer was lost.
func isExpected(err error) bool {
	if err == nil || errors.Is(err, persist.ErrUsage) {
		return err == nil
	}
	return errors.Is(err, persist.ErrDeterminate) || errors.Is(err, persist.ErrIndeterminate)
}
