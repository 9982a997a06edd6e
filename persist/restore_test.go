package persist_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// restoring is a shard whose log will be lost.
type restoring struct {
	rt    *runtime.Runtime
	store *memory.Store
	shard persist.ShardID
}

// life is what a process does, from an upper to another: it appends, and gives up most
// of what was, so that objects are merged and deleted.
func (r *restoring) life(ctx context.Context, from, to uint64) error {
	c, err := persist.New(r.rt, r.store.Blob(r.rt), r.store.Consensus(r.rt), persist.Config{
		InlineSizeMax: 1, PartSize: 100, CompactionFanout: 2, RollupThreshold: 3, GCVersionsMin: 3, SelfCheck: true,
	})
	if err != nil {
		return err
	}
	defer c.Close()
	w, err := c.OpenWriter(ctx, r.shard, persist.WriterOptions{Purpose: "life"})
	if err != nil {
		return err
	}
	opaque := persist.Opaque{Codec: "epoch"}
	owner, err := c.OpenSince(ctx, r.shard, persist.CriticalReaderID{1}, opaque, "owner")
	if err != nil {
		return err
	}
	for at := from; at < to; at++ {
		updates := []persist.Update{insert(fmt.Sprint("row ", at%7), at), insert(fmt.Sprint("once ", at), at)}
		if err := w.CompareAndAppend(ctx, updates, frontier.At(at), frontier.At(at+1)); err != nil {
			return err
		}
		if at%4 == 0 {
			if _, err := owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.At(at)); err != nil {
				return err
			}
		}
		if err := r.rt.Sleep(ctx, time.Second); err != nil { // for upkeep
			return err
		}
	}
	return nil
}

func (r *restoring) snapshot(ctx context.Context, asOf uint64) ([]persist.Update, error) {
	c, err := persist.New(r.rt, r.store.Blob(r.rt), r.store.Consensus(r.rt), persist.Config{CompactionsMax: -1})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	reader, err := c.OpenReader(ctx, r.shard, persist.ReaderOptions{Purpose: "restored"})
	if err != nil {
		return nil, err
	}
	updates, err := reader.Snapshot(ctx, asOf)
	return updates, errors.Join(err, reader.Close(ctx))
}

// TestALogFromABackupIsWholeAgain protects people who have lost their log: with an older
// one, however much was merged and deleted since, everything can be read that was there
// when it was copied, and life goes on. Objects that cannot be brought back are named.
func TestALogFromABackupIsWholeAgain(t *testing.T) {
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		r := &restoring{rt, memory.New("store", memory.Options{}), persist.ShardID{1}}
		must := func(err error) { rt.Always(err == nil, "restore", "error", err) }
		copied := 3 + rt.Rand("test").Uint64()%15
		must(r.life(ctx, 0, copied))
		backup := r.store.Backup()
		before, err := r.snapshot(ctx, copied-1)
		must(err)
		must(r.life(ctx, copied, copied+12))

		r.store.Rewind(backup)
		undeletable := noRestore{r.store.Blob(rt)}
		lost := r.restore(ctx, undeletable)
		restored := r.restore(ctx, r.store.Blob(rt))
		again := r.restore(ctx, undeletable)
		rt.Always(len(restored.Lost) == 0 && restored.Newest.Upper == frontier.At(copied), "whole", "lost", restored.Lost)
		rt.Always(len(again.Lost) == 0 && again.Objects == restored.Objects, "again", "lost", again.Lost)
		rt.Always(len(lost.Lost) <= restored.Objects, "named", "lost", lost.Lost)
		rt.Sometimes(len(lost.Lost) > 0, "deleted since")
		after, err := r.snapshot(ctx, copied-1)
		must(err)
		rt.Always(cmp.Diff(before, after) == "", "contents", "diff", cmp.Diff(before, after))
		must(r.life(ctx, copied, copied+3))
	})
}

// restore brings the shard back as far as a view of the objects allows.
func (r *restoring) restore(ctx context.Context, blob persist.Blob) persist.Restored {
	c, err := persist.New(r.rt, blob, r.store.Consensus(r.rt), persist.Config{})
	r.rt.Always(err == nil, "client", "error", err)
	defer c.Close()
	restored, err := c.RestoreShard(ctx, r.shard)
	isUnreadable := errors.Is(err, persist.ErrCorruption) // a rollup is gone, and nothing can be said
	r.rt.Always(err == nil || isUnreadable, "restored", "error", err)
	return restored
}

// noRestore is a store without versions of objects: what was deleted is gone.
type noRestore struct{ persist.Blob }

func (n noRestore) Restore(ctx context.Context, key string) error {
	if _, found, err := n.Get(ctx, key); err != nil || !found {
		return fmt.Errorf("restore: %w", persist.ErrNotFound)
	}
	return nil
}

// TestRestoreOfAShardWithoutALog protects people from believing that there is something.
func TestRestoreOfAShardWithoutALog(t *testing.T) {
	p := newPlace(t)
	_, err := p.client(persist.Config{}).RestoreShard(t.Context(), persist.ShardID{7})
	if !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}
