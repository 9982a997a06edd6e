package scenarios

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// comeToRest appends to a shard that nobody else uses any more, once nothing of those who
// are gone counts: then there are few versions of it (P-53) and few batches (P-17), and a
// call costs what it is said to (P-57). There is a time then at which the shard can be
// read: its owners may have moved the since up to the upper.
func (s *shardWorld) comeToRest(ctx context.Context, rt *runtime.Runtime) error {
	config := s.config
	config.GCVersionsMax = math.MaxInt // what the dead have left is collected at once
	dead := max(config.ReaderLease, config.WriterLease, config.GCFallback, config.CompactionFallback)
	if err := rt.Sleep(ctx, dead+time.Second); err != nil {
		return err
	}
	client, err := persist.New(rt, s.blob(rt), s.consensus(rt), config)
	if err != nil {
		return err
	}
	defer client.Close()
	w, err := client.OpenWriter(ctx, s.shard, persist.WriterOptions{Purpose: "comes to rest"})
	if err != nil {
		return err
	}
	if err := s.appendCalmly(ctx, rt, w, 2*(config.GCVersionsMin+config.RollupThreshold)); err != nil {
		return err
	}
	_, versions := s.ledger.Left(s.shard.String())
	few := config.GCVersionsMin + config.RollupThreshold + 8
	rt.Always(int(versions) <= few, "P-53", "versions", versions, "at most", few)
	seen, err := client.Inspect(ctx, s.shard)
	if err != nil {
		return err
	}
	few = batchesMax(seen, config.CompactionFanout)
	rt.Always(len(seen.Batches) <= few, "P-17", "batches", len(seen.Batches), "at most", few)
	return s.countOperations(ctx, rt)
}

// appendCalmly appends a row at a time, and lets maintenance come to its end each time.
func (s *shardWorld) appendCalmly(ctx context.Context, rt *runtime.Runtime, w *persist.Writer, count int) error {
	for i := range count {
		lower, _ := w.Upper().Time()
		expected, upper := w.Upper(), frontier.At(lower+1)
		row := fmt.Appendf(nil, "rest %d", i)
		updates := []persist.Update{{Row: row, Time: lower, Diff: 1}}
		call := s.journal.Begin(updates, expected, upper)
		err := w.CompareAndAppend(ctx, updates, expected, upper)
		call.End(rt, err)
		if err != nil {
			return err
		}
		if err := rt.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
	return nil
}

// batchesMax is how many batches a shard has at most where what has to be merged is: fewer
// than the fanout of each class of sizes, and of those that were never merged.
func batchesMax(seen persist.Inspection, fanout int) int {
	updates := uint64(0)
	for _, batch := range seen.Batches {
		updates += batch.Updates
	}
	classes := 1
	for ; updates > 0; updates /= uint64(fanout) {
		classes++
	}
	return fanout * (classes + 1)
}

// operations counts what is asked of a store.
type operations struct{ Sets, Gets, Commits, Scans int }

// meter is a store that counts.
type meter struct {
	persist.Blob
	persist.Consensus
	seen operations
}

// Get implements [persist.Blob].
func (m *meter) Get(ctx context.Context, key string) ([]byte, bool, error) {
	m.seen.Gets++
	return m.Blob.Get(ctx, key)
}

// Set implements [persist.Blob].
func (m *meter) Set(ctx context.Context, key string, value []byte) error {
	m.seen.Sets++
	return m.Blob.Set(ctx, key, value)
}

// CompareAndSet implements [persist.Consensus].
func (m *meter) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	m.seen.Commits++
	return m.Consensus.CompareAndSet(ctx, key, expected, next)
}

// Scan implements [persist.Consensus].
func (m *meter) Scan(ctx context.Context, key string, from persist.SeqNo, limit int) ([]persist.Versioned, error) {
	m.seen.Scans++
	return m.Consensus.Scan(ctx, key, from, limit)
}

// countOperations asserts that calls cost what docs/guarantees.md says (P-57): on a shard
// with a past, of a process that does no maintenance.
func (s *shardWorld) countOperations(ctx context.Context, rt *runtime.Runtime) error {
	m := &meter{Blob: s.blob(rt), Consensus: s.consensus(rt)}
	client, err := persist.New(rt, m, m, persist.Config{
		ReaderLease: time.Hour, CompactionsMax: -1, RollupThreshold: math.MaxInt, GCVersionsMin: math.MaxInt,
	})
	if err != nil {
		return err
	}
	defer client.Close()
	w, err := client.OpenWriter(ctx, s.shard, persist.WriterOptions{Purpose: "counts"})
	if err != nil {
		return err
	}
	var r *persist.Reader
	for _, call := range []struct {
		name string
		call func() error
		want operations
	}{
		{"open a writer", func() (err error) {
			_, err = client.OpenWriter(ctx, s.shard, persist.WriterOptions{Purpose: "counts"})
			return err
		}, operations{}},
		{"fetch the upper", func() error { _, err := w.FetchRecentUpper(ctx); return err }, operations{Scans: 1}},
		{"advance the upper", func() error {
			end, _ := w.Upper().Time()
			return w.AdvanceUpper(ctx, frontier.At(end+1))
		}, operations{Commits: 1}},
		{"open a reader", func() (err error) {
			r, err = client.OpenReader(ctx, s.shard, persist.ReaderOptions{Purpose: "counts"})
			return err
		}, operations{Commits: 1}},
		{"renew a reader", func() error { return r.Renew(ctx) }, operations{Commits: 1}},
		{"close a reader", func() error { return r.Close(ctx) }, operations{Commits: 1}},
	} {
		before := m.seen
		if err := call.call(); err != nil {
			return fmt.Errorf("%s: %w", call.name, err)
		}
		cost := operations{
			Sets: m.seen.Sets - before.Sets, Gets: m.seen.Gets - before.Gets,
			Commits: m.seen.Commits - before.Commits, Scans: m.seen.Scans - before.Scans,
		}
		rt.Always(cost == call.want, "P-57", "call", call.name, "cost", fmt.Sprintf("%+v", cost),
			"promised", fmt.Sprintf("%+v", call.want))
	}
	return nil
}
