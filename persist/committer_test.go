package persist_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// firstStall keeps the first commit waiting, and counts all of them.
type firstStall struct {
	commits atomic.Int32
	isSent  *runtime.Chan[struct{}]
	rest    *runtime.Chan[struct{}]
}

func stallFirst(rt *runtime.Runtime, h *hooked) *firstStall {
	s := &firstStall{isSent: runtime.NewChan[struct{}](rt, 1), rest: runtime.NewChan[struct{}](rt, 0)}
	h.compareAndSet = func(commit func() (bool, error)) (bool, error) {
		if s.commits.Add(1) == 1 {
			s.isSent.TrySend(struct{}{})
			_, _ = s.rest.Recv(context.Background())
		}
		return commit()
	}
	return s
}

// await returns once the first commit is on its way.
func (s *firstStall) await(t *testing.T) {
	t.Helper()
	_, err := s.isSent.Recv(t.Context())
	must(t, err)
}

// register commits something small.
func register(c *persist.Client, shard persist.ShardID) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.OpenSince(ctx, shard, persist.CriticalReaderID(c.NewShardID()), persist.Opaque{Codec: "epoch"}, "test")
		return err
	}
}

// TestCallersShareVersions protects the cost of a busy shard: those who come while
// a version is on its way go together into the next one, and each gets its answer.
func TestCallersShareVersions(t *testing.T) {
	p := newPlace(t)
	c, h := p.hook(persist.Config{})
	shard := c.NewShardID()
	must(t, p.writer(c, shard).AdvanceUpper(t.Context(), frontier.At(1)))
	rt := runtime.New(runtime.Options{})
	stall := stallFirst(rt, h)
	const callers = 40
	group := rt.NewGroup(t.Context())
	group.Go("first", register(c, shard))
	stall.await(t)
	for range callers {
		group.Go("another", register(c, shard))
	}
	must(t, rt.Sleep(t.Context(), 50*time.Millisecond)) // until all of them wait
	stall.rest.Close()
	must(t, group.Wait())
	if got := stall.commits.Load(); got > callers/2 { // on a machine that is busy some come late
		t.Errorf("%d callers took %d versions", callers+1, got)
	}
	i, err := c.Inspect(t.Context(), shard)
	must(t, err)
	if len(i.Critical) != callers+1 {
		t.Errorf("%d are registered", len(i.Critical))
	}
}

// TestWhoeverWaitsMayLeave protects callers from each other: one that goes away
// before its command was sent has done nothing, and the others go on.
func TestWhoeverWaitsMayLeave(t *testing.T) {
	p := newPlace(t)
	c, h := p.hook(persist.Config{})
	shard := c.NewShardID()
	first, second, third := p.writer(c, shard), p.writer(c, shard), p.writer(c, shard)
	rt := runtime.New(runtime.Options{})
	stall := stallFirst(rt, h)
	group := rt.NewGroup(t.Context())
	group.Go("first", func(ctx context.Context) error { return first.AdvanceUpper(ctx, frontier.At(1)) })
	stall.await(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := second.CompareAndAppend(ctx, nil, frontier.At(1), frontier.At(9))
	var unknown *persist.UnknownOutcomeError
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, persist.ErrDeterminate) || errors.As(err, &unknown) {
		t.Errorf("whoever left was told %v", err)
	}
	group.Go("third", func(ctx context.Context) error {
		return third.CompareAndAppend(ctx, nil, frontier.At(1), frontier.At(2))
	})
	must(t, rt.Sleep(t.Context(), 20*time.Millisecond))
	stall.rest.Close()
	must(t, group.Wait())
	upper, err := third.FetchRecentUpper(t.Context())
	if err != nil || upper != frontier.At(2) {
		t.Error(upper, err)
	}
}

// slow is a version store that takes a millisecond to commit.
type slow struct {
	persist.Consensus
	rt *runtime.Runtime
}

func (s slow) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	if err := s.rt.Sleep(ctx, time.Millisecond); err != nil {
		return false, err
	}
	return s.Consensus.CompareAndSet(ctx, key, expected, next)
}

