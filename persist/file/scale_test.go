package file_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// BenchmarkStream reads a snapshot of ten million updates, and measures the memory that
// it takes at most, all of that of the process: the store is on disk. The updates were
// written in 100 appends, in random order, and merged.
func BenchmarkStream(b *testing.B) { stream(b, relation.Schema{}, relation.Schema{}) }

// BenchmarkStreamOlder is BenchmarkStream by a reader who does not know the last column.
func BenchmarkStreamOlder(b *testing.B) {
	name := relation.Column{Name: "name", Type: relation.String}
	older, err := relation.New(name)
	must(b, err)
	newer, err := relation.New(name, relation.Column{Name: "price", Type: relation.Int64, IsNullable: true})
	must(b, err)
	stream(b, newer, older)
}

// written returns the rows of one append, under the schema.
func written(b *testing.B, schema relation.Schema, at, count uint64) []persist.Update {
	updates := make([]persist.Update, count)
	for i := range updates {
		n := at*count + uint64(i)
		row := fmt.Appendf(nil, "row %016x of the benchmark", n*0x9e3779b97f4a7c15)
		if !schema.Equal(relation.Schema{}) {
			var err error
			row, err = schema.AppendRow(nil, []relation.Value{relation.StringValue(string(row)), relation.Int64Value(int64(n))})
			must(b, err)
		}
		updates[i] = persist.Update{Row: row, Time: at, Diff: 1}
	}
	return updates
}

// stream writes rows of one schema, and reads them as those of another.
func stream(b *testing.B, newer, older relation.Schema) {
	const appends, each = 100, 100_000
	directory := filepath.Join(b.TempDir(), "store")
	store, rt, err := open(directory)
	must(b, err)
	defer func() { must(b, store.Close()) }()
	c, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), persist.Config{})
	must(b, err)
	shard := persist.ShardID{1}
	handle, err := c.OpenShard(b.Context(), shard)
	must(b, err)
	if !newer.Equal(older) {
		_, err = handle.RegisterSchema(b.Context(), older)
		must(b, err)
		_, err = handle.CompareAndEvolveSchema(b.Context(), 0, newer)
		must(b, err)
	}
	w, err := c.OpenWriter(b.Context(), shard, persist.WriterOptions{Purpose: "benchmark", Schema: newer})
	must(b, err)
	for at := range uint64(appends) {
		must(b, w.CompareAndAppend(b.Context(), written(b, newer, at, each), frontier.At(at), frontier.At(at+1)))
	}
	for batches := math.MaxInt; ; { // until there is nothing to merge
		must(b, rt.Sleep(b.Context(), 3*time.Second))
		i, err := c.Inspect(b.Context(), shard)
		must(b, err)
		if len(i.Batches) == batches {
			break
		}
		batches = len(i.Batches)
	}
	c.Close()
	c, err = persist.New(rt, store.Blob(rt), store.Consensus(rt), persist.Config{CompactionsMax: -1})
	must(b, err)
	defer c.Close()
	usage, err := c.Usage(b.Context(), shard)
	must(b, err)
	r, err := c.OpenReader(b.Context(), shard, persist.ReaderOptions{Purpose: "benchmark", Schema: older})
	must(b, err)
	defer func() { must(b, r.Close(context.Background())) }()
	debug.FreeOSMemory()
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(224 << 20))
	peak, updates := uint64(0), 0
	for b.Loop() {
		for _, err := range r.Stream(b.Context(), appends-1) {
			must(b, err)
			if updates++; updates%10_000 == 0 {
				peak = max(peak, memoryInUse())
			}
		}
	}
	goruntime.KeepAlive(r)
	b.ReportMetric(float64(updates)/b.Elapsed().Seconds(), "updates/s")
	b.ReportMetric(float64(peak)/(1<<20), "MiB-max")
	b.ReportMetric(float64(len(usage.Newest.Batches)), "batches")
	b.ReportMetric(float64(usage.Current.Bytes)/float64(appends*each), "B-stored/update")
}

// memoryInUse is what the process has from the operating system and has not returned.
func memoryInUse() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
