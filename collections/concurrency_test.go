package collections_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestManyTasksShareAController protects users who call it from wherever they are: under
// the race detector every method meets every other one. No invariant breaks on the way,
// nothing fails but for reasons that the others have given, and in the end all is as if
// the calls had come one after the other.
func TestManyTasksShareAController(t *testing.T) {
	live(t, func(w *world) { w.hammer(6, 150) })
}

// TestAFewTasksShareAController protects the same in all the orders that a scheduler
// can find.
func TestAFewTasksShareAController(t *testing.T) {
	everywhere(t, func(w *world) { w.hammer(3, 8) })
}

// hammer lets tasks make so many random calls each, on collections that they share and
// on some of their own.
func (w *world) hammer(tasks, calls int) {
	w.Helper()
	p := w.open(collections.Config{DowngradesMax: 2, OpensMax: 2})
	p.create(described(u1), described(u2, u1), described(u3, u1))
	group := w.rt.NewGroup(w.ctx)
	for i := range tasks {
		h := &hammering{process: p, rand: w.rt.Rand(fmt.Sprint("hammer ", i)), own: collections.UserID(uint64(100 * (i + 1)))}
		group.Go("hammer", func(ctx context.Context) error {
			defer func() { h.holds.Close() }()
			for range calls {
				if err := h.call(ctx); !h.isExpected(err) {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		w.Error(err)
	}
	for range 200 { // an upper that is reported late may move a since once more
		p.settle()
		if !slices.ContainsFunc(p.Inspect().Collections, func(one collections.CollectionInspection) bool {
			return p.stored(one.Shard) != one.Read
		}) {
			break
		}
		_ = w.rt.Sleep(w.ctx, 20*time.Millisecond)
	}
	for _, one := range p.Inspect().Collections {
		if one.Broken != nil || len(one.Held) > 0 || p.stored(one.Shard) != one.Read {
			w.Errorf("durable is %v: %+v", p.stored(one.Shard), one)
		}
	}
	p.stop()
	if told, _ := p.fatal.Get(); len(told) > 0 {
		w.Errorf("ended by %v", told)
	}
}

// hammering is one of the tasks.
type hammering struct {
	*process
	rand  *runtime.Rand
	own   collections.GlobalID // what only this task creates and drops
	holds collections.Holds
}

// shared returns one of the collections that all tasks use.
func (h *hammering) shared() collections.GlobalID {
	return collections.UserID(runtime.Between[uint64](h.rand, 1, 3))
}

// isExpected reports whether a call may end like this when others do what they like.
func (h *hammering) isExpected(err error) bool {
	return err == nil || errors.Is(err, collections.ErrHoldClosed) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, new(*collections.SinceViolationError)) || errors.As(err, new(*collections.WrongCollectionError)) ||
		errors.As(err, new(*collections.ReadBeforeSinceError)) || errors.As(err, new(*persist.UpperMismatchError))
}

// call makes one random call.
func (h *hammering) call(ctx context.Context) error {
	switch h.rand.IntN(8) {
	case 0:
		return h.acquire(ctx)
	case 1, 2:
		return h.move()
	case 3:
		return h.steer(ctx)
	case 4:
		return h.write(ctx)
	case 5:
		return h.read(ctx)
	case 6:
		return h.createAndDrop(ctx)
	}
	h.look()
	return nil
}

// acquire acquires holds.
func (h *hammering) acquire(ctx context.Context) error {
	holds, err := h.Hold(ctx, h.shared(), h.shared())
	if err != nil {
		return err
	}
	at, err := h.HoldAt(ctx, holds[0].ID(), holds[0].Since())
	h.holds = append(append(h.holds, holds...), at)
	return err
}

// move moves one of the task's holds, or closes it.
func (h *hammering) move() error {
	if len(h.holds) == 0 {
		return nil
	}
	hold := h.holds[h.rand.IntN(len(h.holds))]
	switch h.rand.IntN(4) {
	case 0:
		since, _ := hold.Since().Time()
		return hold.Downgrade(frontier.At(since + 1))
	case 1:
		clone, err := hold.Clone()
		if err == nil {
			h.holds = append(h.holds, clone)
		}
		return err
	case 2:
		return hold.Merge(h.holds[h.rand.IntN(len(h.holds))])
	}
	hold.Close()
	return nil
}

// steer sets policies.
func (h *hammering) steer(ctx context.Context) error {
	lag, err := collections.LagBy(runtime.Between[uint64](h.rand, 0, 9), 2)
	if err != nil {
		return err
	}
	_, err = h.SetReadPolicies(ctx, collections.PolicyChange{ID: h.shared(), Policy: lag},
		collections.PolicyChange{ID: h.shared(), Policy: collections.StepBack()})
	return err
}

// write appends to a collection, to which others append too.
func (h *hammering) write(ctx context.Context) error {
	w, err := h.Writer(ctx, h.shared())
	if err != nil {
		return err
	}
	expected, err := w.FetchRecentUpper(ctx)
	if err != nil {
		return err
	}
	at, _ := expected.Time()
	updates := []persist.Update{{Row: []byte(h.own.String()), Time: at, Diff: 1}}
	if err := w.CompareAndAppend(ctx, updates, expected, frontier.At(at+2)); err != nil {
		return err
	}
	return w.Append(ctx, nil, expected, expected)
}

// read reads a collection as of a time that may be too early, or is still to come.
func (h *hammering) read(ctx context.Context) error {
	id := h.shared()
	f, err := h.Frontiers(id)
	if err != nil {
		return err
	}
	ctx, cancel := h.w.rt.WithTimeout(ctx, 1)
	defer cancel()
	upper, _ := f[0].Upper.Time()
	for _, err := range h.Snapshot(ctx, id, runtime.Between(h.rand, upper/2, upper+1)) {
		if err != nil {
			return err
		}
	}
	return nil
}

// createAndDrop takes a collection of the task's own through its life.
func (h *hammering) createAndDrop(ctx context.Context) error {
	h.own.Number++
	d := described(h.own, h.shared())
	if err := errors.Join(h.Create(ctx, d), h.Create(ctx, d)); err != nil {
		return err
	}
	hold, err := h.HoldAt(ctx, h.own, frontier.At(1<<40))
	if err != nil {
		return err
	}
	defer hold.Close()
	return errors.Join(h.Drop(ctx, h.own), h.Drop(ctx, h.own), h.Remove(catalog.Metadata{}, h.own))
}

// look looks at everything.
func (h *hammering) look() {
	seen := h.Inspect()
	for _, hold := range h.holds {
		_, _ = hold.Since(), hold.ID()
	}
	for _, id := range h.IDs() {
		_, _ = h.Frontiers(id) // it may be gone
	}
	if h.Err() != nil || seen.Epoch != h.Epoch() {
		h.w.Errorf("ended by %v", h.Err())
	}
}
