package persist_test

import (
	"context"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// TestDamageOnTheWayIsReadAgain protects a process from giving a shard up because of a bit
// that was flipped on the way, and its readers from that bit: twice in a row nothing comes
// as it was written, be it an object, a rollup or a version.
func TestDamageOnTheWayIsReadAgain(t *testing.T) {
	plan, err := faulty.ParsePlan("get flip 1/2 max=1; get cut 1/2 max=1; scan flip 1/2 max=1; scan cut 1/2 max=1;" +
		"head flip 1/2 max=1; head cut 1/2 max=1")
	must(t, err)
	garbled := 0
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		store := memory.New("test", memory.Options{})
		faults, err := faulty.New(plan, 0)
		must(t, err)
		config := persist.Config{InlineSizeMax: 100, RollupThreshold: 3, ScanLimit: 4, SelfCheck: true}
		calm, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), config)
		must(t, err)
		defer calm.Close()
		w, err := calm.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		must(t, err)
		for i := range uint64(9) {
			must(t, w.CompareAndAppend(ctx, rows(1+int(i%2)*9, i), frontier.At(i), frontier.At(i+1)))
			must(t, rt.Sleep(ctx, time.Millisecond))
		}
		blob := &noticing{Blob: faults.Blob(rt, store.Blob(rt)), stored: store.Blob(rt)}
		c, err := persist.New(rt, blob, faults.Consensus(rt, store.Consensus(rt)), config)
		must(t, err)
		defer c.Close()
		r, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "test"})
		rt.Always(err == nil, "opened", "error", err)
		got, err := r.Snapshot(ctx, 8)
		rt.Always(err == nil && len(got) == 10 && got[0].Diff == 9, "read", "rows", len(got), "error", err)
		_, err = r.FetchRecentUpper(ctx)
		rt.Always(err == nil, "goes-on", "error", err)
		garbled += blob.garbled
	})
	if garbled == 0 {
		t.Error("no object came otherwise than it was written")
	}
}

// noticing counts the objects that do not come as they are stored.
type noticing struct {
	persist.Blob
	stored  persist.Blob
	garbled int
}

func (n *noticing) Get(ctx context.Context, key string) ([]byte, bool, error) {
	value, found, err := n.Blob.Get(ctx, key)
	if stored, _, _ := n.stored.Get(ctx, key); string(stored) != string(value) {
		n.garbled++
	}
	return value, found, err
}
