package collections_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestAConfigurationThatMakesNoSenseIsRefused protects programs from starting with
// one, and people from guessing what is wrong with it.
func TestAConfigurationThatMakesNoSenseIsRefused(t *testing.T) {
	live(t, func(w *world) {
		p := w.start()
		defer p.client.Close()
		for name, config := range map[string]collections.Config{
			"OpensMax -1":      {OpensMax: -1},
			"DowngradesMax -2": {DowngradesMax: -2},
			"an epoch beside":  {Catalog: w.catalog.View(w.rt), Epoch: 3},
		} {
			_, opened := collections.Open(w.ctx, w.rt, p.client, config)
			for _, err := range []error{config.Validate(), opened} {
				w.want(name, err, persist.ErrUsage)
				if !strings.Contains(err.Error(), name) {
					t.Errorf("%q does not say %q", err, name)
				}
			}
		}
		if w.catalog.Inspect().Epoch != 0 {
			t.Error("an epoch has begun")
		}
		for _, config := range []collections.Config{
			{}, {OpensMax: 1, DowngradesMax: 1, Epoch: -5}, {Catalog: w.catalog.View(w.rt)},
		} {
			w.must(config.Validate())
		}
	})
}

// TestOpenNeedsAClientAndTime protects callers of Open from half a controller: there
// is one, or an error that says why.
func TestOpenNeedsAClientAndTime(t *testing.T) {
	live(t, func(w *world) {
		_, err := collections.Open(w.ctx, w.rt, nil, collections.Config{Catalog: w.catalog.View(w.rt)})
		w.want("no client", err, persist.ErrUsage)
		if !strings.Contains(err.Error(), "client") {
			t.Errorf("%q does not say what is missing", err)
		}
		ended, cancel := context.WithCancel(w.ctx)
		cancel()
		p := w.start()
		defer p.client.Close()
		c, err := collections.Open(ended, w.rt, p.client, collections.Config{Catalog: w.catalog.View(w.rt)})
		w.want("no time", err, context.Canceled)
		if c != nil || w.catalog.Inspect().Epoch != 0 {
			t.Errorf("opened %v, and begun epoch %d", c, w.catalog.Inspect().Epoch)
		}
	})
}

// TestOpenIsCutShort protects a program that gives up while shards are opened: all
// that has begun ends, nothing is left in the way of the next attempt.
func TestOpenIsCutShort(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2, u1))
		p.stop()
		q := w.start()
		q.stall(collections.GlobalID{})
		ctx, cancel := w.rt.WithCancel(w.ctx)
		task := w.rt.Go(ctx, "open", func(ctx context.Context) error {
			_, err := collections.Open(ctx, w.rt, q.client, collections.Config{Catalog: w.catalog.View(w.rt)})
			return err
		})
		q.awaitStalled(1)
		cancel()
		w.want("cut short", task.Wait(w.ctx), context.Canceled)
		q.unstall()
		w.must(q.open())
		if ids := q.IDs(); !slices.Equal(ids, []collections.GlobalID{u1, u2}) {
			w.Errorf("opened %v", ids)
		}
		q.stop()
	})
}

// TestTheZeroConfigurationHasACatalogOfItsOwn protects the first line that a newcomer
// writes.
func TestTheZeroConfigurationHasACatalogOfItsOwn(t *testing.T) {
	live(t, func(w *world) {
		p := w.start()
		defer p.client.Close()
		c, err := collections.Open(w.ctx, w.rt, p.client, collections.Config{})
		w.must(err)
		w.must(c.Create(w.ctx, described(u1)))
		if c.Epoch() != 1 || !slices.Equal(c.IDs(), []collections.GlobalID{u1}) || w.catalog.Inspect().Commits != 0 {
			t.Errorf("epoch %d with %v", c.Epoch(), c.IDs())
		}
		w.must(c.Close(w.ctx))
	})
}

// TestLimitsAreKept protects stores from too many operations at once: no more shards
// are opened, and no more sinces are moved, than the configuration says.
func TestLimitsAreKept(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open(collections.Config{OpensMax: 2, DowngradesMax: 1})
		p.stall(collections.GlobalID{})
		created := w.rt.Go(w.ctx, "create", func(ctx context.Context) error {
			return p.Create(ctx, described(u1), described(u2), described(u3))
		})
		p.awaitStalled(2)
		p.unstall()
		w.must(created.Wait(w.ctx))
		if p.log.insideMax() > 2 {
			w.Errorf("%d shards were opened at the same time", p.log.insideMax())
		}
		p.stall(collections.GlobalID{})
		var changes []collections.PolicyChange
		for _, id := range p.IDs() {
			changes = append(changes, collections.PolicyChange{ID: id, Policy: collections.ValidFrom(frontier.At(5))})
		}
		p.log.forget()
		_, err := p.SetReadPolicies(w.ctx, changes...)
		w.must(err)
		p.awaitStalled(3)
		p.unstall()
		p.settle()
		if p.log.insideMax() != 1 {
			w.Errorf("%d sinces were moved at the same time", p.log.insideMax())
		}
		p.stop()
	})
}

// TestWithoutACatalogThereIsNoCreateAndDrop protects embedders from losing shards: what
// their own catalog does not know must not come into being.
func TestWithoutACatalogThereIsNoCreateAndDrop(t *testing.T) {
	live(t, func(w *world) {
		p := w.open(collections.Config{Epoch: 7})
		defer p.stop()
		p.refused(map[string]func() error{
			"create": func() error { return p.Create(w.ctx, described(u1)) },
			"drop":   func() error { return p.Drop(w.ctx, u1) },
		}, collections.ErrNoCatalog)
		if p.Epoch() != 7 {
			t.Errorf("epoch %d", p.Epoch())
		}
	})
}

// TestTheCatalogIsAskedUntilItAnswers protects against catalogs that are out of reach
// for a while, or lose answers: what was done once is not done twice.
func TestTheCatalogIsAskedUntilItAnswers(t *testing.T) {
	live(t, func(w *world) {
		p := w.start()
		defer p.client.Close()
		lossy := &lossy{Catalog: w.catalog.View(w.rt), rt: w.rt}
		c, err := collections.Open(w.ctx, w.rt, p.client, collections.Config{Catalog: lossy})
		w.must(err)
		w.must(c.Create(w.ctx, described(u1)))
		w.must(c.Drop(w.ctx, u1))
		if state := w.catalog.Inspect(); state.Commits != 2 || len(state.Unfinalized) != 1 || c.Epoch() != 2 {
			t.Errorf("epoch %d, %+v", c.Epoch(), state)
		}
		w.must(c.Close(w.ctx))
	})
}

// lossy is a catalog whose every other answer is lost, after the effect.
type lossy struct {
	catalog.Catalog
	rt    *runtime.Runtime
	calls int
}

var errLost = errors.New("lost")

func (l *lossy) answer(err error) error {
	if l.calls++; err == nil && l.calls%2 == 1 {
		return errLost
	}
	return err
}

// NextEpoch implements [catalog.Catalog].
func (l *lossy) NextEpoch(ctx context.Context) (int64, error) {
	epoch, err := l.Catalog.NextEpoch(ctx)
	return epoch, l.answer(err)
}

// Update implements [catalog.Catalog].
func (l *lossy) Update(ctx context.Context, epoch int64, change func(catalog.Draft) error) error {
	return l.answer(l.Catalog.Update(ctx, epoch, change))
}
