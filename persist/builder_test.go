package persist_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// slowBlob is a store of objects in which writing takes a while; it counts.
type slowBlob struct {
	persist.Blob
	rt                 *runtime.Runtime
	now, most, written atomic.Int64
	fails              func(written int64) error
}

func (b *slowBlob) Set(ctx context.Context, key string, value []byte) error {
	now := b.now.Add(1)
	defer b.now.Add(-1)
	b.most.Store(max(b.most.Load(), now))
	if err := b.rt.Sleep(ctx, time.Second); err != nil {
		return err
	}
	if b.fails != nil {
		if err := b.fails(b.written.Load()); err != nil {
			return err
		}
	}
	b.written.Add(1)
	return b.Blob.Set(ctx, key, value)
}

// slow opens a client on a store whose objects take a second each.
func (s *watchedStore) slow(config persist.Config) (*persist.Client, *slowBlob) {
	blob := &slowBlob{Blob: s.ledger.Blob(s.rt, s.store.Blob(s.rt)), rt: s.rt}
	c, err := persist.New(s.rt, blob, s.ledger.Consensus(s.rt, s.store.Consensus(s.rt)), config)
	s.must(err)
	return c, blob
}

// TestObjectsAreWrittenSomeAtATime protects appends from as many round trips as they have
// objects, memory from as many objects as are ready, and the order of rows from both.
func TestObjectsAreWrittenSomeAtATime(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		for limit := 1; limit <= 4; limit++ {
			c, blob := s.slow(persist.Config{InlineSizeMax: 1, PartSize: 1, UploadsMax: limit, CompactionsMax: -1})
			w, err := c.OpenWriter(ctx, persist.ShardID{byte(limit)}, persist.WriterOptions{Purpose: "test"})
			s.must(err)
			begun := s.rt.Now()
			s.must(w.CompareAndAppend(ctx, rows(10, 0), frontier.At(0), frontier.At(1)))
			took, want := s.rt.Since(begun).Truncate(time.Second), time.Duration((10+limit-1)/limit)*time.Second
			s.rt.Always(took == want && blob.most.Load() == int64(limit), "in-parallel", "took", took, "most", blob.most.Load())
			r, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "test"})
			s.must(err)
			got, err := r.Snapshot(ctx, 0)
			s.rt.Always(err == nil && cmp.Equal(texts(rows(10, 0)), texts(got)), "all-there", "got", texts(got), "error", err)
			c.Close()
		}
	})
}

// TestABuilderWaitsForTheStore protects memory from a writer that is faster than the
// store: Add takes updates for one part, and waits if two are on their way.
func TestABuilderWaitsForTheStore(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c, blob := s.slow(persist.Config{PartSize: 240, UploadsMax: 2, CompactionsMax: -1}) // ten rows of 24 bytes
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		begun, before := s.rt.Now(), blob.written.Load()
		b := w.NewBatch(ctx, frontier.At(0), persist.BatchOptions{})
		for i, u := range rows(100, 3) {
			s.must(b.Add(ctx, u.Row, u.Time, u.Diff))
			full := (i + 1) / 10
			isAhead := int64(full) > blob.written.Load()-before+2
			s.rt.Always(!isAhead, "bounded", "added", i+1, "written", blob.written.Load()-before)
		}
		batch, err := b.Finish(ctx, frontier.At(4))
		s.must(err)
		took := s.rt.Since(begun).Truncate(time.Second) // a step takes a microsecond
		s.rt.Always(took == 5*time.Second, "in-time", "took", took)
		s.rt.Always(batch.Len() == 100 && batch.Runs() == 1, "in-order", "length", batch.Len(), "runs", batch.Runs())
		s.must(w.CompareAndAppendBatches(ctx, []*persist.Batch{batch}, frontier.At(0), frontier.At(4)))
	})
}

