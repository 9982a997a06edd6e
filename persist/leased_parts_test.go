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

// fetchAll fetches parts and adds up what they have, as another process would.
func fetchAll(ctx context.Context, f *persist.Fetcher, tokens [][]byte) (sums map[string]int64, err error) {
	sums = map[string]int64{}
	for _, token := range tokens {
		updates, err := f.Fetch(ctx, token)
		if err != nil {
			return nil, err
		}
		for _, u := range updates {
			at := fmt.Sprintf("%s@%d", u.Row, u.Time)
			if sums[at] += u.Diff; sums[at] == 0 {
				delete(sums, at)
			}
		}
	}
	return sums, nil
}

// contents returns updates in the form of fetchAll.
func contents(updates []persist.Update) map[string]int64 {
	sums := map[string]int64{}
	for _, u := range updates {
		sums[fmt.Sprintf("%s@%d", u.Row, u.Time)] = u.Diff
	}
	return sums
}

// history appends updates that come and go, in objects and inlined, cut short, and
// rewritten.
func (p *place) history(w *persist.Writer) {
	p.t.Helper()
	must(p.t, w.CompareAndAppend(p.t.Context(), rows(20, 0), frontier.At(0), frontier.At(2)))
	must(p.t, w.CompareAndAppend(p.t.Context(), []persist.Update{retract("row 0003", 3), insert("x", 2)},
		frontier.At(2), frontier.At(4)))
	cut := p.build(w, 0, 20, persist.BatchOptions{}, append(rows(20, 1), rows(9, 5)...)...)
	must(p.t, p.appendAll(w, 4, 6, cut))
	rewritten := p.build(w, 0, 2, persist.BatchOptions{}, rows(5, 1)...)
	must(p.t, rewritten.RewriteTimes(frontier.At(7), frontier.At(9)))
	must(p.t, p.appendAll(w, 6, 9, rewritten))
}

// TestPartsFetchedElsewhereAreTheSnapshot protects readers that share the work between
// processes: at every time, all parts together are what one reader reads alone.
func TestPartsFetchedElsewhereAreTheSnapshot(t *testing.T) {
	for _, config := range []persist.Config{{InlineSizeMax: 100, PartSize: 150}, {CompactionFanout: 2, InlineSizeMax: 1}} {
		p := newPlace(t)
		c := p.client(config)
		w := p.writer(c, c.NewShardID())
		p.history(w)
		r, err := c.OpenReader(t.Context(), w.Shard(), persist.ReaderOptions{Purpose: "test"})
		must(t, err)
		f := p.client(persist.Config{}).NewFetcher(w.Shard())
		for asOf := range uint64(9) {
			want, err := r.Snapshot(t.Context(), asOf)
			must(t, err)
			lease, err := r.SnapshotParts(t.Context(), asOf)
			must(t, err)
			got, err := fetchAll(t.Context(), f, lease.Tokens)
			must(t, err)
			lease.Release()
			lease.Release() // does nothing
			if diff := cmp.Diff(contents(want), got); diff != "" || lease.Frontier != frontier.At(asOf+1) {
				t.Errorf("as of %d, then %v (-want +got):\n%s", asOf, lease.Frontier, diff)
			}
		}
	}
}

// TestPartsOfStepsAreWhatAListenerYields protects the same for those who follow.
func TestPartsOfStepsAreWhatAListenerYields(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{InlineSizeMax: 100, PartSize: 150, CompactionsMax: -1})
	w := p.writer(c, c.NewShardID())
	p.history(w)
	r, err := c.OpenReader(t.Context(), w.Shard(), persist.ReaderOptions{Purpose: "test"})
	must(t, err)
	f := p.client(persist.Config{}).NewFetcher(w.Shard())
	for first := range uint64(4) {
		got := map[string]int64{}
		for from := first; from < 9; {
			lease, err := r.ListenParts(t.Context(), from)
			must(t, err)
			step, err := fetchAll(t.Context(), f, lease.Tokens)
			must(t, err)
			lease.Release()
			for at, diff := range step {
				got[at] += diff
			}
			from, _ = lease.Frontier.Time()
		}
		want := map[string]int64{}
		at := func(row string, time uint64) string { return fmt.Sprintf("%s@%d", row, time) }
		for i := range 20 {
			row := fmt.Sprintf("row %04d", i)
			if first == 0 {
				want[at(row, 0)] = 1
			}
			if i < 9 {
				want[at(row, 5)] = 1
			}
			if i < 5 {
				want[at(row, 7)] = 1
			}
		}
		want[at("row 0003", 3)] = -1
		if first <= 2 {
			want[at("x", 2)] = 1
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("from %d (-want +got):\n%s", first, diff)
		}
	}
}

