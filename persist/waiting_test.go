package persist_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// told is what somebody has heard who waits for a shard, and when.
type told struct {
	err error
	at  time.Time
}

// wait calls read, which waits, and returns where it will be told what came of it.
func (s *watchedStore) wait(ctx context.Context, read func(context.Context) error) *runtime.Watch[told] {
	heard := runtime.NewWatch(s.rt, told{})
	s.rt.Go(ctx, "wait", func(ctx context.Context) error {
		err := read(ctx)
		heard.Set(told{err, s.rt.Now()})
		return nil
	})
	s.must(s.rt.Sleep(ctx, 5*time.Second))
	_, version := heard.Get()
	s.rt.Always(version == 0, "it-waits", "version", version)
	return heard
}

// snapshots reads as of a time that has not come yet.
func snapshots(r *persist.Reader, asOf uint64) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := r.Snapshot(ctx, asOf)
		return err
	}
}

// TestWhoeverWaitsHearsThatTheTimeIsGivenUp protects readers of a shard that nobody writes
// from waiting for a time that can not be read any more when it comes.
func TestWhoeverWaitsHearsThatTheTimeIsGivenUp(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c, other := s.client(persist.Config{}), s.client(persist.Config{})
		defer c.Close()
		defer other.Close()
		w, err := other.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		s.grow(ctx, w, 1)
		r, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "objects", HoldsObjectsOnly: true})
		s.must(err)
		opaque := persist.Opaque{Codec: "epoch"}
		mine, err := c.OpenSince(ctx, w.Shard(), persist.CriticalReaderID{1}, opaque, "owner")
		s.must(err)
		owner, err := other.OpenSince(ctx, w.Shard(), mine.ID(), opaque, "owner")
		s.must(err)
		reader := s.wait(ctx, snapshots(r, 5))
		stats := s.wait(ctx, func(ctx context.Context) error {
			_, err := mine.SnapshotStats(ctx, 5)
			return err
		})
		given := s.rt.Now()
		_, err = owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.At(6))
		s.must(err)
		s.must(s.rt.Sleep(ctx, 10*time.Second))
		for _, waiting := range []*runtime.Watch[told]{reader, stats} {
			heard, _ := waiting.Get()
			var since *persist.SinceError
			s.rt.Always(errors.As(heard.err, &since) && since.Since == frontier.At(6), "P-33", "error", heard.err)
			s.rt.Always(heard.at.Sub(given) <= 2*time.Second, "soon", "after", heard.at.Sub(given))
		}
	})
}

// TestWhoeverWaitsHearsThatTheReaderHasMovedOn protects those who share a reader: one of
// them gives up what another waits for.
func TestWhoeverWaitsHearsThatTheReaderHasMovedOn(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{})
		defer c.Close()
		r, err := c.OpenReader(ctx, persist.ShardID{1}, persist.ReaderOptions{Purpose: "test"})
		s.must(err)
		reader := s.wait(ctx, snapshots(r, 5))
		r.Downgrade(frontier.At(6))
		s.must(r.Renew(ctx))
		s.must(s.rt.Sleep(ctx, 10*time.Second))
		heard, _ := reader.Get()
		var since *persist.SinceError
		s.rt.Always(errors.As(heard.err, &since) && since.Since == frontier.At(6), "P-33", "error", heard.err)
	})
}

// TestWhoeverWaitsHearsThatTheLeaseIsLost protects readers of a shard that nobody writes
// from waiting with a capability that is gone.
func TestWhoeverWaitsHearsThatTheLeaseIsLost(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c, dead := s.client(persist.Config{}), s.client(persist.Config{ReaderLease: 30 * time.Second})
		defer c.Close()
		r, err := dead.OpenReader(ctx, persist.ShardID{1}, persist.ReaderOptions{Purpose: "dead"})
		s.must(err)
		dead.Close() // and with it the heartbeat
		reader := s.wait(ctx, snapshots(r, 5))
		s.must(s.rt.Sleep(ctx, time.Minute))
		_, err = c.OpenReader(ctx, r.Shard(), persist.ReaderOptions{Purpose: "alive"}) // which forgets the other one
		s.must(err)
		s.must(s.rt.Sleep(ctx, 2*time.Second))
		heard, _ := reader.Get()
		var expired *persist.LeaseExpiredError
		s.rt.Always(errors.As(heard.err, &expired) && expired.Reader == r.ID(), "P-31", "error", heard.err)
	})
}
