package persist_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// BenchmarkAppend measures a small append over a store in memory, in a shard with 100
// registered readers, after so many appends. Alone, nothing is merged or rolled up: as
// many batches as there were appends; with upkeep, everything is as it is by default.
// The ratio between the sizes says whether the past costs.
func BenchmarkAppend(b *testing.B) {
	alone := persist.Config{
		CompactionsMax: -1, BatchesMax: math.MaxInt32, InlineTotalMax: math.MaxInt32, RollupThreshold: math.MaxInt32,
	}
	for _, past := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("alone/past=%d", past), func(b *testing.B) { benchmarkAppend(b, past, alone) })
		b.Run(fmt.Sprintf("with upkeep/past=%d", past), func(b *testing.B) { benchmarkAppend(b, past, persist.Config{}) })
	}
}

func benchmarkAppend(b *testing.B, past int, config persist.Config) {
	p := newPlace(b)
	rt := runtime.New(runtime.Options{})
	c, err := persist.New(rt, p.store.Blob(rt), p.store.Consensus(rt), config)
	must(b, err)
	defer c.Close()
	shard := c.NewShardID()
	for range 100 {
		_, err := c.OpenReader(b.Context(), shard, persist.ReaderOptions{Purpose: "benchmark"})
		must(b, err)
	}
	w := p.writer(c, shard)
	at := uint64(0)
	appendOne := func() {
		updates := []persist.Update{insert("a small row", at)}
		must(b, w.CompareAndAppend(b.Context(), updates, frontier.At(at), frontier.At(at+1)))
		at++
	}
	for range past {
		appendOne()
	}
	b.ReportAllocs()
	for b.Loop() {
		appendOne()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

// BenchmarkManyAppends appends a million times, a small row each, and counts what that
// leaves and what upkeep has cost: how often an update was written on its way into a
// large batch, in the objects alone.
func BenchmarkManyAppends(b *testing.B) {
	const appends = 1_000_000
	p := newPlace(b)
	rt := runtime.New(runtime.Options{})
	seen := &writtenBytes{Blob: p.store.Blob(rt)}
	c, err := persist.New(rt, seen, p.store.Consensus(rt), persist.Config{})
	must(b, err)
	defer c.Close()
	w := p.writer(c, c.NewShardID())
	at, batchesMax := uint64(0), 0
	for b.Loop() {
		for range appends {
			updates := []persist.Update{insert(fmt.Sprintf("a small row %016x", at*0x9e3779b97f4a7c15), at)}
			must(b, w.CompareAndAppend(b.Context(), updates, frontier.At(at), frontier.At(at+1)))
			at++
			if at%10_000 == 0 {
				i, err := c.Inspect(b.Context(), w.Shard())
				must(b, err)
				batchesMax = max(batchesMax, len(i.Batches))
			}
		}
	}
	b.ReportMetric(float64(at)/b.Elapsed().Seconds(), "appends/s")
	usage, err := c.Usage(b.Context(), w.Shard())
	must(b, err)
	b.ReportMetric(float64(len(usage.Newest.Batches)), "batches")
	b.ReportMetric(float64(batchesMax), "batches-max")
	b.ReportMetric(float64(seen.parts.Load())/float64(usage.Current.Bytes), "B-written/B-kept")
	b.ReportMetric(float64(usage.LogBytes)/1024, "KiB-log")
}

// writtenBytes counts the bytes of parts.
type writtenBytes struct {
	persist.Blob
	parts atomic.Uint64
}

func (w *writtenBytes) Set(ctx context.Context, key string, value []byte) error {
	if !strings.Contains(key, "/v") { // rollups
		w.parts.Add(uint64(len(value)))
	}
	return w.Blob.Set(ctx, key, value)
}
