package persist_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// TestTypedAndEncryptedBatchesTravel protects what comes between features that are
// tested alone: batches of two schemas, large and small, encrypted, are built in one
// process, appended in one step by another at a time that it decides, read by a third
// under either schema, and fetched part by part by a fourth. Nobody without the key, and
// nothing under another schema, gets through.
func TestTypedAndEncryptedBatchesTravel(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	keys := newKeys(t, "a")
	config := persist.Config{InlineSizeMax: 200, PartSize: 300, CompactionsMax: -1, Encrypter: keys}
	old := schemaOf(t, idColumn)
	grown := schemaOf(t, idColumn, nameColumn)
	builder, appender := p.client(config), p.client(config)
	shard := builder.NewShardID()
	before := p.typedWriter(builder, shard, old)
	s, err := builder.OpenShard(ctx, shard)
	must(t, err)
	_, err = s.CompareAndEvolveSchema(ctx, 0, grown)
	must(t, err)
	after := p.typedWriter(builder, shard, grown)

	var batches []*persist.Batch
	target := p.typedWriter(appender, shard, grown)
	for _, made := range []*persist.Batch{
		p.build(before, 0, 40, persist.BatchOptions{IsStaged: true}, typed(t, old, 0, 30)...),
		p.build(after, 0, 40, persist.BatchOptions{IsStaged: true}, typed(t, grown, 30, 33)...),
	} {
		data, err := made.Marshal()
		must(t, err)
		received, err := target.UnmarshalBatch(data)
		must(t, err)
		must(t, received.RewriteTimes(frontier.At(50), frontier.At(51)))
		batches = append(batches, received)
	}
	must(t, p.appendAll(target, 0, 51, batches...))

	reading := p.client(config)
	for _, schema := range []struct {
		name string
		r    *persist.Reader
	}{
		{"old", p.typedReader(reading, shard, old)}, {"grown", p.typedReader(reading, shard, grown)},
	} {
		want, err := schema.r.Snapshot(ctx, 50)
		must(t, err)
		lease, err := schema.r.SnapshotParts(ctx, 50)
		must(t, err)
		got, err := fetchAll(ctx, p.client(config).NewFetcher(shard), lease.Tokens)
		must(t, err)
		if diff := cmp.Diff(contents(want), got); diff != "" || len(want) != 33 {
			t.Errorf("%s: %d rows, fetched elsewhere (-want +got):\n%s", schema.name, len(want), diff)
		}
		if _, err := fetchAll(ctx, p.client(persist.Config{}).NewFetcher(shard), lease.Tokens); err == nil {
			t.Errorf("%s: fetched without the key", schema.name)
		}
		lease.Release()
	}
}
