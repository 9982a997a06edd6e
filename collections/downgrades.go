package collections

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// take takes up what a step has led to, under the lock.
func (c *Controller) take(effects core.Effects) {
	for _, id := range effects.Removed {
		if r := c.records[id]; r != nil {
			r.isRemoved = true
			r.stopWatch()
		}
	}
	for _, d := range effects.Downgrades {
		if r := c.records[d.ID]; r != nil {
			c.want(r, d.Since)
		}
	}
}

// want asks for a since to become durable, under the lock. Wishes for one shard
// are joined: only the latest counts, and at most one is under way.
func (c *Controller) want(r *record, since frontier.Antichain) {
	r.wanted = r.wanted.Join(since)
	if r.isQueued || r.isBusy || r.broken != nil || !r.durable.LessThan(r.wanted) {
		return
	}
	r.isQueued = true
	if r.wanted.IsEmpty() {
		c.queue = slices.Insert(c.queue, 0, r) // ends come first: finalisation waits for them
	} else {
		c.queue = append(c.queue, r)
	}
	if c.running < min(c.config.DowngradesMax, len(c.queue)) {
		c.setRunning(c.running + 1)
		c.group.Go("downgrade", c.downgradeAll)
	}
}

// setRunning changes the number of tasks that make sinces durable, under the lock.
func (c *Controller) setRunning(running int) {
	c.running = running
	c.downgraders.Set(running)
}

// downgradeAll is a task that makes sinces durable until none is wanted.
func (c *Controller) downgradeAll(ctx context.Context) error {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 || ctx.Err() != nil {
			c.setRunning(c.running - 1)
			c.mu.Unlock()
			return nil
		}
		r := c.queue[0]
		c.queue = slices.Delete(c.queue, 0, 1)
		isAlone := !r.isBusy
		r.isQueued, r.isBusy = false, true
		wanted := r.wanted
		c.mu.Unlock()
		c.rt.Always(isAlone, "I-24", "collection", r.id, "downgrades", "two at once")

		since, err := r.since.CompareAndDowngrade(ctx, opaqueOf(c.epoch), opaqueOf(c.epoch), wanted)
		c.downgraded(ctx, r, since, err)
	}
}

// downgraded takes the answer of a downgrade up. The collection stays busy until
// everybody was told, so that its events come in the order of its sinces.
func (c *Controller) downgraded(ctx context.Context, r *record, since frontier.Antichain, err error) {
	if fatal := c.fatalDowngrade(r.shard, err); fatal != nil {
		_ = c.fail(fatal)
	}
	switch {
	case err == nil && c.config.Events.Downgraded != nil:
		c.config.Events.Downgraded(r.id, r.shard, since)
	case err != nil && ctx.Err() == nil:
		c.rt.Logger().Error("a since does not move any more", "collection", r.id, "shard", r.shard, "error", err)
	}
	c.mu.Lock()
	r.isBusy = false
	switch {
	case err == nil:
		r.durable = since
		if since.IsEmpty() {
			delete(c.records, r.id)
		} else {
			c.want(r, r.wanted)
		}
	case ctx.Err() == nil:
		r.broken = err
	}
	seen := c.publish(nil, r.id)
	c.mu.Unlock()
	c.tell(seen)
}

// fatalDowngrade returns the fatal error that the error of a downgrade amounts to,
// nil if it is none.
func (c *Controller) fatalDowngrade(shard persist.ShardID, err error) error {
	var owner *persist.OwnerError
	if !errors.As(err, &owner) {
		return nil
	}
	actual, err := epochOf(owner.Actual)
	if err == nil && isNewer(actual, c.epoch) {
		return &FencedError{Ours: c.epoch, Actual: actual, Shard: shard}
	}
	return &InvariantError{
		Invariant: "I-30",
		Details:   fmt.Sprintf("shard %v went from epoch %d to %v", shard, c.epoch, owner.Actual),
	}
}

// openSince takes the capability on a shard over from older epochs, and moves it to
// since unless it is further ahead. The error is a [*FencedError] if a newer one has
// it.
func (c *Controller) openSince(
	ctx context.Context, shard persist.ShardID, since frontier.Antichain,
) (*persist.Since, error) {
	handle, err := c.client.OpenSince(ctx, shard, controllerReader, opaqueOf(noEpoch), "collections")
	if err != nil {
		return nil, err
	}
	since = handle.Since().Join(since)
	for {
		stored := handle.Opaque()
		actual, err := epochOf(stored)
		if err != nil {
			return nil, err
		}
		if isNewer(actual, c.epoch) {
			return nil, &FencedError{Ours: c.epoch, Actual: actual, Shard: shard}
		}
		_, err = handle.CompareAndDowngrade(ctx, stored, opaqueOf(c.epoch), since)
		var owner *persist.OwnerError
		if err == nil {
			return handle, nil
		}
		if !errors.As(err, &owner) { // otherwise the handle has learned who owns it
			return nil, err
		}
	}
}
