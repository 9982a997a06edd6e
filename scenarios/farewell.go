package scenarios

import (
	"bytes"
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

// Farewell lets processes bring a shard to its end that is still in use.
func Farewell() sim.Scenario {
	return sim.Scenario{
		Name: "farewell",
		Doc: "processes close a shard that others still write, read and follow, give it up and finalize it, all at once and as" +
			" often as they like; a tombstone answers like one, and next to nothing is left",
		Run:    inWorld(farewell),
		Faults: kindNames(storeFaults, storageRules...),
		Goals: []string{
			"append-succeeded", "closed-by-a-writer", "followed-to-the-end", "finalize-refused", "finalized-by-all", "read-before-the-end", "told-no-more",
		},
	}
}

// farewellWorld is a shard that comes to its end.
type farewellWorld struct{ *shardWorld }

func farewell(ctx context.Context, w simulated) error {
	rt := w.Runtime()
	rand := rt.Rand("farewell")

	// Given processes that use a shard and will give it up,
	nodes := runtime.Between(rand, 2, 3)
	plan := trouble{nodes: nodes, faults: 5, steps: 1800, kinds: storeFaults, storage: storageRules}.plan(w)
	s, err := newShardWorld(w, rand, plan)
	if err != nil {
		return err
	}
	f := &farewellWorld{s}
	if unread := rt.Rand("unreadable"); unread.IntN(4) == 0 {
		if err := f.giveUpAtOnce(ctx, rt, unread); err != nil {
			return err
		}
	}
	if err := bootNodes(w, nodes, f.process); err != nil {
		return err
	}

	// when they do, and are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, 2, 6)); err != nil {
		return err
	}

	// then, once the faults are over and the leases of the dead have run out, the shard
	// comes to its end,
	w.Quiesce(10 * time.Second)
	client, err := f.calmClient(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	shard, err := client.OpenShard(ctx, f.shard)
	if err != nil {
		return err
	}
	patience := 20*time.Second + f.config.ReaderLease + f.config.WriterLease
	w.Eventually("P-60", patience, func() bool {
		isFinalized, err := shard.IsFinalized(ctx)
		return err == nil && isFinalized
	})

	// and one object is left, two versions, and what the dead had not told anybody of.
	if err := shard.Finalize(ctx); err != nil {
		return err
	}
	if _, err := shard.Sweep(ctx, persist.SweepOptions{}); err != nil {
		return err
	}
	usage, err := client.Usage(ctx, f.shard)
	if err != nil {
		return err
	}
	versions := usage.Newest.SeqNo - usage.Earliest + 1
	rt.Always(usage.Current.Objects == 1 && usage.Older.Objects == 0 && versions <= 2, "P-15",
		"current", usage.Current.Objects, "older", usage.Older.Objects, "versions", versions)
	rt.Always(usage.Unreferenced.Objects == 0, "P-54", "orphans", usage.Unreferenced.Objects)
	f.ledger.Seal(rt)
	return nil
}

// giveUpAtOnce makes sure that nobody can ever read the shard, which is written all the
// same, with next to no room for it.
func (f *farewellWorld) giveUpAtOnce(ctx context.Context, rt *runtime.Runtime, rand *runtime.Rand) error {
	if f.config.CompactionsMax > 0 { // otherwise nobody would ever make room
		f.config.BatchesMax = runtime.Between(rand, 4, 8)
	}
	client, err := f.calmClient(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	opaque := persist.Opaque{Codec: "node"}
	owner, err := client.OpenSince(ctx, f.shard, persist.CriticalReaderID{0: 2}, opaque, "gives up")
	if err != nil {
		return err
	}
	_, err = owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.Empty())
	return err
}

// process uses the shard, and brings it to its end when its time has come.
func (f *farewellWorld) process(ctx context.Context, rt *runtime.Runtime) error {
	client, err := f.client(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	group := rt.NewGroup(ctx)
	group.Go("writer", func(ctx context.Context) error { return f.write(ctx, rt, client) })
	group.Go("reader", func(ctx context.Context) error { return f.read(ctx, rt, client) })
	group.Go("follower", func(ctx context.Context) error { return f.follow(ctx, rt, client) })
	group.Go("owner", func(ctx context.Context) error { return f.giveUp(ctx, rt, client) })
	return group.Wait()
}

// write appends until the shard is closed, by itself or by others.
func (f *farewellWorld) write(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("writer")
	w, err := client.OpenWriter(ctx, f.shard, persist.WriterOptions{Purpose: "writer"})
	if err != nil {
		return err
	}
	for i := range runtime.Between(rand, 0, 12) {
		expected := w.Upper()
		lower, isOpen := expected.Time()
		if !isOpen {
			break
		}
		upper := lower + runtime.Between[uint64](rand, 1, 4)
		row := fmt.Appendf(nil, "%s.%d/%d", rt.Node(), rt.Incarnation(), i)
		updates := []persist.Update{{Row: row, Time: lower, Diff: 1}}
		call := f.journal.Begin(updates, expected, frontier.At(upper))
		err := w.CompareAndAppend(ctx, updates, expected, frontier.At(upper))
		call.End(rt, err)
		rt.Sometimes(err == nil, "append-succeeded")
		var mismatch *persist.UpperMismatchError
		var unknown *persist.UnknownOutcomeError
		switch {
		case errors.As(err, &unknown):
			_, err = w.FetchRecentUpper(ctx)
		case errors.As(err, &mismatch):
			err = nil
		}
		if err != nil {
			return err
		}
		if err := rt.Sleep(ctx, time.Duration(rand.IntN(500))*time.Millisecond); err != nil {
			return err
		}
	}
	f.journal.Begin(nil, w.Upper(), frontier.Empty())
	if err := w.AdvanceUpper(ctx, frontier.Empty()); err != nil {
		return err
	}
	rt.Reachable("closed-by-a-writer")
	return f.tryToAppend(ctx, rt, w)
}

// tryToAppend asserts that nothing can be appended to a shard that is closed, and that
// nothing at all can be.
func (f *farewellWorld) tryToAppend(ctx context.Context, rt *runtime.Runtime, w *persist.Writer) error {
	rand := rt.Rand("late")
	for i := 0; ; i++ {
		late := []persist.Update{{Row: fmt.Appendf(nil, "late %s.%d/%d", rt.Node(), rt.Incarnation(), i), Diff: 1}}
		call := f.journal.Begin(late, frontier.At(0), frontier.At(1))
		err := w.CompareAndAppend(ctx, late, frontier.At(0), frontier.At(1))
		call.End(rt, err)
		var mismatch *persist.UpperMismatchError
		var unknown *persist.UnknownOutcomeError
		isMismatch, isUnknown := errors.As(err, &mismatch), errors.As(err, &unknown)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rt.Always(isMismatch && mismatch.Current.IsEmpty() || isUnknown, "P-15", "append", err)
		rt.Sometimes(isMismatch, "told-no-more")
		err = w.CompareAndAppend(ctx, nil, frontier.Empty(), frontier.Empty())
		rt.Always(err == nil || errors.As(err, &unknown) || ctx.Err() != nil, "P-15", "append of nothing", err)
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 200, 3000))*time.Millisecond); err != nil {
			return err
		}
	}
}

