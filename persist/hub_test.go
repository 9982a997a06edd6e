package persist_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// seldom looks at a shard once in an hour.
var seldom = persist.Config{PollMin: time.Hour, PollMax: time.Hour, CompactionsMax: -1}

// TestHintsWakeWaiters protects latency: who waits hears of the commits of other clients
// long before it would look; hints that are wrong or repeated change nothing else.
func TestHintsWakeWaiters(t *testing.T) {
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		store, hub := memory.New("store", memory.Options{}), memory.NewHub(rt)
		connect := func() (*persist.Client, *memory.Port) {
			config, port := seldom, hub.Connect()
			config.Hub = port
			c, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), config)
			rt.Always(err == nil, "opened", "error", err)
			return c, port
		}
		ours, port := connect()
		defer ours.Close()
		theirs, _ := connect()
		defer theirs.Close()
		shard := persist.ShardID{1}
		w, err := ours.OpenWriter(ctx, shard, persist.WriterOptions{})
		rt.Always(err == nil, "writer", "error", err)
		other, err := theirs.OpenShard(ctx, shard)
		rt.Always(err == nil, "shard", "error", err)
		group := rt.NewGroup(ctx)
		for range 3 {
			group.Go("waiter", func(ctx context.Context) error {
				return other.WaitForUpperPast(ctx, frontier.At(3))
			})
		}
		port.Send(persist.Hint{Shard: shard, SeqNo: 1000}) // there is no such version
		port.Send(persist.Hint{Shard: persist.ShardID{9}, SeqNo: 1})
		begun := rt.Now()
		for i := range uint64(4) {
			rt.Always(rt.Sleep(ctx, time.Second) == nil, "slept")
			err = w.CompareAndAppend(ctx, rows(1, i), frontier.At(i), frontier.At(i+1))
			rt.Always(err == nil, "appended", "error", err)
		}
		err = group.Wait()
		took := rt.Now().Sub(begun)
		rt.Always(err == nil && took < time.Minute, "P-52", "took", took, "error", err)
	})
}

// TestLostHintsCostOnlyLatency protects waiters from a hub that has gone silent.
func TestLostHintsCostOnlyLatency(t *testing.T) {
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		store, hub := memory.New("store", memory.Options{}), memory.NewHub(rt)
		config, port := seldom, hub.Connect()
		config.Hub = port
		ours, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), seldom)
		rt.Always(err == nil, "opened", "error", err)
		defer ours.Close()
		theirs, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), config)
		rt.Always(err == nil, "opened", "error", err)
		defer theirs.Close()
		port.Close()
		w, err := ours.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{})
		rt.Always(err == nil, "writer", "error", err)
		other, err := theirs.OpenShard(ctx, persist.ShardID{1})
		rt.Always(err == nil, "shard", "error", err)
		group := rt.NewGroup(ctx)
		group.Go("waiter", func(ctx context.Context) error { return other.WaitForUpperPast(ctx, frontier.At(0)) })
		err = w.CompareAndAppend(ctx, rows(1, 0), frontier.At(0), frontier.At(1))
		rt.Always(err == nil, "appended", "error", err)
		rt.Always(group.Wait() == nil, "P-52")
	})
}

// TestWaitersLookTogether protects the store from those who wait: however many they are,
// they read the log once in each interval.
func TestWaitersLookTogether(t *testing.T) {
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		store := memory.New("store", memory.Options{})
		slow := &slowScans{Consensus: store.Consensus(rt), rt: rt}
		c, err := persist.New(rt, store.Blob(rt), slow, persist.Config{PollMin: time.Second, PollMax: time.Second})
		rt.Always(err == nil, "opened", "error", err)
		defer c.Close()
		shard, err := c.OpenShard(ctx, persist.ShardID{1})
		rt.Always(err == nil, "shard", "error", err)
		slow.scans.Store(0)
		const waiters, seconds = 40, 60
		waiting, cancel := rt.WithTimeout(ctx, seconds*time.Second)
		defer cancel()
		group := rt.NewGroup(ctx)
		for range waiters {
			group.Go("waiter", func(context.Context) error {
				_ = shard.WaitForUpperPast(waiting, frontier.At(0)) // it ends with the time
				return nil
			})
		}
		rt.Always(group.Wait() == nil, "ended")
		scans := slow.scans.Load() // of an interval at least half is waited
		rt.Always(seconds/2 <= scans && scans <= 2*seconds+1, "P-57", "scans", scans)
	})
}

// slowScans is a log that takes its time.
type slowScans struct {
	persist.Consensus
	rt    *runtime.Runtime
	scans atomic.Int64
}

func (s *slowScans) Scan(ctx context.Context, key string, from persist.SeqNo, limit int) ([]persist.Versioned, error) {
	s.scans.Add(1)
	if err := s.rt.Sleep(ctx, 10*time.Millisecond); err != nil {
		return nil, err
	}
	return s.Consensus.Scan(ctx, key, from, limit)
}
