package persist_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// watchedStore is a store that a ledger watches.
type watchedStore struct {
	t      testing.TB
	rt     *runtime.Runtime
	store  *memory.Store
	ledger *invariants.Ledger
}

// onWatchedStore runs body in the simulator.
func onWatchedStore(t *testing.T, body func(ctx context.Context, s *watchedStore)) {
	t.Helper()
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		body(ctx, &watchedStore{t, rt, memory.New("test", memory.Options{}), invariants.NewLedger()})
	})
}

func (s *watchedStore) client(config persist.Config) *persist.Client {
	config.SelfCheck = true
	blob, log := s.ledger.Blob(s.rt, s.store.Blob(s.rt)), s.ledger.Consensus(s.rt, s.store.Consensus(s.rt))
	c, err := persist.New(s.rt, blob, log, config)
	s.must(err)
	return c
}

func (s *watchedStore) must(err error) { s.rt.Always(err == nil, "no-error", "error", err) }

// grow appends count rows, one at a time.
func (s *watchedStore) grow(ctx context.Context, w *persist.Writer, count uint64) {
	first, _ := w.Upper().Time()
	for i := first; i < first+count; i++ {
		s.must(w.CompareAndAppend(ctx, []persist.Update{insert("row", i)}, frontier.At(i), frontier.At(i+1)))
		s.must(s.rt.Sleep(ctx, time.Millisecond)) // maintenance is done in the background
	}
}

// TestTheLogStaysShort protects stores from growing with every version, where nobody
// needs the old ones (P-53).
func TestTheLogStaysShort(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{RollupThreshold: 4, GCVersionsMin: 6})
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		s.grow(ctx, w, 60)
		s.must(s.rt.Sleep(ctx, time.Second))
		objects, versions := s.ledger.Left(w.Shard().String())
		s.rt.Always(versions <= 4+6+8 && objects <= 6, "P-53", "versions", versions, "objects", objects)
		other := s.client(persist.Config{ScanLimit: 3})
		defer other.Close()
		r, err := other.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "audit"})
		s.must(err)
		got, err := r.Snapshot(ctx, 59)
		s.rt.Always(err == nil && len(got) == 1 && got[0].Diff == 60, "all-there", "got", texts(got), "error", err)
	})
}

// TestAReaderHoldsItsVersions protects what a reader reads from being deleted under
// it; and the store from a reader that has finished.
func TestAReaderHoldsItsVersions(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{RollupThreshold: 2, GCVersionsMin: 2, ReaderLease: 4 * time.Hour})
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		r, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "slow"})
		s.must(err)
		s.grow(ctx, w, 20)
		_, held := s.ledger.Left(w.Shard().String())
		s.rt.Always(held >= 20, "P-12", "versions", held)
		s.must(r.Renew(ctx))
		s.grow(ctx, w, 10)
		_, versions := s.ledger.Left(w.Shard().String())
		s.rt.Always(versions < held, "hold-moved", "versions", versions, "held", held)
		s.must(r.Close(ctx))
		s.grow(ctx, w, 10)
		_, versions = s.ledger.Left(w.Shard().String())
		s.rt.Always(versions <= 14, "hold-gone", "versions", versions)
	})
}

// TestALapsedReaderReadsNothingWrong protects readers of a process that stood still:
// they learn it, and others go on without them.
func TestALapsedReaderReadsNothingWrong(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{ReaderLease: time.Second, GCVersionsMin: 2, RollupThreshold: 2})
		dead := s.client(persist.Config{ReaderLease: time.Second})
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		s.grow(ctx, w, 2)
		r, err := dead.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "dead"})
		s.must(err)
		dead.Close() // and with it the heartbeat
		s.must(s.rt.Sleep(ctx, 3*time.Second))
		s.grow(ctx, w, 4)
		_, err = r.Snapshot(ctx, 1)
		var expired *persist.LeaseExpiredError
		s.rt.Always(errors.As(err, &expired) && expired.Reader == r.ID(), "P-31", "error", err)
		alive, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "alive"})
		s.must(err)
		s.must(s.rt.Sleep(ctx, 10*time.Second)) // it renews itself
		s.grow(ctx, w, 2)
		_, err = alive.Snapshot(ctx, 1)
		s.rt.Always(err == nil, "P-31", "error", err)
	})
}

