package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Replicas lets processes write the same data to one shard.
func Replicas() sim.Scenario {
	return sim.Scenario{
		Name: "replicas",
		Doc: "processes that all compute the same data append it to one shard, in pieces of their own that overlap; each" +
			" update is there once, whoever wrote it, and however answers and hints were lost",
		Run:    inWorld(replicas),
		Faults: kindNames(slices.Concat(storeFaults, networkFaults, hintEffects), storageRules...),
		Goals:  []string{"replica-appended", "replica-read", "waited"},
	}
}

func replicas(ctx context.Context, w simulated) error {
	rt := w.Runtime()
	rand := rt.Rand("replicas")

	// Given processes that know what has to be in a shard,
	nodes := runtime.Between(rand, 2, 3)
	plan := trouble{
		nodes: nodes, faults: 6, steps: 2000, kinds: slices.Concat(storeFaults, networkFaults),
		storage: storageRules, hub: hintRules,
	}.plan(w)
	s, err := newShardWorld(w, rand, plan)
	if err != nil {
		return err
	}
	s.config.PollMin = drawMillis(rand, 8, 300, 900)
	if s.hub, err = newHub(w, nodes, plan); err != nil {
		return err
	}
	if err := bootNodes(w, nodes, s.replica); err != nil {
		return err
	}

	// when they write it, each in its own pieces, and are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, 3, 6)); err != nil {
		return err
	}

	// then, once the faults are over, they get on,
	calm := drawCalm(rand)
	w.Quiesce(calm)
	client, err := s.calmClient(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	shard, err := client.OpenShard(ctx, s.shard)
	if err != nil {
		return err
	}
	before := shard.SharedUpper()
	late, cancel := rt.WithTimeout(ctx, 22*time.Second-calm)
	defer cancel()
	rt.Always(shard.WaitForUpperPast(late, before) == nil, "P-52", "upper", before)

	// and everything is there, once.
	err = s.readReplica(ctx, rt, client)
	s.ledger.Seal(rt)
	return err
}

// replicated is what every process knows of one time.
func replicated(at uint64) []persist.Update {
	updates := []persist.Update{{Row: fmt.Appendf(nil, "row %d", at%7), Time: at, Diff: 1}}
	if at >= 3 {
		updates = append(updates, persist.Update{Row: fmt.Appendf(nil, "row %d", (at-3)%7), Time: at, Diff: -1})
	}
	return updates
}

// replica is a process: it writes and reads.
func (s *shardWorld) replica(ctx context.Context, rt *runtime.Runtime) error {
	client, err := s.client(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	group := rt.NewGroup(ctx)
	group.Go("writer", func(ctx context.Context) error { return s.replicate(ctx, rt, client) })
	group.Go("reader", func(ctx context.Context) error {
		rand := rt.Rand("reader")
		for {
			if err := s.readReplica(ctx, rt, client); err != nil {
				return err
			}
			if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 100, 2000))*time.Millisecond); err != nil {
				return err
			}
		}
	})
	group.Go("waiter", func(ctx context.Context) error { return s.awaitReplicas(ctx, rt, client) })
	return group.Wait()
}

// awaitReplicas waits for whoever is faster, time and again.
func (s *shardWorld) awaitReplicas(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	shard, err := client.OpenShard(ctx, s.shard)
	if err != nil {
		return err
	}
	rand := rt.Rand("waiter")
	for {
		if err := rt.Sleep(ctx, time.Duration(rand.IntN(1000))*time.Millisecond); err != nil {
			return err
		}
		before := shard.SharedUpper()
		if err := shard.WaitForUpperPast(ctx, before); err != nil {
			return err
		}
		rt.Always(before.LessThan(shard.SharedUpper()), "P-33", "upper", before)
		rt.Reachable("waited")
	}
}

// replicate appends piece after piece. The pieces of different processes begin and end
// at different times, so that most of them are partly there already.
func (s *shardWorld) replicate(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("writer")
	w, err := client.OpenWriter(ctx, s.shard, persist.WriterOptions{Purpose: "replica"})
	if err != nil {
		return err
	}
	for {
		lower, _ := w.SharedUpper().Time()
		lower -= min(lower, rand.Uint64()%3)
		upper := lower + runtime.Between[uint64](rand, 1, 6)
		var updates []persist.Update
		for at := lower; at < upper; at++ {
			updates = append(updates, replicated(at)...)
		}
		err := w.Append(ctx, updates, frontier.At(lower), frontier.At(upper))
		rt.Sometimes(err == nil, "replica-appended")
		var unknown *persist.UnknownOutcomeError
		if err != nil && !errors.As(err, &unknown) {
			return err
		}
		if err := rt.Sleep(ctx, time.Duration(rand.IntN(1200))*time.Millisecond); err != nil {
			return err
		}
	}
}

// readReplica reads the shard as of a moment ago, and asserts that it has what everybody
// knows (P-35).
func (s *shardWorld) readReplica(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	r, err := client.OpenReader(ctx, s.shard, persist.ReaderOptions{Purpose: "replica"})
	if err != nil {
		return err
	}
	end, _ := r.SharedUpper().Time()
	if end > 0 {
		asOf := end - 1
		got, err := r.Snapshot(ctx, asOf)
		var expired *persist.LeaseExpiredError
		if errors.As(err, &expired) {
			return nil
		}
		if err != nil {
			return err
		}
		rt.Reachable("replica-read")
		rt.Always(isReplicated(got, asOf), "P-35", "asOf", asOf, "rows", len(got))
	}
	return r.Close(ctx)
}

// isReplicated reports whether updates are the contents as of a time.
func isReplicated(got []persist.Update, asOf uint64) bool {
	diffs := map[string]int64{}
	for at := range asOf + 1 {
		for _, u := range replicated(at) {
			diffs[string(u.Row)] += u.Diff
		}
	}
	for _, u := range got {
		if diffs[string(u.Row)] != u.Diff || u.Time != asOf {
			return false
		}
		delete(diffs, string(u.Row))
	}
	for _, diff := range diffs {
		if diff != 0 {
			return false
		}
	}
	return true
}
