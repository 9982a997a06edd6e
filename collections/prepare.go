package collections

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/persist"
)

// Change is what a transaction is to do to collections.
type Change struct {
	// Create are collections that get a shard of their own.
	Create []GlobalID
	// Register are collections on shards that exist.
	Register map[GlobalID]persist.ShardID
	// Drop are collections that lose their shard. Those without one are passed
	// over.
	Drop []GlobalID
}

// Prepare adds to a transaction of the caller what has to be durable before a
// change of collections: new shards, and which shards are given up. It has no other
// effect. After the commit come [Controller.Install] for what was created, and
// [Controller.Remove] for what was dropped; if there is no commit, nothing. After
// an error the transaction is to be aborted.
//
// A shard is given up when the last of its collections is dropped, and never comes
// back: the error is a [*ShardRetiredError] if one is registered again. It is a
// [*catalog.MappedError] if a collection has a shard already, and wraps
// [persist.ErrUsage] if an id is repeated or makes no sense.
func (c *Controller) Prepare(transaction catalog.Transaction, change Change) error {
	if err := c.Err(); err != nil {
		return err
	}
	return c.prepare(transaction, change)
}

func (c *Controller) prepare(t catalog.Transaction, change Change) error {
	if err := change.validate(); err != nil {
		return err
	}
	unfinalized, err := t.Unfinalized()
	if err != nil {
		return err
	}
	inserts := make(map[GlobalID]persist.ShardID, len(change.Create)+len(change.Register))
	for _, id := range change.Create {
		inserts[id] = c.client.NewShardID()
	}
	for _, id := range sortedIDs(change.Register) {
		shard := change.Register[id]
		if slices.Contains(unfinalized, shard) {
			return &ShardRetiredError{ID: id, Shard: shard}
		}
		inserts[id] = shard
	}
	if err := t.InsertShards(inserts); err != nil {
		return err
	}
	removed, err := t.DeleteShards(change.Drop...)
	if err != nil {
		return err
	}
	return retire(t, removed)
}

// retire lists the removed shards that no collection has any more as unfinalised, in
// the same transaction: there is no moment when one is neither mapped nor listed.
func retire(t catalog.Transaction, removed map[GlobalID]persist.ShardID) error {
	if len(removed) == 0 {
		return nil
	}
	remaining, err := t.Shards()
	if err != nil {
		return err
	}
	used := make(map[persist.ShardID]bool, len(remaining))
	for _, shard := range remaining {
		used[shard] = true
	}
	var retired []persist.ShardID
	for _, id := range sortedIDs(removed) {
		if !used[removed[id]] {
			retired = append(retired, removed[id])
		}
	}
	return t.InsertUnfinalized(retired...)
}

func (change Change) validate() error {
	seen := make(map[GlobalID]bool)
	for _, id := range slices.Concat(change.Create, sortedIDs(change.Register)) {
		if !id.IsValid() || seen[id] {
			return fmt.Errorf("collections: prepare %v, which is repeated or no id: %w", id, persist.ErrUsage)
		}
		seen[id] = true
	}
	for _, id := range change.Drop {
		if seen[id] {
			return fmt.Errorf("collections: prepare to create and to drop %v: %w", id, persist.ErrUsage)
		}
	}
	return nil
}

func sortedIDs(shards map[GlobalID]persist.ShardID) []GlobalID {
	return slices.SortedFunc(maps.Keys(shards), GlobalID.Compare)
}

// update makes a change in the controller's own catalog, however often it takes: the
// change looks at what is there, and so settles answers that were lost.
func (c *Controller) update(ctx context.Context, change func(catalog.Draft) error) error {
	var refused error // by change itself
	err := c.retry(ctx, func() error {
		refused = nil
		return c.catalog.Update(ctx, c.epoch, func(draft catalog.Draft) error {
			refused = change(draft)
			return refused
		})
	}, func() bool { return refused != nil })
	var fenced *catalog.FencedError
	if errors.As(err, &fenced) {
		return c.fail(&FencedError{Ours: fenced.Ours, Actual: fenced.Actual})
	}
	return err
}

const (
	retryMin = 10 * time.Millisecond
	retryMax = 5 * time.Second
)

// retry calls the catalog until it answers, or ctx ends. isFinal tells about errors
// that are answers too.
func (c *Controller) retry(ctx context.Context, op func() error, isFinal ...func() bool) error {
	for pause := retryMin; ; pause = min(2*pause, retryMax) {
		err := op()
		var fenced *catalog.FencedError
		if err == nil || errors.As(err, &fenced) || errors.Is(err, persist.ErrUsage) {
			return err
		}
		if slices.ContainsFunc(isFinal, func(is func() bool) bool { return is() }) {
			return err
		}
		if waitErr := c.rt.Sleep(ctx, pause); waitErr != nil {
			return fmt.Errorf("%w: %w", waitErr, err)
		}
	}
}
