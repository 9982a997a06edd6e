package persist_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// rows returns count updates at a time.
func rows(count int, at uint64) (updates []persist.Update) {
	for i := range count {
		updates = append(updates, insert(fmt.Sprintf("row %04d", i), at))
	}
	return updates
}

// keys returns the objects of a shard but rollups.
func (p *place) keys(shard persist.ShardID) (keys []string) {
	p.t.Helper()
	must(p.t, p.store.Blob(p.live()).List(p.t.Context(), shard.String(), func(key string, _ int) error {
		if !strings.Contains(key, "/v") {
			keys = append(keys, key)
		}
		return nil
	}))
	return keys
}

// TestLargeAppendsAreObjects protects the metadata from contents, and small appends
// from a second write.
func TestLargeAppendsAreObjects(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{InlineSizeMax: 100, PartSize: 1000})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	must(t, w.CompareAndAppend(t.Context(), rows(2, 0), frontier.At(0), frontier.At(1)))
	if keys := p.keys(shard); len(keys) != 0 {
		t.Errorf("a small append has made %q", keys)
	}
	must(t, w.CompareAndAppend(t.Context(), rows(100, 1), frontier.At(1), frontier.At(2)))
	if keys := p.keys(shard); len(keys) != 3 {
		t.Errorf("2,400 bytes are %q", keys)
	}
	r, err := p.client(persist.Config{}).OpenReader(t.Context(), shard, persist.ReaderOptions{Purpose: "test"})
	must(t, err)
	got, err := r.Snapshot(t.Context(), 1)
	if err != nil || len(got) != 100 || got[0].Diff != 2 || got[99].Diff != 1 {
		t.Errorf("%d rows, %v", len(got), err)
	}
}

// TestWhatIsNotAppendedLeavesNothing protects stores from the objects of appends that
// were refused.
func TestWhatIsNotAppendedLeavesNothing(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{InlineSizeMax: 1})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	var mismatch *persist.UpperMismatchError
	err := w.CompareAndAppend(t.Context(), rows(9, 5), frontier.At(5), frontier.At(6))
	if !errors.As(err, &mismatch) {
		t.Fatal(err)
	}
	if keys := p.keys(shard); len(keys) != 0 {
		t.Errorf("left %q", keys)
	}
	must(t, w.CompareAndAppend(t.Context(), rows(9, 0), frontier.At(0), frontier.At(6)))
	must(t, p.writer(c, shard).Append(t.Context(), rows(9, 0), frontier.At(0), frontier.At(6))) // it is there already
	if keys := p.keys(shard); len(keys) != 1 {
		t.Errorf("there are %q", keys)
	}
}

// TestFullMetadataMakesObjects protects the size of each version.
func TestFullMetadataMakesObjects(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{InlineTotalMax: 100, CompactionsMax: -1})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	for i := range uint64(10) {
		must(t, w.CompareAndAppend(t.Context(), rows(1, i), frontier.At(i), frontier.At(i+1)))
	}
	i, err := c.Inspect(t.Context(), shard)
	must(t, err)
	if keys := p.keys(shard); len(keys) < 2 || len(keys) > 9 {
		t.Errorf("%d objects of %d batches", len(keys), len(i.Batches))
	}
	p.wantSnapshot(c, shard, 9, "row 0000@9+10")
}

// TestDamagedObjectsAreNotRead protects readers from what is not what was written: a
// flipped bit, an object cut short, and one that is missing.
func TestDamagedObjectsAreNotRead(t *testing.T) {
	for name, damage := range map[string]func(value []byte) []byte{
		"flipped": func(value []byte) []byte { value[len(value)/2] ^= 1; return value },
		"cut":     func(value []byte) []byte { return value[:len(value)-1] },
		"emptied": func([]byte) []byte { return nil },
		"missing": nil,
	} {
		p := newPlace(t)
		c := p.client(persist.Config{InlineSizeMax: 1})
		shard := c.NewShardID()
		must(t, p.writer(c, shard).CompareAndAppend(t.Context(), rows(9, 0), frontier.At(0), frontier.At(1)))
		blob, key := p.store.Blob(p.live()), p.keys(shard)[0]
		value, _, err := blob.Get(t.Context(), key)
		must(t, err)
		_, _, err = blob.Delete(t.Context(), key)
		must(t, err)
		if damage != nil {
			must(t, blob.Set(t.Context(), key, damage(value)))
		}
		r, err := c.OpenReader(t.Context(), shard, persist.ReaderOptions{Purpose: "test"})
		must(t, err)
		if got, err := r.Snapshot(t.Context(), 0); !errors.Is(err, persist.ErrCorruption) || got != nil {
			t.Errorf("%s: %d rows, %v", name, len(got), err)
		}
	}
}

// TestManySmallAppendsBecomeFewBatches protects readers, and the metadata, from a batch
// for each append (P-17); what is read stays the same, at every time (P-21).
func TestManySmallAppendsBecomeFewBatches(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{InlineSizeMax: 200, PartSize: 500, GCVersionsMin: 5, RollupThreshold: 5})
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		const count = 150
		for i := range uint64(count) {
			updates := []persist.Update{insert(fmt.Sprint("row ", i%10), i), retract(fmt.Sprint("row ", (i+3)%10), i)}
			s.must(w.CompareAndAppend(ctx, updates, frontier.At(i), frontier.At(i+1)))
			s.must(s.rt.Sleep(ctx, time.Millisecond))
		}
		s.must(s.rt.Sleep(ctx, time.Second))
		seen, err := c.Inspect(ctx, w.Shard())
		s.rt.Always(err == nil && len(seen.Batches) <= 4*6, "P-17", "batches", len(seen.Batches), "error", err)
		r, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "audit"})
		s.must(err)
		for _, asOf := range []uint64{0, 1, 7, 64, count - 1} {
			got, err := r.Snapshot(ctx, asOf)
			diff := cmp.Diff(sums(asOf), texts(got))
			s.rt.Always(err == nil && diff == "", "P-21", "as of", asOf, "diff", diff, "error", err)
		}
	})
}

// sums is what the test above has appended up to a time.
func sums(asOf uint64) (want []string) {
	var diffs [10]int
	for i := range asOf + 1 {
		diffs[i%10]++
		diffs[(i+3)%10]--
	}
	for row, diff := range diffs {
		if diff != 0 {
			want = append(want, fmt.Sprintf("row %d@%d%+d", row, asOf, diff))
		}
	}
	return want
}
