package persist_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// operations are calls of a store.
type operations struct{ Sets, Gets, Commits, Scans, Heads int }

// counting counts the calls of the store below it.
type counting struct {
	persist.Blob
	persist.Consensus
	seen *operations
}

func (c counting) Get(ctx context.Context, key string) ([]byte, bool, error) {
	c.seen.Gets++
	return c.Blob.Get(ctx, key)
}

func (c counting) Set(ctx context.Context, key string, value []byte) error {
	c.seen.Sets++
	return c.Blob.Set(ctx, key, value)
}

func (c counting) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	c.seen.Commits++
	return c.Consensus.CompareAndSet(ctx, key, expected, next)
}

func (c counting) Scan(ctx context.Context, key string, from persist.SeqNo, limit int) ([]persist.Versioned, error) {
	c.seen.Scans++
	return c.Consensus.Scan(ctx, key, from, limit)
}

func (c counting) Head(ctx context.Context, key string) (persist.Versioned, bool, error) {
	c.seen.Heads++
	return c.Consensus.Head(ctx, key)
}

// TestOperationsPerCall protects the bill: what each call costs on a store where every
// operation has a price, as docs/guarantees.md promises (P-57).
func TestOperationsPerCall(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	rt := p.live()
	seen := &operations{}
	store := counting{p.store.Blob(rt), p.store.Consensus(rt), seen}
	config := persist.Config{ReaderLease: time.Hour, CompactionsMax: -1, AuditPercent: never}
	c, err := persist.New(rt, store, store, config)
	must(t, err)
	defer c.Close()
	shard := c.NewShardID()
	var w *persist.Writer
	var r *persist.Reader
	var owner *persist.Since
	var typedShard *persist.Shard
	first, second := schemaOf(t, idColumn), schemaOf(t, nameColumn, idColumn)
	only := persist.CompareColumn("row", persist.Equal, relation.BytesValue([]byte("none")))
	opaque := persist.Opaque{Codec: "epoch"}
	var batches []*persist.Batch
	var lease *persist.PartLease
	large := []persist.Update{insert(string(make([]byte, 1<<20)), 1)}
	for _, call := range []struct {
		name string
		call func() error
		want operations
	}{
		{"open a new shard", func() (err error) {
			w, err = c.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "test"})
			return err
		},
			operations{Sets: 1, Commits: 1, Scans: 1}},
		{"open it again", func() (err error) {
			_, err = c.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "test"})
			return err
		}, operations{}},
		{"append a small batch", func() error {
			return w.CompareAndAppend(ctx, rows(3, 0), frontier.At(0), frontier.At(1))
		}, operations{Commits: 1}},
		{"append 1 MiB", func() error {
			return w.CompareAndAppend(ctx, large, frontier.At(1), frontier.At(2))
		}, operations{Commits: 1, Sets: 1}},
		{"advance the upper", func() error { return w.AdvanceUpper(ctx, frontier.At(3)) }, operations{Commits: 1}},
		{"advance it to where it is", func() error { return w.AdvanceUpper(ctx, frontier.At(3)) }, operations{}},
		{"open a reader", func() (err error) {
			r, err = c.OpenReader(ctx, shard, persist.ReaderOptions{Purpose: "test"})
			return err
		}, operations{Commits: 1}},
		{"wish for a since", func() error { r.Downgrade(frontier.At(1)); return nil }, operations{}},
		{"renew the lease", func() error { return r.Renew(ctx) }, operations{Commits: 1}},
		{"snapshot of a part", func() error { _, err := r.Snapshot(ctx, 2); return err }, operations{Scans: 1, Gets: 1}},
		{"snapshot of no part", func() error { _, err := r.Snapshot(ctx, 2, only); return err }, operations{Scans: 1}},
		{"cursor", func() error {
			cursor, err := r.Cursor(ctx, 2)
			must(t, err)
			defer cursor.Close()
			_, err = cursor.Next(ctx)
			return err
		}, operations{Scans: 1, Gets: 1}},
		{"stats of a snapshot", func() error { _, err := r.SnapshotStats(ctx, 2); return err }, operations{Scans: 1}},
		{"stats of its parts", func() error { _, err := r.SnapshotPartsStats(ctx, 2); return err }, operations{Scans: 1}},
		{"build a small batch", func() error {
			batches = append(batches, p.build(w, 3, 4, persist.BatchOptions{}))
			return nil
		}, operations{}},
		{"build a batch of 1 MiB", func() error {
			large[0].Time = 3
			batches = append(batches, p.build(w, 3, 4, persist.BatchOptions{}, large...))
			return nil
		}, operations{Sets: 1}},
		{"hand a batch over", func() error {
			data, err := batches[1].Marshal()
			if err == nil {
				batches[1], err = w.UnmarshalBatch(data)
			}
			return err
		}, operations{}},
		{"append both batches", func() error { return p.appendAll(w, 3, 4, batches...) }, operations{Commits: 1}},
		{"lease the parts of a snapshot", func() (err error) { lease, err = r.SnapshotParts(ctx, 2); return err },
			operations{Scans: 1}},
		{"fetch a part", func() error { _, err := c.NewFetcher(shard).Fetch(ctx, lease.Tokens[0]); return err },
			operations{}}, // it is inlined
		{"fetch a part", func() error { _, err := c.NewFetcher(shard).Fetch(ctx, lease.Tokens[1]); return err },
			operations{Gets: 1}},
		{"release the parts", func() error { lease.Release(); return nil }, operations{}},
		{"close the reader", func() error { return r.Close(ctx) }, operations{Commits: 1}},
		{"open a capability", func() (err error) {
			owner, err = c.OpenSince(ctx, shard, persist.CriticalReaderID{1}, opaque, "test")
			return err
		}, operations{Commits: 1}},
		{"downgrade it", func() error {
			_, err := owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.At(2))
			return err
		}, operations{Commits: 1}},
		{"fetch the upper", func() error { _, err := w.FetchRecentUpper(ctx); return err }, operations{Scans: 1}},
		{"open another shard", func() (err error) {
			typedShard, err = c.OpenShard(ctx, c.NewShardID())
			return err
		}, operations{Sets: 1, Commits: 1, Scans: 1}},
		{"register a schema", func() error { _, err := typedShard.RegisterSchema(ctx, first); return err },
			operations{Commits: 1}},
		{"register it again", func() error { _, err := typedShard.RegisterSchema(ctx, first); return err }, operations{}},
		{"open a writer of it", func() error {
			_, err := c.OpenWriter(ctx, typedShard.ID(), persist.WriterOptions{Schema: first})
			return err
		}, operations{}},
		{"evolve it", func() error { _, err := typedShard.CompareAndEvolveSchema(ctx, 0, second); return err },
			operations{Commits: 1}},
		{"look a schema up", func() error { _, err := typedShard.Schema(ctx, 0); return err }, operations{}},
		{"fetch the latest schema", func() error { _, _, err := typedShard.LatestSchema(ctx); return err },
			operations{Scans: 1}},
	} {
		*seen = operations{}
		must(t, call.call())
		if diff := cmp.Diff(call.want, *seen); diff != "" {
			t.Errorf("%s (-want +got):\n%s", call.name, diff)
		}
	}
}
