package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// collection is one collection of rows, in a store of its own.
type collection struct {
	rt         *runtime.Runtime
	store      *store
	client     *persist.Client
	controller *collections.Controller
	writer     *collections.Writer
	id         collections.GlobalID
	// seen is what the controller has told last.
	seen *runtime.Watch[sight]
}

// sight is what the controller has told of the collection, with a version that
// increases, and of its own end.
type sight struct {
	version uint64
	collections.CollectionInspection
	ended error
}

// openCollection makes an empty collection at a location, see openStore, which keeps
// all its history. Its owner closes it.
func openCollection(ctx context.Context, rt *runtime.Runtime, location string) (*collection, error) {
	c := &collection{rt: rt, id: collections.UserID(1), seen: runtime.NewWatch(rt, sight{})}
	var err error
	if c.store, err = openStore(ctx, rt, location); err != nil {
		return nil, err
	}
	if c.client, err = persist.New(rt, c.store.blob, c.store.consensus, persist.Config{}); err != nil {
		return nil, errors.Join(err, c.store.close())
	}
	c.controller, err = collections.Open(ctx, rt, c.client, collections.Config{
		Events: collections.Events{Stepped: c.look},
	})
	if err != nil {
		c.client.Close()
		return nil, errors.Join(err, c.store.close())
	}
	if err = c.controller.Create(ctx, collections.Description{ID: c.id}); err == nil {
		c.writer, err = c.controller.Writer(ctx, c.id)
	}
	if err != nil {
		_ = c.close() // the first error tells more
		return nil, err
	}
	return c, nil
}

// look keeps what the controller tells after each of its steps.
func (c *collection) look(all collections.Inspection) {
	next := sight{version: all.Version, ended: all.Ended}
	for _, one := range all.Collections {
		if one.ID == c.id {
			next.CollectionInspection = one
		}
	}
	c.seen.Update(func(old sight) (sight, bool) { return next, next.version > old.version })
}

// waitFor returns what there is to know of the collection, once that is so. The
// error is that of ctx, or the one that has ended the controller or the shard.
func (c *collection) waitFor(
	ctx context.Context, isSo func(collections.CollectionInspection) bool,
) (collections.CollectionInspection, error) {
	now, _, err := c.seen.WaitFor(ctx, func(s sight) bool {
		return s.ended != nil || s.Broken != nil || s.ID == c.id && isSo(s.CollectionInspection)
	})
	if err == nil {
		err = cmp.Or(now.ended, now.Broken)
	}
	return now.CollectionInspection, err
}

// append adds updates and moves the upper from lower to upper.
func (c *collection) append(ctx context.Context, updates []persist.Update, lower, upper uint64) error {
	return c.writer.CompareAndAppend(ctx, updates, frontier.At(lower), frontier.At(upper))
}

// keep sets the policy: the latest lag is kept, rounded to the granularity.
func (c *collection) keep(ctx context.Context, lag, granularity uint64) error {
	policy, err := collections.LagBy(lag, granularity)
	if err != nil {
		return err
	}
	_, err = c.controller.SetReadPolicies(ctx, collections.PolicyChange{ID: c.id, Policy: policy})
	return err
}

// hold keeps the collection readable from a time on, whatever the policy says.
func (c *collection) hold(ctx context.Context, from uint64) (*collections.Hold, error) {
	return c.controller.HoldAt(ctx, c.id, frontier.At(from))
}

// read returns the rows as of a time, ordered by path. It waits until the upper is
// beyond that time.
func (c *collection) read(ctx context.Context, asOf uint64) ([]row, error) {
	var rows []row
	for u, err := range c.controller.Snapshot(ctx, c.id, asOf) {
		if err != nil {
			return nil, err
		}
		r, err := decodeRow(u.Row)
		if err != nil {
			return nil, err
		}
		if u.Diff != 1 {
			return nil, fmt.Errorf("path %q is in the collection %d times", r.path, u.Diff)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// close ends the collection, and the store with it.
func (c *collection) close() error {
	ctx, cancel := c.rt.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := c.controller.Close(ctx)
	c.client.Close()
	return errors.Join(err, c.store.close())
}
