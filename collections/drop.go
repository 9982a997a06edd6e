package collections

import (
	"context"
	"slices"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/internal/core"
)

// Drop drops collections for good. Each can be read for as long as holds or
// dependents keep it, by those who have them and by new holds; when nobody is left
// its contents are given up. After a restart of the process it is gone. Dropping
// what is being dropped does nothing.
//
// If a collection does not exist the error is a [*CollectionMissingError] about the
// first of those, and nothing is dropped. If the catalog was out of reach for as
// long as ctx lived, the collections may have been dropped from it; dropping them
// again makes up for it.
func (c *Controller) Drop(ctx context.Context, ids ...GlobalID) error {
	if c.catalog == nil {
		return ErrNoCatalog
	}
	in, err := c.begin(ctx)
	if err != nil {
		return err
	}
	return c.end(in, c.drop(in.ctx, ids))
}

func (c *Controller) drop(ctx context.Context, ids []GlobalID) error {
	begun, err := c.beginDrop(ids)
	if err != nil {
		return err
	}
	var refused error
	err = c.update(ctx, func(draft catalog.Draft) error {
		refused = c.prepareDrop(draft, ids, begun)
		return refused
	})
	if refused != nil { // nothing has happened, and nothing will
		c.endDrop(begun)
	}
	if err != nil {
		return err
	}
	_, err = c.step(func(k *core.Core) (core.Effects, error) { return k.Drop(ids...) }, nil)
	return err
}

// prepareDrop makes the intent to drop collections, all of which have to exist.
func (c *Controller) prepareDrop(draft catalog.Draft, ids []GlobalID, begun []*record) error {
	shards, err := draft.Shards()
	if err != nil {
		return err
	}
	for _, id := range ids {
		_, isMapped := shards[id]
		if !isMapped && !slices.ContainsFunc(begun, func(r *record) bool { return r.id == id }) {
			return &CollectionMissingError{ID: id}
		}
	}
	return c.prepare(draft, Change{Drop: ids})
}

// beginDrop marks collections as being dropped, so that nobody takes them for
// existing ones any more, and returns those that are in memory.
func (c *Controller) beginDrop(ids []GlobalID) ([]*record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var begun []*record
	for _, id := range ids {
		for _, reservation := range c.reservations {
			if reservation.Has(id) { // it is being created, and not there yet
				return nil, &CollectionMissingError{ID: id}
			}
		}
		if r := c.records[id]; r != nil && !r.isRemoved {
			begun = append(begun, r)
		}
	}
	for _, r := range begun {
		r.isDropping = true
	}
	return begun, nil
}

// endDrop takes beginDrop back.
func (c *Controller) endDrop(begun []*record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range begun {
		inside, err := c.core.Inspect(r.id)
		r.isDropping = err == nil && inside.IsDropping()
	}
}

// Remove drops collections whose drop was prepared by [Controller.Prepare] and
// committed: all in one moment. Metadata is what is committed now; if it still has a
// shard for one of the collections, the error is a [*StillMappedError], and nothing
// is dropped. Those that do not exist are passed over.
func (c *Controller) Remove(committed catalog.Metadata, ids ...GlobalID) error {
	for _, id := range ids {
		if _, isMapped := committed.Shard(id); isMapped {
			return &StillMappedError{ID: id}
		}
	}
	_, err := c.step(func(k *core.Core) (core.Effects, error) {
		if err := c.refusal(); err != nil {
			return core.Effects{}, err
		}
		for _, id := range ids {
			if r := c.records[id]; r != nil {
				r.isDropping = true
			}
		}
		return k.Drop(ids...)
	}, nil)
	return err
}

// SetReadPolicies sets read policies, all in one moment. Repeated ids take effect
// one after the other. A policy moves the since at once, if it asks for that, and
// whenever the upper moves; it never moves it back. Those that ask for what was given
// up before are returned: they have no effect until they ask for more.
//
// Policies are not durable: each process sets its own. If a collection does not
// exist the error is a [*CollectionMissingError] about the first of those, and no
// policy is set.
func (c *Controller) SetReadPolicies(ctx context.Context, changes ...PolicyChange) ([]Withheld, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	effects, err := c.step(func(k *core.Core) (core.Effects, error) {
		if err := c.refusal(); err != nil {
			return core.Effects{}, err
		}
		return k.SetPolicies(changes...)
	}, nil)
	return effects.Withheld, err
}
