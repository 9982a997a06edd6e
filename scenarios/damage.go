package scenarios

import (
	"bytes"
	"context"
	"errors"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// damageRules let bits flip, and bodies end early, on the way: at most twice for a process
// and a key, so that whoever reads a third time gets what is stored.
var damageRules = []string{
	"get flip 1/%d max=1", "get cut 1/%d max=1", "scan flip 1/%d max=1", "scan cut 1/%d max=1",
	"head flip 1/%d max=1", "head cut 1/%d max=1", "cas fail-after 1/%d", "cas late 1/%d", "any stall 1/%d 1s",
}

// damageFaults let processes come and go, which read everything anew then.
var damageFaults = []sim.FaultKind{sim.FaultCrash, sim.FaultStop, sim.FaultPause}

// Damage lets what is read be something else than what was written.
func Damage() sim.Scenario {
	return sim.Scenario{
		Name: "damage",
		Doc: "what processes read comes with flipped bits or cut short, on the way at first, and they notice nothing; then" +
			" objects are damaged in the store itself, and every read is right, or says that there is damage",
		Run:    inWorld(damage),
		Faults: kindNames(damageFaults, damageRules...),
		Goals:  []string{"append-succeeded", "leased-read", "merged-read", "damage-found", "read-beside-damage", "repaired"},
	}
}

// damageWorld is a shard, most of whose contents are objects.
type damageWorld struct{ *leasesWorld }

func damage(ctx context.Context, w simulated) error {
	rt := w.Runtime()
	rand := rt.Rand("damage")

	// Given processes that write, read and merge a shard,
	nodes := runtime.Between(rand, 1, 3)
	plan := trouble{nodes: nodes, faults: 4, steps: 2000, kinds: damageFaults, storage: damageRules}.plan(w)
	s, err := newShardWorld(w, rand, plan)
	if err != nil {
		return err
	}
	s.config.InlineSizeMax, s.config.PartSize = runtime.Between(rand, 1, 80), runtime.Between(rand, 30, 500)
	if rand.IntN(2) == 0 {
		all, err := drawEncrypters(rand)
		if err != nil {
			return err
		}
		s.config.Encrypter = all[0]
	}
	d := &damageWorld{&leasesWorld{shardWorld: s}}
	if err := bootNodes(w, nodes, d.process); err != nil {
		return err
	}

	// when what they read is garbled on the way, none of them gives the shard up
	if err := strike(ctx, w, plan, runtime.Between(rand, 2, 4)); err != nil {
		return err
	}

	// and, once the faults are over, appends go on;
	s.recover(w, drawCalm(rand))
	for _, n := range w.Nodes() {
		if err := n.Crash(); err != nil {
			return err
		}
	}

	// then, when objects are damaged in the store, reads are right, or fail,
	for range runtime.Between(rand, 1, 4) {
		if err := d.damageOne(ctx, rt, rand); err != nil {
			return err
		}
	}

	// and what is repaired is as it was.
	return s.audit(ctx, rt)
}

// process writes and reads, and gives history up, so that there is something to merge.
func (d *damageWorld) process(ctx context.Context, rt *runtime.Runtime) error {
	client, err := d.client(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	group := rt.NewGroup(ctx)
	group.Go("writer", func(ctx context.Context) error { return d.write(ctx, rt, client) })
	group.Go("owner", func(ctx context.Context) error { return d.own(ctx, rt, client) })
	group.Go("reader", func(ctx context.Context) error { return d.comeAndGo(ctx, rt, client) })
	err = group.Wait()
	rt.Always(!errors.Is(err, persist.ErrCorruption), "P-63", "error", err)
	return err
}

// damageOne damages an object for the time of a read, on a process of its own.
func (d *damageWorld) damageOne(ctx context.Context, rt *runtime.Runtime, rand *runtime.Rand) error {
	blob := d.store.Blob(rt)
	var keys []string
	if err := blob.List(ctx, d.shard.String()+"/", func(key string, _ int) error {
		keys = append(keys, key)
		return nil
	}); err != nil {
		return err
	}
	key := keys[rand.IntN(len(keys))]
	stored, _, err := blob.Get(ctx, key)
	if err != nil {
		return err
	}
	if err := blob.Set(ctx, key, damaged(rand, stored)); err != nil {
		return err
	}
	if err := d.readDamaged(ctx, rt); err != nil {
		return err
	}
	if err := blob.Set(ctx, key, stored); err != nil {
		return err
	}
	rt.Reachable("repaired")
	return nil
}

// damaged returns something else than what was stored.
func damaged(rand *runtime.Rand, stored []byte) []byte {
	if rand.IntN(3) == 0 {
		return stored[:rand.IntN(len(stored))]
	}
	garbled := bytes.Clone(stored)
	bit := rand.IntN(8 * len(garbled))
	garbled[bit/8] ^= 1 << (bit % 8)
	return garbled
}

// readDamaged reads the shard as of its last moment. It merges nothing, and so finds only
// damage in what it reads.
func (d *damageWorld) readDamaged(ctx context.Context, rt *runtime.Runtime) error {
	client, err := d.calmClient(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Configure(func(config *persist.Config) { config.CompactionsMax = -1 }); err != nil {
		return err
	}
	r, err := client.OpenReader(ctx, d.shard, persist.ReaderOptions{Purpose: "audit"})
	var updates []persist.Update
	var upper frontier.Antichain
	if err == nil {
		if upper, err = r.FetchRecentUpper(ctx); err == nil && upper != frontier.At(0) {
			end, _ := upper.Time()
			if updates, err = r.Snapshot(ctx, end-1); err == nil {
				d.journal.Read(rt, end-1, updates)
				rt.Reachable("read-beside-damage")
			}
		}
	}
	if err != nil {
		rt.Always(errors.Is(err, persist.ErrCorruption), "P-63", "error", err)
		rt.Reachable("damage-found")
	}
	return nil
}
