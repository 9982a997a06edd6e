package persist_test

import (
	"context"
	"errors"
	"testing"

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
