package persist_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// TestAFinalizedShardIsOneObject protects stores from what nobody looks for any more: when
// Finalize returns there is one object, and no other comes, although upkeep of the same
// shard is under way in the background (P-15, P-54).
func TestAFinalizedShardIsOneObject(t *testing.T) {
	t.Setenv("SIM_STRATEGY", "portfolio") // at random the background is hardly ever as late as it has to be
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		store := memory.New("store", memory.Options{})
		c, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), persist.Config{})
		rt.Always(err == nil, "client", "error", err)
		defer c.Close()
		id, opaque := persist.ShardID{1}, persist.Opaque{Codec: "epoch"}
		owner, err := c.OpenSince(ctx, id, persist.CriticalReaderID{2}, opaque, "controller")
		rt.Always(err == nil, "owner", "error", err)
		w, err := c.OpenWriter(ctx, id, persist.WriterOptions{Purpose: "dropped"})
		rt.Always(err == nil, "writer", "error", err)
		shard, err := c.OpenShard(ctx, id)
		rt.Always(err == nil, "shard", "error", err)
		_, err = owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.Empty())
		err = errors.Join(err, w.AdvanceUpper(ctx, frontier.Empty()), shard.Finalize(ctx))
		rt.Always(err == nil, "finalized", "error", err)
		usage, err := c.Usage(ctx, id)
		left := usage.Current.Objects + usage.Older.Objects + usage.Unreferenced.Objects
		rt.Always(err == nil && left == 1, "P-15", "objects", left, "error", err)
	})
}

// TestWhatNobodyCanReadCanStillBeWritten protects writers of a shard that was given up
// before they were told: they are not stopped by how much they have written, whoever has
// which keys; and stores from keeping any of it (P-17, P-53).
func TestWhatNobodyCanReadCanStillBeWritten(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		config := persist.Config{
			BatchesMax: 6, CompactionFanout: 3, InlineSizeMax: 60, RollupThreshold: 4, GCVersionsMin: 6, DeletesMax: 1,
		}
		c := s.client(config)
		defer c.Close()
		opaque := persist.Opaque{Codec: "epoch"}
		owner, err := c.OpenSince(ctx, persist.ShardID{1}, persist.CriticalReaderID{2}, opaque, "owner")
		s.must(err)
		config.Encrypter, config.CompactionsMax = newKeys(t, "k"), -1
		other := s.client(config)
		defer other.Close()
		w, err := other.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		s.must(w.CompareAndAppend(ctx, rows(9, 0), frontier.At(0), frontier.At(1)))
		_, err = owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.Empty())
		s.must(err)
		w, err = c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		short, cancel := s.rt.WithTimeout(ctx, time.Minute)
		defer cancel()
		for i := range uint64(30) {
			s.must(w.CompareAndAppend(short, rows(1+int(i%3)*4, i+1), frontier.At(i+1), frontier.At(i+2)))
			s.must(s.rt.Sleep(ctx, time.Millisecond)) // maintenance is done in the background
		}
		now, err := c.Inspect(ctx, w.Shard())
		s.must(err)
		s.rt.Always(len(now.Batches) < 6 && now.Batches[0].Updates == 0, "merged", "batches", len(now.Batches))
		usage, err := c.Usage(ctx, w.Shard())
		s.must(err)
		s.rt.Always(usage.Unreferenced.Objects == 0 && usage.Current.Objects < 6, "P-54", "usage", usage)
		s.must(w.AdvanceUpper(ctx, frontier.Empty()))
		shard, err := c.OpenShard(ctx, w.Shard())
		s.must(err)
		s.must(shard.Finalize(ctx))
	})
}