// TestABuilderMergesItsRuns protects the metadata, and readers, from a batch of as many
// runs as it has parts; contents from being merged; and the store from what went in.
func TestABuilderMergesItsRuns(t *testing.T) {
	for _, runsMax := range []int{2, 3, 5} {
		p := newPlace(t)
		c := p.client(persist.Config{PartSize: 100, InlineSizeMax: 1, RunsMax: runsMax, CompactionsMax: -1})
		shard := c.NewShardID()
		w := p.writer(c, shard)
		b := w.NewBatch(t.Context(), frontier.At(0), persist.BatchOptions{})
		var want []persist.Update
		for i := range 300 {
			u := persist.Update{Row: fmt.Appendf(nil, "row %03d", i*7%50), Time: uint64(i % 4), Diff: int64(i%5) - 2}
			must(t, b.Add(t.Context(), u.Row, u.Time, u.Diff))
			want = append(want, u)
		}
		batch, err := b.Finish(t.Context(), frontier.At(4))
		must(t, err)
		if batch.Runs() > runsMax || batch.Runs() == 0 {
			t.Errorf("at most %d: %d runs", runsMax, batch.Runs())
		}
		must(t, w.CompareAndAppendBatches(t.Context(), []*persist.Batch{batch}, frontier.At(0), frontier.At(4)))
		p.wantSnapshot(c, shard, 3, texts(asOf(want, 3))...)
		usage, err := c.Usage(t.Context(), shard)
		must(t, err)
		if usage.Unreferenced.Objects != 0 {
			t.Errorf("left behind: %v", usage.Unreferenced)
		}
	}
}

// asOf is what a naive reader makes of updates.
func asOf(updates []persist.Update, time uint64) (all []persist.Update) {
	sums := map[string]int64{}
	for _, u := range updates {
		sums[string(u.Row)] += u.Diff
	}
	for i := range 50 {
		if row := fmt.Sprintf("row %03d", i); sums[row] != 0 {
			all = append(all, persist.Update{Row: []byte(row), Time: time, Diff: sums[row]})
		}
	}
	return all
}

// TestSmallBatchesNeedNoObject protects stores from an object for each small batch, and
// from any object for updates that cancel out.
func TestSmallBatchesNeedNoObject(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{PartSize: 1000})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	var batches []*persist.Batch
	for _, churn := range []int{0, 1, 500} {
		b := w.NewBatch(t.Context(), frontier.At(0), persist.BatchOptions{})
		for range churn {
			must(t, b.Add(t.Context(), []byte("row"), 2, 1))
			must(t, b.Add(t.Context(), []byte("row"), 2, -1))
		}
		must(t, b.Add(t.Context(), []byte("last"), 1, 1))
		batch, err := b.Finish(t.Context(), frontier.At(3))
		must(t, err)
		batches = append(batches, batch)
	}
	must(t, w.CompareAndAppendBatches(t.Context(), batches, frontier.At(0), frontier.At(3)))
	if keys := p.keys(shard); len(keys) != 0 {
		t.Errorf("there are %q", keys)
	}
	p.wantSnapshot(c, shard, 2, "last@2+3")
}

// TestABuilderRefusesWhatDoesNotBelong protects shards from updates at other times than a
// batch says, and builders from an end by such a mistake.
func TestABuilderRefusesWhatDoesNotBelong(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	w := p.writer(c, c.NewShardID())
	b := w.NewBatch(t.Context(), frontier.At(5), persist.BatchOptions{})
	var usage *persist.UsageError
	if err := b.Add(t.Context(), nil, 4, 1); !errors.As(err, &usage) {
		t.Errorf("before the lower: %v", err)
	}
	must(t, b.Add(t.Context(), nil, 7, 1))
	for _, upper := range []uint64{4, 6, 7} {
		if batch, err := b.Finish(t.Context(), frontier.At(upper)); !errors.As(err, &usage) || batch != nil {
			t.Errorf("up to %d: %v", upper, err)
		}
	}
	batch, err := b.Finish(t.Context(), frontier.At(8))
	if err != nil || batch.Len() != 1 || batch.Lower() != frontier.At(5) || batch.Upper() != frontier.At(8) {
		t.Errorf("%v, %v", batch, err)
	}
	if err := b.Add(t.Context(), nil, 7, 1); !errors.As(err, &usage) {
		t.Errorf("add after the end: %v", err)
	}
	if _, err := b.Finish(t.Context(), frontier.At(8)); !errors.As(err, &usage) {
		t.Errorf("finish after the end: %v", err)
	}
	b.Discard(t.Context()) // does nothing
	must(t, batch.Discard(t.Context()))
}

