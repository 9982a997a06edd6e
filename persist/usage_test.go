package persist_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// appendLarge appends count batches of two objects each.
func (s *watchedStore) appendLarge(ctx context.Context, w *persist.Writer, count uint64) {
	first, _ := w.Upper().Time()
	for i := first; i < first+count; i++ {
		s.must(w.CompareAndAppend(ctx, rows(9, i), frontier.At(i), frontier.At(i+1)))
	}
}

func (s *watchedStore) usage(ctx context.Context, shard persist.ShardID) persist.Usage {
	c := s.client(persist.Config{})
	defer c.Close()
	usage, err := c.Usage(ctx, shard)
	s.must(err)
	return usage
}

// remove deletes an object behind the back of the engine, and of the ledger.
func (s *watchedStore) remove(ctx context.Context, key string) {
	_, existed, err := s.store.Blob(s.rt).Delete(ctx, key)
	s.rt.Always(existed && err == nil, "removed", "error", err)
}

// parts returns the objects of a shard but rollups.
func (s *watchedStore) parts(ctx context.Context, shard persist.ShardID) (keys []string) {
	s.must(s.store.Blob(s.rt).List(ctx, shard.String(), func(key string, _ int) error {
		if !strings.Contains(key, "/v") {
			keys = append(keys, key)
		}
		return nil
	}))
	return keys
}

// TestUsageCountsEachObjectOnce protects those who look for what takes the space: what
// is needed, what will be collected, and what nobody refers to.
func TestUsageCountsEachObjectOnce(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{InlineSizeMax: 1, PartSize: 120, GCVersionsMin: 100})
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		s.appendLarge(ctx, w, 4)
		s.must(s.rt.Sleep(ctx, time.Second)) // the four become one
		usage := s.usage(ctx, w.Shard())
		newest := usage.Newest
		s.rt.Always(newest.Upper == frontier.At(4) && len(newest.Batches) == 1, "newest", "batches", newest.Batches)
		s.rt.Always(usage.Earliest == 1 && usage.LogBytes > 0, "log", "earliest", usage.Earliest)
		merged := uint64(newest.Batches[0].Parts)
		s.rt.Always(usage.Current.Objects == merged+1, "current", "usage", usage.Current, "parts", merged)
		s.rt.Always(usage.Older.Objects == 8 && usage.Older.Bytes > 0, "older", "usage", usage.Older)
		s.rt.Always(usage.Unreferenced == persist.Tally{} && usage.Missing == nil, "rest", "usage", usage.Unreferenced)

		orphan := w.Shard().String() + "/e0-w1/b1"
		s.must(s.store.Blob(s.rt).Set(ctx, orphan, []byte("nobody's")))
		usage = s.usage(ctx, w.Shard())
		diff := cmp.Diff([]persist.StoredObject{{Key: orphan, Size: 8}}, usage.Orphans)
		s.rt.Always(diff == "" && usage.Unreferenced == persist.Tally{Objects: 1, Bytes: 8}, "orphan", "diff", diff)
	})
}

// TestUsageNamesWhatIsMissing protects shards from damage that nobody sees until the
// object is read; and people from alarms about what garbage collection has deleted.
func TestUsageNamesWhatIsMissing(t *testing.T) {
	for _, isHeld := range []bool{false, true} {
		onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
			c := s.client(persist.Config{InlineSizeMax: 1, GCVersionsMin: 100, ReaderLease: time.Hour})
			defer c.Close()
			w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
			s.must(err)
			s.appendLarge(ctx, w, 3)
			if isHeld {
				_, err = c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "slow"})
				s.must(err)
			}
			old := s.parts(ctx, w.Shard())[0]
			s.appendLarge(ctx, w, 1)
			s.must(s.rt.Sleep(ctx, time.Second))
			s.remove(ctx, old)
			usage := s.usage(ctx, w.Shard())
			s.rt.Always(slices.Contains(usage.Missing, old) == isHeld, "old", "missing", usage.Missing)
			for _, key := range s.parts(ctx, w.Shard()) {
				s.remove(ctx, key)
			}
			usage = s.usage(ctx, w.Shard())
			want := 1
			if isHeld {
				want += 4 // the objects of the four, which are one now
			}
			s.rt.Always(len(usage.Missing) == want && usage.Older == persist.Tally{}, "all", "missing", usage.Missing)
		})
	}
}

// TestUsageOfAShardInUse protects people from alarms: whatever is under way, nothing
// that is needed is said to be missing.
func TestUsageOfAShardInUse(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		config := persist.Config{InlineSizeMax: 1, RollupThreshold: 2, GCVersionsMin: 2, CompactionFanout: 2}
		c := s.client(config)
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		s.appendLarge(ctx, w, 1)
		group := s.rt.NewGroup(ctx)
		group.Go("writer", func(ctx context.Context) error {
			s.appendLarge(ctx, w, 20)
			return nil
		})
		for range 5 {
			usage := s.usage(ctx, w.Shard())
			s.rt.Always(usage.Missing == nil && usage.Earliest >= 1, "missing", "keys", usage.Missing)
		}
		s.must(group.Wait())
	})
}

// listing is a view in which something happens right after a listing.
type listing struct {
	persist.Blob
	then func()
}

func (l *listing) List(ctx context.Context, prefix string, visit func(string, int) error) error {
	err := l.Blob.List(ctx, prefix, visit)
	l.then()
	return err
}

// TestUsageDoesNotMissWhatComesMeanwhile protects people from the same alarm, about an
// object that is written and linked once the others have been listed.
func TestUsageDoesNotMissWhatComesMeanwhile(t *testing.T) {
	p := newPlace(t)
	shard := persist.ShardID{1}
	w := p.writer(p.client(persist.Config{InlineSizeMax: 1}), shard)
	rt := p.live()
	blob := &listing{p.store.Blob(rt), func() {
		must(t, w.CompareAndAppend(t.Context(), rows(9, 0), frontier.At(0), frontier.At(1)))
	}}
	c, err := persist.New(rt, blob, p.store.Consensus(rt), persist.Config{})
	must(t, err)
	t.Cleanup(c.Close)
	usage, err := c.Usage(t.Context(), shard)
	if err != nil || usage.Newest.Upper != frontier.At(1) || usage.Missing != nil {
		t.Errorf("missing %q, upper %v, %v", usage.Missing, usage.Newest.Upper, err)
	}
}

// TestUsageOfWhatIsNotAShard protects the moment before a shard has its first version,
// and callers who mistype.
func TestUsageOfWhatIsNotAShard(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	shard := c.NewShardID()
	if _, err := c.Usage(t.Context(), shard); !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("nothing is there: %v", err)
	}
	must(t, p.store.Blob(p.live()).Set(t.Context(), shard.String()+"/v1/b1", []byte("first")))
	usage, err := c.Usage(t.Context(), shard)
	if err != nil || usage.Newest.SeqNo != 0 || usage.Unreferenced.Objects != 1 {
		t.Errorf("before the first version: %+v, %v", usage, err)
	}
}