// read reads as long as there is something to read.
func (f *farewellWorld) read(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("reader")
	for {
		r, err := client.OpenReader(ctx, f.shard, persist.ReaderOptions{Purpose: "reader"})
		if err != nil {
			return err
		}
		asOf, _ := r.SharedUpper().Time()
		asOf -= min(asOf, rand.Uint64()%4)
		updates, err := r.Snapshot(ctx, asOf)
		var gone *persist.SinceError
		var expired *persist.LeaseExpiredError
		switch {
		case err == nil:
			f.journal.Read(rt, asOf, updates)
			rt.Reachable("read-before-the-end")
		case !errors.As(err, &gone) && !errors.As(err, &expired):
			return err
		}
		if err := r.Close(ctx); err != nil {
			return err
		}
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 100, 1500))*time.Millisecond); err != nil {
			return err
		}
	}
}

// follow follows the shard to its end.
func (f *farewellWorld) follow(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	r, err := client.OpenReader(ctx, f.shard, persist.ReaderOptions{Purpose: "follower"})
	if err != nil {
		return err
	}
	since, isReadable := r.Since().Time()
	if !isReadable {
		return r.Close(ctx)
	}
	var seen []persist.Update
	progress := frontier.At(since)
	for event, eventErr := range r.Subscribe(ctx, since) {
		if err = eventErr; err != nil {
			break
		}
		rt.Always(progress.LessEqual(event.Frontier), "P-30", "before", progress, "now", event.Frontier)
		progress, seen = event.Frontier, append(seen, event.Updates...)
	}
	var gone *persist.SinceError
	var expired *persist.LeaseExpiredError
	switch {
	case err == nil && progress.IsEmpty():
		rt.Reachable("followed-to-the-end")
		f.checkAll(rt, seen)
	case errors.As(err, &gone), errors.As(err, &expired):
	case err != nil:
		return err
	}
	return r.Close(ctx)
}

// checkAll compares what a follower has seen with all that was ever appended.
func (f *farewellWorld) checkAll(rt *runtime.Runtime, seen []persist.Update) {
	last := uint64(0)
	diffs := make(map[string]int64, len(seen))
	for _, u := range seen {
		last = max(last, u.Time)
		diffs[string(u.Row)] += u.Diff
	}
	var all []persist.Update
	for _, u := range seen {
		if diffs[string(u.Row)] != 0 {
			all = append(all, persist.Update{Row: u.Row, Time: last, Diff: diffs[string(u.Row)]})
			diffs[string(u.Row)] = 0
		}
	}
	slices.SortFunc(all, func(a, b persist.Update) int { return bytes.Compare(a.Row, b.Row) })
	f.journal.Read(rt, last, all)
}

// giveUp has a capability of its process, gives it up when its time has come, and
// finalizes the shard, again and again.
func (f *farewellWorld) giveUp(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("owner")
	id, opaque := persist.CriticalReaderID{0: 1}, persist.Opaque{Codec: "node"}
	copy(id[1:], rt.Node())
	shard, err := client.OpenShard(ctx, f.shard)
	if err != nil {
		return err
	}
	for {
		owner, err := client.OpenSince(ctx, f.shard, id, opaque, "owner")
		if err != nil {
			return err
		}
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 200, 3000))*time.Millisecond); err != nil {
			return err
		}
		to := shard.SharedUpper()
		if time, isOpen := to.Time(); isOpen {
			to = frontier.At(time - min(time, rand.Uint64()%3))
		}
		if _, err := owner.CompareAndDowngrade(ctx, opaque, opaque, to); err != nil {
			return err
		}
		err = shard.Finalize(ctx)
		var open *persist.NotClosedError
		rt.Sometimes(err == nil, "finalized-by-all")
		switch {
		case errors.As(err, &open):
			rt.Reachable("finalize-refused")
			continue
		case err != nil:
			return err
		}
		isFinalized, err := shard.IsFinalized(ctx)
		rt.Always(err != nil || isFinalized, "P-60", "finalized", isFinalized)
	}
}
