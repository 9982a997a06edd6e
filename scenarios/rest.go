package scenarios

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// comeToRest appends to a shard that nobody else uses any more, once nothing of those who
// are gone counts: then there are few versions of it (P-53) and few batches (P-17), nothing
// is committed that nobody asks for (P-56), and a call costs what it is said to (P-57).
// There is a time then at which the shard can be read: its owners may have moved the since
// up to the upper.
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
	if err := s.beIdle(ctx, rt); err != nil {
		return err
	}
	return s.countOperations(ctx, rt)
}

// beIdle asserts that maintenance comes to its end, however little it takes to begin it, and
// also where there is no writer to whom it falls: without a call nothing is committed any
// more (P-56).
func (s *shardWorld) beIdle(ctx context.Context, rt *runtime.Runtime) error {
	config := s.config
	config.RollupThreshold, config.GCVersionsMin, config.GCVersionsMax = 1, 1, math.MaxInt
	client, err := persist.New(rt, s.blob(rt), s.consensus(rt), config)
	if err != nil {
		return err
	}
	defer client.Close()
	w, err := client.OpenWriter(ctx, s.shard, persist.WriterOptions{Purpose: "is idle"})
	if err != nil {
		return err
	}
	if err := s.appendCalmly(ctx, rt, w, 2); err != nil {
		return err
	}
	if err := rt.Sleep(ctx, time.Minute); err != nil { // the leases of other writers have run out by then
		return err
	}
	before, few := s.ledger.Newest(s.shard), persist.SeqNo(10)
	if err := w.Expire(ctx); err != nil {
		return err
	}
	for _, pause := range []time.Duration{20 * time.Millisecond, time.Minute, time.Hour} { // soon, if it is for ever
		if err := rt.Sleep(ctx, pause); err != nil {
			return err
		}
		after := s.ledger.Newest(s.shard)
		rt.Always(after <= before+few, "P-56", "idle since", before, "reached", after, "at most", before+few)
		if pause == time.Minute {
			before, few = after, 0
		}
	}
	return nil
}

// leaveNothing asserts that nothing goes on in a world whose nodes are down and whose clients
// and handles are all closed (P-55). Who was just served by a task is ahead of its end.
func leaveNothing(ctx context.Context, w simulated) error {
	if err := w.Runtime().Sleep(ctx, time.Millisecond); err != nil {
		return err
	}
	tasks, timers := w.Left()
	w.Runtime().Always(len(tasks) == 0 && timers == 0, "P-55", "tasks", tasks, "timers", timers)
	return nil
}

// appendCalmly appends a row at a time, and lets maintenance come to its end each time.
func (s *shardWorld) appendCalmly(ctx context.Context, rt *runtime.Runtime, w *persist.Writer, count int) error {
	for range count {
		lower, _ := w.Upper().Time()
		expected, upper := w.Upper(), frontier.At(lower+1)
		row := fmt.Appendf(nil, "rest at %d", lower)
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

// since returns what has come after others.
func (o operations) since(before operations) operations {
	return operations{
		Sets: o.Sets - before.Sets, Gets: o.Gets - before.Gets, Commits: o.Commits - before.Commits,
		Scans: o.Scans - before.Scans,
	}
}

// meter is a store that counts.
type meter struct {
	persist.Blob
	persist.Consensus

	mu   sync.Mutex //sim:allow native-lock because nothing parks while it is held
	seen operations
}

// total returns what was counted so far.
func (m *meter) total() operations {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen
}

// count counts one operation.
func (m *meter) count(add func(*operations)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	add(&m.seen)
}

// Get implements [persist.Blob].
func (m *meter) Get(ctx context.Context, key string) ([]byte, bool, error) {
	m.count(func(o *operations) { o.Gets++ })
	return m.Blob.Get(ctx, key)
}

// Set implements [persist.Blob].
func (m *meter) Set(ctx context.Context, key string, value []byte) error {
	m.count(func(o *operations) { o.Sets++ })
	return m.Blob.Set(ctx, key, value)
}

// CompareAndSet implements [persist.Consensus].
func (m *meter) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	m.count(func(o *operations) { o.Commits++ })
	return m.Consensus.CompareAndSet(ctx, key, expected, next)
}

// Scan implements [persist.Consensus].
func (m *meter) Scan(ctx context.Context, key string, from persist.SeqNo, limit int) ([]persist.Versioned, error) {
	m.count(func(o *operations) { o.Scans++ })
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
		{"renew a reader", func() error { return s.renew(ctx, rt, r) }, operations{Commits: 1}},
		{"close a reader", func() error { return r.Close(ctx) }, operations{Commits: 1}},
	} {
		before := m.total()
		if err := call.call(); err != nil {
			return fmt.Errorf("%s: %w", call.name, err)
		}
		cost := m.total().since(before)
		rt.Always(cost == call.want, "P-57", "call", call.name, "cost", fmt.Sprintf("%+v", cost),
			"promised", fmt.Sprintf("%+v", call.want))
	}
	return s.leaveIdle(ctx, rt, client, m)
}

// leaveIdle asserts that a reader that nobody uses does nothing but give signs of life, four
// in the time of its lease, and nothing once it is closed (P-56).
func (s *shardWorld) leaveIdle(ctx context.Context, rt *runtime.Runtime, client *persist.Client, m *meter) error {
	r, err := client.OpenReader(ctx, s.shard, persist.ReaderOptions{Purpose: "is idle"})
	if err != nil {
		return err
	}
	rest := func(want operations) error {
		before := m.total()
		if err := rt.Sleep(ctx, time.Hour+time.Minute); err != nil {
			return err
		}
		cost := m.total().since(before)
		rt.Always(cost == want, "P-56", "idle for", "an hour", "cost", fmt.Sprintf("%+v", cost))
		return nil
	}
	if err := rest(operations{Commits: 4}); err != nil {
		return err
	}
	if err := r.Close(ctx); err != nil {
		return err
	}
	return rest(operations{})
}