// TestLeasedPartsAreKeptUntilTheyAreReleased protects parts that are on their way to be
// fetched from being deleted, and stores from parts that nobody asks for any more: what
// is gone then is told as that, and not as damage.
func TestLeasedPartsAreKeptUntilTheyAreReleased(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		config := persist.Config{
			InlineSizeMax: 1, CompactionFanout: 2, RollupThreshold: 2, GCVersionsMin: 2, ReaderLease: time.Hour,
		}
		c, elsewhere := s.client(config), s.client(config)
		defer c.Close()
		defer elsewhere.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		s.must(w.CompareAndAppend(ctx, rows(3, 0), frontier.At(0), frontier.At(1)))
		r, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "test"})
		s.must(err)
		lease, err := r.SnapshotParts(ctx, 0)
		s.must(err)
		f := elsewhere.NewFetcher(w.Shard())
		s.grow(ctx, w, 20)
		s.must(r.Renew(ctx))
		s.grow(ctx, w, 20)
		got, err := fetchAll(ctx, f, lease.Tokens)
		s.rt.Always(err == nil && cmp.Equal(contents(rows(3, 0)), got), "P-31", "got", got, "error", err)
		lease.Release()
		s.must(r.Renew(ctx))
		s.grow(ctx, w, 20)
		s.must(s.rt.Sleep(ctx, time.Second))
		_, err = fetchAll(ctx, f, lease.Tokens)
		var expired *persist.LeaseExpiredError
		isTold := errors.As(err, &expired) && expired.Reader == r.ID() && !errors.Is(err, persist.ErrCorruption)
		s.rt.Always(isTold, "released", "error", err)
	})
}

// TestAMissingPartThatIsHeldIsDamage protects people from looking for a reader that slept
// where the store has lost an object, and the other way round.
func TestAMissingPartThatIsHeldIsDamage(t *testing.T) {
	for name, change := range map[string]func(p *place, r *persist.Reader, key string) error{
		"missing": func(p *place, r *persist.Reader, key string) error {
			_, _, err := p.store.Blob(p.live()).Delete(t.Context(), key)
			return err
		},
		"damaged": func(p *place, r *persist.Reader, key string) error {
			return p.store.Blob(p.live()).Set(t.Context(), key, []byte("something else"))
		},
		"closed": func(p *place, r *persist.Reader, key string) error {
			_, _, err := p.store.Blob(p.live()).Delete(t.Context(), key)
			return errors.Join(err, r.Close(t.Context()))
		},
	} {
		p := newPlace(t)
		c := p.client(persist.Config{InlineSizeMax: 1})
		w := p.writer(c, c.NewShardID())
		must(t, w.CompareAndAppend(t.Context(), rows(3, 0), frontier.At(0), frontier.At(1)))
		r, err := c.OpenReader(t.Context(), w.Shard(), persist.ReaderOptions{Purpose: "test"})
		must(t, err)
		lease, err := r.SnapshotParts(t.Context(), 0)
		must(t, err)
		must(t, change(p, r, p.keys(w.Shard())[0]))
		_, err = c.NewFetcher(w.Shard()).Fetch(t.Context(), lease.Tokens[0])
		var expired *persist.LeaseExpiredError
		isClosed, isDamage := name == "closed", errors.Is(err, persist.ErrCorruption)
		if errors.As(err, &expired) != isClosed || isDamage == isClosed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestForeignTokensAreNotFetched protects a fetcher from bytes that are no token of its
// shard.
func TestForeignTokensAreNotFetched(t *testing.T) {
	p := newPlace(t)
	c := p.client(persist.Config{})
	w := p.writer(c, c.NewShardID())
	must(t, w.CompareAndAppend(t.Context(), rows(3, 0), frontier.At(0), frontier.At(1)))
	r, err := c.OpenReader(t.Context(), w.Shard(), persist.ReaderOptions{Purpose: "test"})
	must(t, err)
	lease, err := r.SnapshotParts(t.Context(), 0)
	must(t, err)
	_, err = c.NewFetcher(c.NewShardID()).Fetch(t.Context(), lease.Tokens[0])
	wantUsage(t, "another shard", err)
	f := c.NewFetcher(w.Shard())
	token := lease.Tokens[0]
	for i := range token {
		token[i] ^= 16
		_, err := f.Fetch(t.Context(), token)
		if !errors.Is(err, persist.ErrCorruption) || strings.Contains(err.Error(), "row 0") {
			t.Errorf("byte %d: %v", i, err)
		}
		token[i] ^= 16
	}
	got, err := fetchAll(t.Context(), f, lease.Tokens)
	if diff := cmp.Diff(contents(rows(3, 0)), got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