// TestABuilderThatEndsEarlyLeavesNothing protects stores from what was written for a batch
// that there never is: discarded, cancelled in the middle, or failed by the store.
func TestABuilderThatEndsEarlyLeavesNothing(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		refused := fmt.Errorf("the store is full: %w", persist.ErrUsage)
		for i, end := range []string{"discarded", "cancelled", "failed"} {
			c, blob := s.slow(persist.Config{PartSize: 1, UploadsMax: 3, RunsMax: 2})
			w, err := c.OpenWriter(ctx, persist.ShardID{byte(i + 1)}, persist.WriterOptions{Purpose: "test"})
			s.must(err)
			before := blob.written.Load()
			if end == "failed" {
				blob.fails = func(written int64) error {
					if written-before >= 7 {
						return refused
					}
					return nil
				}
			}
			building, cancel := s.rt.WithCancel(ctx)
			b := w.NewBatch(building, frontier.At(0), persist.BatchOptions{})
			var addErr error
			for j := 0; j < 30 && addErr == nil; j++ {
				if j == 12 && end == "cancelled" {
					cancel()
				}
				addErr = b.Add(building, fmt.Appendf(nil, "row %d", (j*7)%30), 0, 1)
			}
			if addErr == nil && end != "discarded" {
				_, addErr = b.Finish(building, frontier.At(1))
			}
			cancel()
			isExpected := end == "discarded" && addErr == nil || end == "cancelled" && errors.Is(addErr, context.Canceled) ||
				end == "failed" && errors.Is(addErr, refused)
			s.rt.Always(isExpected, "told", "end", end, "error", addErr)
			b.Discard(ctx)
			s.rt.Always(blob.now.Load() == 0, "nothing-under-way", "end", end)
			usage, err := c.Usage(ctx, w.Shard())
			s.must(err)
			s.rt.Always(usage.Unreferenced.Objects == 0, "P-54", "end", end, "left", usage.Unreferenced)
			c.Close()
		}
	})
}

// endingBlob is a store of objects in which the context of a caller ends before a deletion.
type endingBlob struct {
	persist.Blob
	left int // deletions until then
	end  context.CancelFunc
}

func (b *endingBlob) Delete(ctx context.Context, key string) (int, bool, error) {
	if b.left--; b.left == 0 {
		b.end()
		return 0, false, fmt.Errorf("%w: %w", persist.ErrIndeterminate, ctx.Err())
	}
	return b.Blob.Delete(ctx, key)
}

// TestABuilderRemembersWhatItCouldNotDelete protects stores from what went into a merge
// when the context ended before it was deleted, in the middle of a batch or at its end:
// staged objects no sweep would delete.
func TestABuilderRemembersWhatItCouldNotDelete(t *testing.T) {
	for deletions := 1; ; deletions++ {
		p := newPlace(t)
		rt := p.live()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		blob := &endingBlob{Blob: p.store.Blob(rt), left: deletions, end: cancel}
		c, err := persist.New(rt, blob, p.store.Consensus(rt), persist.Config{PartSize: 1, RunsMax: 2, DeletesMax: 1})
		must(t, err)
		defer c.Close()
		w := p.writer(c, c.NewShardID())
		b := w.NewBatch(ctx, frontier.At(0), persist.BatchOptions{IsStaged: true})
		for i := 0; i < 9 && err == nil; i++ {
			err = b.Add(ctx, fmt.Appendf(nil, "row %d", 9-i), 0, 1)
		}
		if err == nil {
			_, err = b.Finish(ctx, frontier.At(10))
		}
		if err == nil {
			if deletions < 10 {
				t.Errorf("there were %d deletions", deletions-1)
			}
			return
		}
		b.Discard(ctx) // it has ended
		b.Discard(t.Context())
		if keys := p.keys(w.Shard()); !errors.Is(err, context.Canceled) || len(keys) > 0 {
			t.Errorf("before deletion %d: %v, left behind %q", deletions, err, keys)
		}
	}
}

// TestOneRunIsNotEnough protects builders from merging without end.
func TestOneRunIsNotEnough(t *testing.T) {
	for _, config := range []persist.Config{{RunsMax: 1}, {RunsMax: -1}, {UploadsMax: -1}} {
		if err := config.Validate(); !errors.Is(err, persist.ErrUsage) {
			t.Errorf("%d runs, %d uploads: %v", config.RunsMax, config.UploadsMax, err)
		}
	}
}
