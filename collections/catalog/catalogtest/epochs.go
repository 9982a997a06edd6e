package catalogtest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

func epochsIncrease(t *testing.T, first, second catalog.Catalog) {
	last := int64(0)
	for i := range 6 {
		epoch := nextEpoch(t, []catalog.Catalog{first, second}[i%2])
		if epoch <= last {
			t.Errorf("epoch %d after %d", epoch, last)
		}
		last = epoch
	}
}

func epochsDiffer(t *testing.T, first, second catalog.Catalog) {
	const tasks, rounds = 8, 25
	var epochs [tasks][]int64
	group := runtime.New(runtime.Options{}).NewGroup(t.Context())
	for i := range tasks {
		c := []catalog.Catalog{first, second}[i%2]
		group.Go("process", func(ctx context.Context) error {
			for range rounds {
				epoch, err := c.NextEpoch(ctx)
				if err != nil {
					return err
				}
				epochs[i] = append(epochs[i], epoch)
			}
			return nil
		})
	}
	must(t, group.Wait())
	for _, own := range epochs {
		if !slices.IsSorted(own) {
			t.Errorf("one process was given %v", own)
		}
	}
	all := slices.Sorted(slices.Values(slices.Concat(epochs[:]...)))
	if all[0] < 1 || len(slices.Compact(slices.Clone(all))) != tasks*rounds {
		t.Errorf("not distinct, or not positive: %v", all)
	}
}

func epochNeverBegan(t *testing.T, c, _ catalog.Catalog) {
	wantNever := func(epoch, newest int64) {
		t.Helper()
		err := c.Update(t.Context(), epoch, insert(u1, shard(1)))
		var never *catalog.EpochError
		if !errors.As(err, &never) || *never != (catalog.EpochError{Epoch: epoch, Newest: newest}) {
			t.Errorf("epoch %d of %d: %v, want an EpochError", epoch, newest, err)
		}
		if !errors.Is(err, persist.ErrUsage) || !errors.Is(err, persist.ErrDeterminate) {
			t.Errorf("epoch %d of %d: %v; want it to be determinate, and of usage", epoch, newest, err)
		}
	}
	wantNever(1, 0)
	epoch := nextEpoch(t, c)
	wantNever(0, epoch)
	wantNever(-1, epoch)
	wantNever(epoch+1, epoch)
	wantContent(t, c, epoch, content{})
}

func epochFenced(t *testing.T, first, second catalog.Catalog) {
	older := nextEpoch(t, first)
	update(t, first, older, insert(u1, shard(1)))
	newer := nextEpoch(t, second)
	err := first.Update(t.Context(), older, insert(u2, shard(2)))
	wantFenced(t, err, older, newer)
	if !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("%v; want it to be determinate", err)
	}
	wantFenced(t, first.Update(t.Context(), older, func(catalog.Draft) error { return nil }), older, newer)
	wantContent(t, second, newer, content{Shards: mappings{u1: shard(1)}})
	update(t, first, newer, insert(u2, shard(2))) // it is the epoch that counts, not the view
	wantContent(t, second, newer, content{Shards: mappings{u1: shard(1), u2: shard(2)}})
}

func epochFencedMeanwhile(t *testing.T, first, second catalog.Catalog) {
	for _, change := range []func(d catalog.Draft) error{
		insert(u1, shard(1)),
		func(d catalog.Draft) error { // only reads
			_, err := d.Shards()
			return err
		},
	} {
		older := nextEpoch(t, first)
		newer := int64(0)
		err := first.Update(t.Context(), older, func(d catalog.Draft) error {
			if err := change(d); err != nil {
				return err
			}
			if newer == 0 {
				newer = nextEpoch(t, second)
			}
			return nil
		})
		wantFenced(t, err, older, newer)
		wantContent(t, second, newer, content{})
	}
}

func cancelled(t *testing.T, c, other catalog.Catalog) {
	epoch := nextEpoch(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := c.Update(ctx, epoch, insert(u1, shard(1)))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("update under a cancelled context: %v", err)
	}
	_, err = c.NextEpoch(ctx)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("next epoch under a cancelled context: %v", err)
	}
	wantContent(t, other, epoch, content{}) // also: no epoch has begun
}

func cancelledMeanwhile(t *testing.T, c, other catalog.Catalog) {
	epoch := nextEpoch(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	err := c.Update(ctx, epoch, func(d catalog.Draft) error {
		cancel()
		return d.InsertShards(mappings{u1: shard(1)})
	})
	switch {
	case err == nil: // too late to be noticed
		wantContent(t, other, epoch, content{Shards: mappings{u1: shard(1)}})
	case !errors.Is(err, context.Canceled):
		t.Errorf("update under a context that was cancelled meanwhile: %v", err)
	case errors.Is(err, persist.ErrDeterminate):
		wantContent(t, other, epoch, content{})
	}
}
