package persist_test

import (
	"fmt"
	"math"
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
