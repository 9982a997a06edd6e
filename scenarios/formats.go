package scenarios

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Formats lets programs of several ages use one shard, whose format is upgraded.
func Formats() sim.Scenario {
	return sim.Scenario{
		Name: "formats",
		Doc: "old and new programs write and read one shard, which is made in the oldest format and upgraded in the middle;" +
			" who does not know the new one is told so and changes nothing, is replaced by a newer program or goes back to an" +
			" older one, and every read agrees",
		Run:    inWorld(formats),
		Faults: kindNames(storeFaults, storageRules...),
		Goals: []string{
			"append-succeeded", "snapshot-read", "old-appended", "upgraded", "old-refused", "program-replaced", "objects-of-old",
		},
	}
}

// formatsWorld is a shard that several programs use.
type formatsWorld struct {
	*shardWorld
	watch *invariants.Formats
}

// newestFormat is the newest that there is, and oldestFormat the one in which the shard
// is made.
const newestFormat, oldestFormat = 3, 1

func formats(ctx context.Context, w simulated) error {
	rt := w.Runtime()
	rand := rt.Rand("formats")

	// Given a shard in the oldest format, and programs of several ages,
	nodes := runtime.Between(rand, 2, 3)
	plan := trouble{nodes: nodes, faults: 4, steps: 2000, kinds: storeFaults, storage: storageRules}.plan(w)
	s, err := newShardWorld(w, rand, plan)
	if err != nil {
		return err
	}
	s.config.InlineTotalMax, s.config.BatchesMax = 1<<20, 0 // the oldest one keeps everything in the metadata
	f := &formatsWorld{s, invariants.NewFormats(s.ledger)}
	if err := f.create(ctx, rt); err != nil {
		return err
	}
	if err := bootNodes(w, nodes, f.program); err != nil {
		return err
	}

	// when they are in trouble, and the newest ones upgrade the shard,
	if err := strike(ctx, w, plan, runtime.Between(rand, 3, 6)); err != nil {
		return err
	}

	// then, once the faults are over, appends go on,
	s.recover(w, 10*time.Second)

	// and the shard has what the writers were told, whatever program they were.
	return s.audit(ctx, rt)
}

// create makes the shard, as the oldest program.
func (f *formatsWorld) create(ctx context.Context, rt *runtime.Runtime) error {
	client, err := f.calmClient(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Configure(func(config *persist.Config) { config.Format = oldestFormat }); err != nil {
		return err
	}
	_, err = client.OpenShard(ctx, f.shard)
	made := f.watch.Reached(f.shard.String())
	rt.Always(err != nil || made == oldestFormat, "P-61", "made in", made, "newest", oldestFormat)
	return err
}

// program is a process. The first one is always the newest program, so that somebody can
// go on; the others are what their incarnation says.
func (f *formatsWorld) program(ctx context.Context, rt *runtime.Runtime) error {
	rand := rt.Rand("program")
	format := runtime.Between[uint64](rand, oldestFormat, newestFormat)
	if rt.Node() == nodeName(0) {
		format = newestFormat
	}
	for {
		err := f.runAs(ctx, rt, format)
		var version *persist.VersionError
		if !errors.As(err, &version) {
			return err
		}
		rt.Always(version.Found > format, "P-61", "found", version.Found, "newest", format)
		rt.Reachable("old-refused")
		if rand.IntN(2) == 0 {
			format = newestFormat
			rt.Reachable("program-replaced")
		}
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 100, 1500))*time.Millisecond); err != nil {
			return err
		}
	}
}

// runAs writes and reads as a program does that knows the formats up to one.
func (f *formatsWorld) runAs(ctx context.Context, rt *runtime.Runtime, format uint64) error {
	config := f.config
	config.Format = format
	watched := f.watch.Consensus(rt, f.faults.Consensus(rt, f.consensus(rt)), func() uint64 { return format })
	client, err := persist.New(rt, f.faults.Blob(rt, f.blob(rt)), watched, config)
	if err != nil {
		return err
	}
	defer client.Close()
	group := rt.NewGroup(ctx)
	serial := rt.Serial("program")
	task := writing{
		name: fmt.Sprintf("writer %d", serial), label: fmt.Sprintf("%s.%d.%d", rt.Node(), rt.Incarnation(), serial),
		rowsMax: 9, pauseMax: 1500,
	}
	group.Go("writer", func(ctx context.Context) error { return f.writeAs(ctx, rt, client, task) })
	group.Go("reader", func(ctx context.Context) error { return f.read(ctx, rt, client) })
	group.Go("operator", func(ctx context.Context) error { return f.upgrade(ctx, rt, client, format) })
	return group.Wait()
}

// upgrade looks at the shard and, now and then, upgrades it as far as the program knows.
func (f *formatsWorld) upgrade(ctx context.Context, rt *runtime.Runtime, client *persist.Client, format uint64) error {
	rand := rt.Rand("operator")
	for {
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 200, 3000))*time.Millisecond); err != nil {
			return err
		}
		shard, err := client.OpenShard(ctx, f.shard)
		if err != nil {
			return err
		}
		before := f.watch.Reached(f.shard.String())
		rt.Sometimes(format == oldestFormat && f.journal.Succeeded() > 0 && before == oldestFormat, "old-appended")
		rt.Sometimes(format == 2 && before == 2, "objects-of-old")
		if rand.IntN(3) > 0 {
			continue
		}
		if err := shard.UpgradeFormat(ctx); err != nil {
			return err
		}
		reached := f.watch.Reached(f.shard.String())
		rt.Always(reached >= format, "P-61", "upgraded to", reached, "newest", format)
		rt.Sometimes(before < reached, "upgraded")
	}
}