// TestReadersHoldTheSinceBack protects what a reader may read from owners that move
// on, and owners from readers that only hold objects.
func TestReadersHoldTheSinceBack(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{})
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		s.grow(ctx, w, 9)
		opaque := persist.Opaque{Codec: "epoch"}
		owner, err := c.OpenSince(ctx, w.Shard(), persist.CriticalReaderID{1}, opaque, "owner")
		s.must(err)
		r, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "reader"})
		s.must(err)
		holding, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "objects", HoldsObjectsOnly: true})
		s.must(err)
		_, err = owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.At(5))
		s.must(err)
		_, err = r.Snapshot(ctx, 2)
		s.rt.Always(err == nil && r.SharedSince() == frontier.At(0), "held-back", "error", err, "since", r.SharedSince())
		late, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "late", IsAtCriticalSince: true})
		s.rt.Always(err == nil && late.Since() == frontier.At(5), "at-critical-since", "since", late.Since())
		r.Downgrade(frontier.At(3))
		s.rt.Always(r.Since() == frontier.At(0), "only-a-wish", "since", r.Since())
		s.must(r.Renew(ctx))
		s.rt.Always(r.Since() == frontier.At(3) && r.SharedSince() == frontier.At(3), "moved", "since", r.SharedSince())
		var gone *persist.SinceError
		_, err = r.Snapshot(ctx, 2)
		s.rt.Always(errors.As(err, &gone) && gone.Since == frontier.At(3), "P-29", "error", err)
		_, err = holding.Snapshot(ctx, 3)
		s.rt.Always(err == nil, "P-29", "error", err)
	})
}

// TestAFinalizedShardLeavesNextToNothing protects stores from the remains of what was
// dropped (P-15, P-60), whatever was registered.
func TestAFinalizedShardLeavesNextToNothing(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{RollupThreshold: 3, GCVersionsMin: 4})
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		s.grow(ctx, w, 12)
		opaque := persist.Opaque{Codec: "epoch"}
		owner, err := c.OpenSince(ctx, w.Shard(), persist.CriticalReaderID{1}, opaque, "owner")
		s.must(err)
		shard, err := c.OpenShard(ctx, w.Shard())
		s.must(err)
		var open *persist.NotClosedError
		err = shard.Finalize(ctx)
		s.rt.Always(errors.As(err, &open) && errors.Is(err, persist.ErrUsage), "open", "error", err)
		s.must(w.AdvanceUpper(ctx, frontier.Empty()))
		_, err = owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.Empty())
		s.must(err)
		_, err = c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "too late"})
		s.must(err)
		for range 2 {
			s.must(shard.Finalize(ctx))
			isFinalized, err := shard.IsFinalized(ctx)
			objects, versions := s.ledger.Left(w.Shard().String())
			s.rt.Always(err == nil && isFinalized, "P-60", "error", err)
			s.rt.Always(objects == 1 && versions <= 2, "P-15", "objects", objects, "versions", versions)
		}
		s.useTombstone(ctx, w.Shard())
		_, versions := s.ledger.Left(w.Shard().String())
		s.rt.Always(versions <= 2, "P-15", "versions", versions)
	})
}

// useTombstone opens every kind of handle on a shard that has come to its end.
func (s *watchedStore) useTombstone(ctx context.Context, shard persist.ShardID) {
	c := s.client(persist.Config{})
	defer c.Close()
	w, err := c.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "late"})
	s.must(err)
	var mismatch *persist.UpperMismatchError
	err = w.CompareAndAppend(ctx, nil, frontier.At(0), frontier.At(1))
	s.rt.Always(errors.As(err, &mismatch) && mismatch.Current == frontier.Empty(), "tombstone", "error", err)
	owner, err := c.OpenSince(ctx, shard, persist.CriticalReaderID{2}, persist.Opaque{Codec: "epoch"}, "late")
	s.rt.Always(err == nil && owner.Since().IsEmpty(), "tombstone", "error", err)
	r, err := c.OpenReader(ctx, shard, persist.ReaderOptions{Purpose: "late"})
	s.must(err)
	var gone *persist.SinceError
	_, err = r.Snapshot(ctx, 1)
	s.rt.Always(errors.As(err, &gone), "tombstone", "error", err)
	s.must(w.Expire(ctx))
	s.must(r.Close(ctx))
}
