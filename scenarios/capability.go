package scenarios

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Capability lets processes take a critical capability from each other.
func Capability() sim.Scenario {
	return sim.Scenario{
		Name: "capability",
		Doc: "processes take the critical capability of a shard over by epoch, and move its since, while they crash," +
			" pause and lose answers; who was fenced moves nothing, and reads fail just before the since",
		Run:    onStage(capability),
		Faults: kindNames(storeFaults, storageRules...),
		Goals:  []string{"taken-over", "owner-fenced", "since-moved", "read-before-since", "read-at-since"},
	}
}

// theReader is the one capability, known to every process.
var theReader = persist.CriticalReaderID{0xc0}

// capabilityWorld is a shard with one capability, and who was told what about it.
type capabilityWorld struct {
	*shardWorld
	owners *invariants.Owners
}

func capability(ctx context.Context, w stage) error {
	rt := w.Runtime()
	rand := rt.Rand("capability")

	// Given a closed shard with contents up to 1000, and processes that want its
	// capability,
	nodes := runtime.Between(rand, 2, 3)
	plan := trouble{nodes: nodes, faults: 5, steps: 2000, kinds: storeFaults, storage: storageRules}.plan(w)
	s, err := newShardWorld(w, rand, plan)
	if err != nil {
		return err
	}
	c := &capabilityWorld{s, invariants.NewOwners()}
	if err := c.fill(ctx, rt); err != nil {
		return err
	}
	if err := bootNodes(w, nodes, c.ownAndRead); err != nil {
		return err
	}

	// when they take it from each other, and are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, 5, 12)); err != nil {
		return err
	}

	// then, once the faults are over, the since moves on,
	w.Quiesce(10 * time.Second)
	before := c.owners.Since()
	w.Eventually("P-52", 15*time.Second, func() bool { return before.LessThan(c.owners.Since()) }, "since", before)

	// and the shard knows what the owners were told.
	client, err := s.calmClient(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	stored, err := client.Inspect(ctx, s.shard)
	if err != nil {
		return err
	}
	c.owners.Audit(rt, stored)
	s.ledger.Seal(rt)
	return nil
}

// fill writes the contents, without faults.
func (c *capabilityWorld) fill(ctx context.Context, rt *runtime.Runtime) error {
	client, err := c.calmClient(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	w, err := client.OpenWriter(ctx, c.shard, persist.WriterOptions{Purpose: "fill"})
	if err != nil {
		return err
	}
	updates := []persist.Update{
		{Row: []byte("first"), Time: 1, Diff: 1},
		{Row: []byte("early"), Time: 10, Diff: 1},
		{Row: []byte("late"), Time: 500, Diff: 1},
	}
	call := c.journal.Begin(updates, frontier.At(0), frontier.At(1000))
	err = w.CompareAndAppend(ctx, updates, frontier.At(0), frontier.At(1000))
	call.End(rt, err)
	return err
}

func epochOpaque(epoch uint64) persist.Opaque {
	o := persist.Opaque{Codec: "epoch"}
	binary.BigEndian.PutUint64(o.Value[:], epoch)
	return o
}

func opaqueEpoch(o persist.Opaque) uint64 { return binary.BigEndian.Uint64(o.Value[:]) }

// ownAndRead is a process: it owns the capability until it is fenced, then takes
// it back with a new epoch.
func (c *capabilityWorld) ownAndRead(ctx context.Context, rt *runtime.Runtime) error {
	client, err := c.client(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	group := rt.NewGroup(ctx)
	group.Go("owner", func(ctx context.Context) error {
		rand := rt.Rand("owner")
		for {
			if err := c.own(ctx, rt, rand, client); err != nil {
				return err
			}
			if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 500, 4000))*time.Millisecond); err != nil {
				return err
			}
		}
	})
	group.Go("reader", func(ctx context.Context) error { return c.read(ctx, rt, client) })
	return group.Wait()
}

// own takes the capability over and moves it until somebody else does.
func (c *capabilityWorld) own(
	ctx context.Context, rt *runtime.Runtime, rand *runtime.Rand, client *persist.Client,
) error {
	epoch := c.owners.NextEpoch()
	handle, err := client.OpenSince(ctx, c.shard, theReader, epochOpaque(0), rt.Node())
	if err != nil {
		return err
	}
	for {
		if opaqueEpoch(handle.Opaque()) > epoch {
			rt.Reachable("owner-fenced")
			return nil
		}
		previous := opaqueEpoch(handle.Opaque())
		now, _ := handle.Since().Time()
		since := frontier.At(now + runtime.Between[uint64](rand, 0, 3))
		call := c.owners.Begin(epoch, epochOpaque(epoch), since)
		got, err := handle.CompareAndDowngrade(ctx, handle.Opaque(), epochOpaque(epoch), since)
		call.End(rt, got, err)
		var owner *persist.OwnerError
		rt.Sometimes(err == nil && previous != 0 && previous != epoch, "taken-over")
		rt.Sometimes(err == nil && frontier.At(now).LessThan(got), "since-moved")
		if err != nil && !errors.As(err, &owner) {
			return err
		}
		if err := rt.Sleep(ctx, time.Duration(rand.IntN(1000))*time.Millisecond); err != nil {
			return err
		}
	}
}

// read looks at times around the since.
func (c *capabilityWorld) read(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("reader")
	r := &reader{
		storeWorld: c.storeWorld, client: client, shard: c.shard,
		options: persist.ReaderOptions{Purpose: "reader", HoldsObjectsOnly: true},
	}
	for {
		if err := r.open(ctx); err != nil {
			return err
		}
		acknowledged := c.owners.Since()
		at, _ := acknowledged.Time()
		asOf := at + 2 - min(at+2, rand.Uint64()%4)
		updates, err := r.Snapshot(ctx, asOf)
		var gone *persist.SinceError
		switch {
		case err == nil:
			rt.Always(acknowledged.LessEqualTime(asOf), "P-29", "since", acknowledged, "asOf", asOf)
			c.journal.Read(rt, asOf, updates)
			rt.Sometimes(asOf == at, "read-at-since")
		case r.hasExpired(rt, err):
		case errors.As(err, &gone):
			c.owners.Refused(rt, asOf, gone.Since)
			rt.Reachable("read-before-since")
		default:
			return err
		}
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 100, 1500))*time.Millisecond); err != nil {
			return err
		}
	}
}
