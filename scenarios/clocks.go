package scenarios

import (
	"context"
	"errors"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// clockFaults are what may happen to the clocks of processes, and what makes leases matter.
var clockFaults = []sim.FaultKind{sim.FaultJump, sim.FaultDrift, sim.FaultPause, sim.FaultCrash}

// clockRules lose answers, so that writers have to ask again.
var clockRules = []string{"cas fail-after 1/%d", "cas fail-before 1/%d", "cas late 1/%d", "any stall 1/%d 2s"}

// Clocks gives every process a clock and leases that have nothing to do with those of the
// others.
func Clocks() sim.Scenario {
	return sim.Scenario{
		Name: "clocks",
		Doc: "processes whose clocks are set wrong, swing, run fast or slow, and jump, with leases that fit neither them nor" +
			" each other, write, read and give history up; whoever is alive reads what was written, whoever was forgotten that" +
			" or nothing",
		Run:    inWorld(clocks),
		Faults: kindNames(clockFaults, clockRules...),
		Goals: []string{
			"append-succeeded", "append-unknown", "leased-read", "lease-expired", "since-followed", "merged-read",
			"clock-went-back",
		},
	}
}

func clocks(ctx context.Context, w simulated) error {
	rt := w.Runtime()
	rand := rt.Rand("clocks")

	// Given processes with clocks of their own that write, read and merge a shard,
	nodes := runtime.Between(rand, 2, 3)
	plan := trouble{nodes: nodes, faults: 12, steps: 2500, kinds: clockFaults, storage: clockRules}.plan(w)
	s, err := newShardWorld(w, rand, plan)
	if err != nil {
		return err
	}
	c := &clocksWorld{&leasesWorld{shardWorld: s}}
	for i := range nodes {
		n, err := w.Node(nodeName(i), endsWell(c.process))
		if err != nil {
			return err
		}
		if err := n.SetClock(drawClock(rand)); err != nil {
			return err
		}
		if err := n.Boot(); err != nil {
			return err
		}
	}

	// when the clocks jump and drift, and processes stand still,
	if err := strike(ctx, w, plan, runtime.Between(rand, 3, 6)); err != nil {
		return err
	}

	// then, once clocks run evenly, wherever they are, appends go on,
	s.recover(w, drawCalm(rand))

	// and the shard has what the writers were told.
	return s.audit(ctx, rt)
}

// drawClock draws a clock that is right, or wrong by anything up to an hour, and that runs
// evenly, swings, or is fast or slow.
func drawClock(rand *runtime.Rand) (c sim.Clock) {
	if rand.IntN(3) > 0 {
		c.Offset = time.Duration(runtime.Between(rand, -3600, 3600)) * time.Second
	}
	switch rand.IntN(3) {
	case 0:
		c.Rate = runtime.Between[int64](rand, -500_000, 1_000_000) // half as fast, or twice
	case 1:
		c.Swing, c.Period = drawMillis(rand, 1, 500, 60_000), drawMillis(rand, 100, 3000, 60_000)
	}
	return c
}

// clocksWorld is a shard with leases that do not fit.
type clocksWorld struct{ *leasesWorld }

// process is that of leases, with leases of its own.
func (c *clocksWorld) process(ctx context.Context, rt *runtime.Runtime) error {
	client, err := c.client(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	rand := rt.Rand("leases")
	err = client.Configure(func(config *persist.Config) {
		config.ReaderLease = drawMillis(rand, 150, 600, 3_600_000)
		config.WriterLease = drawMillis(rand, 1, 300, 3_600_000)
		config.GCFallback = drawMillis(rand, 1, 100, 3_600_000)
		config.CompactionFallback = drawMillis(rand, 1, 100, 3_600_000)
	})
	if err != nil {
		return err
	}
	group := rt.NewGroup(ctx)
	group.Go("writer", func(ctx context.Context) error { return c.write(ctx, rt, client) })
	group.Go("owner", func(ctx context.Context) error { return c.own(ctx, rt, client) })
	group.Go("reader", func(ctx context.Context) error { return c.comeAndGo(ctx, rt, client) })
	if rt.Rand("is there an idler").IntN(3) == 0 {
		group.Go("idler", func(ctx context.Context) error { return c.stayAlive(ctx, rt, client) })
	}
	group.Go("watch", func(ctx context.Context) error { return c.watchClock(ctx, rt) })
	if rand.IntN(3) == 0 {
		group.Go("subscriber", func(ctx context.Context) error { return c.subscribe(ctx, rt, client, 0) })
	}
	return group.Wait()
}

// stayAlive has a reader that does nothing but say that it is alive, until it is forgotten.
func (c *clocksWorld) stayAlive(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("idler")
	for {
		r, err := client.OpenReader(ctx, c.shard, persist.ReaderOptions{Purpose: "is alive", HoldsObjectsOnly: true})
		if err != nil {
			return err
		}
		var expired *persist.LeaseExpiredError
		for !errors.As(err, &expired) {
			if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 20, 300))*time.Millisecond); err != nil {
				return err
			}
			if err = c.renew(ctx, rt, r); err != nil && !errors.As(err, &expired) {
				return err
			}
		}
		rt.Reachable("lease-expired")
	}
}

// watchClock notices that the clock of the process goes back.
func (c *clocksWorld) watchClock(ctx context.Context, rt *runtime.Runtime) error {
	for last := rt.Now(); ; {
		if err := rt.Sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
		now := rt.Now()
		rt.Sometimes(now.UnixMilli() < last.UnixMilli(), "clock-went-back")
		last = now
	}
}