// BenchmarkGroupCommit measures how many commands a shard takes a second where a
// commit takes a millisecond: of one caller, and of many.
func BenchmarkGroupCommit(b *testing.B) {
	for name, callers := range map[string]int{"callers=1": 1, "callers=64": 64} {
		b.Run(name, func(b *testing.B) {
			p := newPlace(b)
			rt := runtime.New(runtime.Options{})
			c, err := persist.New(rt, p.store.Blob(rt), slow{p.store.Consensus(rt), rt}, persist.Config{})
			must(b, err)
			defer c.Close()
			shard := c.NewShardID()
			var done atomic.Int64
			start := time.Now()
			group := rt.NewGroup(b.Context())
			total := int64(b.N)
			for range callers {
				id := persist.CriticalReaderID(c.NewShardID())
				opaque := persist.Opaque{Codec: "epoch"}
				since, err := c.OpenSince(b.Context(), shard, id, opaque, "benchmark")
				must(b, err)
				group.Go("caller", func(ctx context.Context) error {
					for done.Add(1) <= total {
						if _, err := since.CompareAndDowngrade(ctx, opaque, opaque, frontier.At(0)); err != nil {
							return err
						}
					}
					return nil
				})
			}
			must(b, group.Wait())
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "commands/s")
		})
	}
}

// TestNoRoomIsNoMismatch protects an append that shares its version with another
// command: that the metadata is full is not an answer for its caller. Found by seed 24
// of sources.
func TestNoRoomIsNoMismatch(t *testing.T) {
	p := newPlace(t)
	c, h := p.hook(persist.Config{InlineTotalMax: 1})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	rt := runtime.New(runtime.Options{})
	stall := stallFirst(rt, h)
	group := rt.NewGroup(t.Context())
	group.Go("first", register(c, shard))
	stall.await(t)
	group.Go("before", register(c, shard))
	must(t, rt.Sleep(t.Context(), 20*time.Millisecond))
	group.Go("append", func(ctx context.Context) error {
		return w.CompareAndAppend(ctx, rows(1, 0), frontier.At(0), frontier.At(1))
	})
	must(t, rt.Sleep(t.Context(), 20*time.Millisecond))
	stall.rest.Close()
	must(t, group.Wait())
	p.wantSnapshot(c, shard, 0, "row 0000@0+1")
}

// leaver is a store that asserts that nothing is begun for somebody who has left.
type leaver struct {
	persist.Consensus
	rt      *runtime.Runtime
	hasLeft atomic.Bool // the committer is another task
}

const leaving = "leaving"

func (l *leaver) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	l.rt.Always(!l.hasLeft.Load() || !bytes.Contains(next.Data, []byte(leaving)), "I-31")
	return l.Consensus.CompareAndSet(ctx, key, expected, next)
}

// TestNothingIsBegunForWhoHasLeft protects processes that were fenced: a command whose
// context has ended is not sent any more, however close it was to being sent, and whoever
// it is sent with. Found by seeds 62 and 1977 of takeover.
func TestNothingIsBegunForWhoHasLeft(t *testing.T) {
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		store := memory.New("store", memory.Options{})
		h := &hooked{Consensus: store.Consensus(rt)}
		log := &leaver{Consensus: h, rt: rt}
		c, err := persist.New(rt, store.Blob(rt), log, persist.Config{})
		rt.Always(err == nil, "opened", "error", err)
		defer c.Close()
		shard := persist.ShardID{1}
		_, err = c.OpenShard(ctx, shard)
		rt.Always(err == nil, "shard", "error", err)
		stall := stallFirst(rt, h)
		group := rt.NewGroup(ctx)
		group.Go("first", register(c, shard))
		stall.await(t)
		its, leave := rt.WithCancel(ctx)
		group.Go("leaver", func(context.Context) error {
			id := persist.CriticalReaderID(c.NewShardID())
			_, _ = c.OpenSince(its, shard, id, persist.Opaque{Codec: "epoch"}, leaving) // it may have been too late
			return nil
		})
		group.Go("stayer", register(c, shard))
		group.Go("end of the stall", func(context.Context) error {
			stall.rest.Close()
			return nil
		})
		for range rt.Rand("test").IntN(30) {
			rt.Yield()
		}
		leave()
		log.hasLeft.Store(true)
		rt.Always(group.Wait() == nil, "ended")
	})
}
