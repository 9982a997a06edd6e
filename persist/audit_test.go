package persist_test

import (
	"context"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/relation"
	"github.com/tidemarkdb/tidemark/runtime"
)

// lying is a version store that gives every part that is appended the stats of other rows.
type lying struct {
	persist.Consensus
	stats []byte
}

func (l lying) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	diff, err := state.DecodeDiff(next.Data)
	if err != nil {
		return false, err
	}
	for _, batch := range diff.Batches {
		for _, run := range batch.New.Runs {
			for i := range run.Parts {
				run.Parts[i].Stats = l.stats
			}
		}
	}
	if next.Data, err = state.EncodeDiff(diff); err != nil {
		return false, err
	}
	return l.Consensus.CompareAndSet(ctx, key, expected, next)
}

// TestWrongStatsAreFoundAndTrustedNoMore protects readers from a bug in stats, which
// nothing else would show: the audit asserts P-24, what it has found is not lost, and from
// then on every part is fetched.
func TestWrongStatsAreFoundAndTrustedNoMore(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	schema := schemaOf(t, idColumn)
	stats, err := part.Collect(schema, typed(t, schema, 50, 60))
	must(t, err)
	encoded, err := part.EncodeStats(schema, stats, 1000)
	must(t, err)
	rt := p.live()
	liar, err := persist.New(rt, p.store.Blob(rt), lying{p.store.Consensus(rt), encoded}, persist.Config{InlineSizeMax: 1})
	must(t, err)
	t.Cleanup(liar.Close)
	shard := liar.NewShardID()
	w := p.typedWriter(liar, shard, schema)
	must(t, w.CompareAndAppend(ctx, typed(t, schema, 0, 10), frontier.At(0), frontier.At(10)))

	three := persist.CompareColumn("id", persist.Equal, relation.Uint64Value(3))
	for _, test := range []struct{ percent, first, second int }{{never, 0, 0}, {100, 1, 1}} {
		rt := p.live()
		c, err := persist.New(rt, p.store.Blob(rt), p.store.Consensus(rt), persist.Config{AuditPercent: test.percent})
		must(t, err)
		t.Cleanup(c.Close)
		r := p.typedReader(c, shard, schema)
		for _, want := range []int{test.first, test.second} {
			got, err := r.Snapshot(ctx, 9, three)
			if len(got) != want || err != nil {
				t.Errorf("%d of 100: %d rows, %v", test.percent, len(got), err)
			}
		}
		failed := uint64(0)
		for _, a := range rt.Assertions() {
			if a.ID == "P-24" && a.Kind == runtime.KindAlways {
				failed += a.Evaluated - a.Held
			}
		}
		if failed != uint64(test.first) { // once: the second read does not ask the stats
			t.Errorf("%d of 100: P-24 has failed %d times", test.percent, failed)
		}
	}
}
