package scenarios

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Shipping lets processes build batches for another one that appends them.
func Shipping() sim.Scenario {
	return sim.Scenario{
		Name: "shipping",
		Doc: "processes build batches and ship them as bytes to one that appends several at once, at times that it decides;" +
			" readers lease parts that others fetch; sweeps come in between, and nothing is lost, doubled, or left behind",
		Run:    inWorld(shipping),
		Faults: kindNames(storeFaults, storageRules...),
		Goals: []string{
			"batches-appended", "batches-appended-later", "batches-unclear", "batch-too-old", "parts-read", "parts-followed", "part-gone",
			"lease-expired", "swept", "all-accounted",
		},
	}
}

// shippingWorld is a shard, and what is on its way between the processes: bytes.
type shippingWorld struct {
	*shardWorld

	mu       sync.Mutex //sim:allow native-lock because nothing parks while it is held
	parcels  []parcel
	orders   []*order
	open     int // staged batches that were begun, and nobody knows what came of them
	isEnding bool
}

func shipping(ctx context.Context, w simulated) error {
	rt := w.Runtime()
	rand := rt.Rand("shipping")

	// Given processes that build batches for the first of them, and read in parts,
	nodes := 2 + rand.IntN(3)/2
	plan := trouble{nodes: nodes, faults: 5, steps: 2500, kinds: storeFaults, storage: storageRules}.plan(w)
	shard, err := newShardWorld(w, rand, plan)
	if err != nil {
		return err
	}
	s := &shippingWorld{shardWorld: shard}
	s.drawConfig(rand)
	if err := bootNodes(w, nodes, s.process); err != nil {
		return err
	}

	// when they, the store, and their clocks are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, 1, 4)); err != nil {
		return err
	}

	// then, once the faults are over, batches arrive,
	s.recover(w, drawCalm(rand))

	// and when all have come to their end, what is there is what was appended, and no more,
	// and nobody goes on.
	s.end()
	if err := rt.Sleep(ctx, 5*time.Second); err != nil {
		return err
	}
	for _, n := range w.Nodes() {
		if err := n.Crash(); err != nil {
			return err
		}
	}
	if err := s.comeToRest(ctx, rt); err != nil {
		return err
	}
	if err := s.audit(ctx, rt); err != nil {
		return err
	}
	if err := s.auditObjects(ctx, rt); err != nil {
		return err
	}
	s.ledger.Seal(rt)
	return leaveNothing(ctx, w)
}

// drawConfig makes most batches objects, and many of them several; what nobody holds goes
// soon.
func (s *shippingWorld) drawConfig(rand *runtime.Rand) {
	s.config.PartSize = runtime.Between(rand, 20, 200)
	s.config.InlineSizeMax = runtime.Between(rand, 1, 80)
	s.config.UploadsMax = runtime.Between(rand, 1, 3)
	s.config.RunsMax = runtime.Between(rand, 2, 4)
	s.config.GCVersionsMin = runtime.Between(rand, 2, 8)
	s.config.RollupThreshold = runtime.Between(rand, 2, 5)
	s.config.CompactionsMax = runtime.Between(rand, 1, 3)
	s.config.CompactionFanout = 2
	s.config.SelfCheck = rand.IntN(3) == 0 // others always do it
}

func (s *shippingWorld) process(ctx context.Context, rt *runtime.Runtime) error {
	client, err := s.client(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	leases := &leasesWorld{shardWorld: s.shardWorld}
	group := rt.NewGroup(ctx)
	group.Go("fetcher", func(ctx context.Context) error { return s.fetch(ctx, rt, client) })
	group.Go("reader", func(ctx context.Context) error { return s.readParts(ctx, rt, client) })
	if rt.Node() == nodeName(0) {
		group.Go("appender", func(ctx context.Context) error { return s.appendParcels(ctx, rt, client) })
	} else {
		group.Go("builder", func(ctx context.Context) error { return s.build(ctx, rt, client) })
		group.Go("owner", func(ctx context.Context) error { return leases.own(ctx, rt, client) })
	}
	if rt.Node() == nodeName(0) || rt.Rand("sweeper").IntN(2) == 0 {
		group.Go("sweeper", func(ctx context.Context) error { return leases.sweep(ctx, rt, client) })
	}
	if rt.Rand("writer").IntN(3) == 0 {
		group.Go("writer", func(ctx context.Context) error { return s.write(ctx, rt, client) })
	}
	return group.Wait()
}

// auditObjects sweeps the shard when nobody is at work any more, and asserts that nothing
// is missing, and that nothing is left behind but staged batches that were lost.
func (s *shippingWorld) auditObjects(ctx context.Context, rt *runtime.Runtime) error {
	client, err := s.calmClient(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	shard, err := client.OpenShard(ctx, s.shard)
	if err != nil {
		return err
	}
	if _, err := shard.Sweep(ctx, persist.SweepOptions{}); err != nil {
		return err
	}
	usage, err := client.Usage(ctx, s.shard)
	if err != nil {
		return err
	}
	rt.Always(len(usage.Missing) == 0, "P-18", "missing", len(usage.Missing))
	open := s.unsettled()
	for _, o := range usage.Orphans {
		isStaged := strings.Contains(o.Key, "/t")
		isPart := isStaged || strings.Contains(o.Key, "/e")
		rt.Always(!isPart || isStaged && open > 0, "P-54", "object", o.Key, "staged batches that were lost", open)
	}
	rt.Sometimes(open == 0, "all-accounted")
	return nil
}
