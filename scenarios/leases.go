package scenarios

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Leases lets readers come and go while history is given up behind them.
func Leases() sim.Scenario {
	return sim.Scenario{
		Name: "leases",
		Doc: "readers come, move their sinces and go, some are paused beyond their leases, while owners move on, batches are" +
			" merged and garbage is collected; whoever is alive reads what was written, whoever was forgotten that or nothing",
		Run:    onStage(leases),
		Faults: kindNames(storeFaults, storageRules...),
		Goals:  []string{"append-succeeded", "leased-read", "lease-expired", "since-followed", "merged-read", "followed", "swept"},
	}
}

// leasesWorld is a shard whose since moves.
type leasesWorld struct {
	*shardWorld
	restMax time.Duration // of those who follow it, in the middle of a step
}

func leases(ctx context.Context, w stage) error {
	rt := w.Runtime()
	rand := rt.Rand("leases")

	// Given processes that write a shard, give its past up, and read it,
	nodes := runtime.Between(rand, 2, 3)
	plan := trouble{nodes: nodes, faults: 5, steps: 2500, kinds: storeFaults, storage: storageRules}.plan(w)
	s, err := newShardWorld(w, rand, plan)
	if err != nil {
		return err
	}
	l := &leasesWorld{shardWorld: s}
	if soon := rt.Rand("soon"); soon.IntN(4) == 0 {
		l.letGoSoon(soon)
	}
	if err := bootNodes(w, nodes, l.process); err != nil {
		return err
	}

	// when they, the store, and their clocks are in trouble,
	if err := strike(ctx, w, plan, runtime.Between(rand, 3, 6)); err != nil {
		return err
	}

	// then, once the faults are over, appends go on,
	s.recover(w, drawCalm(rand))

	// and the shard has what the writers were told.
	return s.audit(ctx, rt)
}

// letGoSoon makes an append several objects, which are merged soon, and deleted soon after
// that, while those who follow the shard rest: nothing but what they hold is there.
func (l *leasesWorld) letGoSoon(rand *runtime.Rand) {
	l.restMax = 3 * time.Second
	l.config.InlineSizeMax, l.config.PartSize = 1, runtime.Between(rand, 10, 60)
	l.config.CompactionsMax, l.config.CompactionFanout = 2, 2
	l.config.GCVersionsMin, l.config.RollupThreshold = runtime.Between(rand, 2, 5), 2
	l.config.ReaderLease = drawMillis(rand, 200, 1000, 4000)
}

func (l *leasesWorld) process(ctx context.Context, rt *runtime.Runtime) error {
	client, err := l.client(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	group := rt.NewGroup(ctx)
	group.Go("writer", func(ctx context.Context) error { return l.write(ctx, rt, client) })
	group.Go("owner", func(ctx context.Context) error { return l.own(ctx, rt, client) })
	if rt.Rand("subscriber").IntN(2) == 0 {
		group.Go("subscriber", func(ctx context.Context) error { return l.subscribe(ctx, rt, client, l.restMax) })
	}
	if rt.Rand("sweeper").IntN(3) == 0 {
		group.Go("sweeper", func(ctx context.Context) error { return l.sweep(ctx, rt, client) })
	}
	for range 1 + rt.Rand("readers").IntN(3)/2 {
		group.Go("reader", func(ctx context.Context) error { return l.comeAndGo(ctx, rt, client) })
	}
	return group.Wait()
}

// own has a capability of its process, and moves it towards the upper.
func (l *leasesWorld) own(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("owner")
	id, opaque := persist.CriticalReaderID{0: 1}, persist.Opaque{Codec: "node"}
	copy(id[1:], rt.Node())
	owner, err := client.OpenSince(ctx, l.shard, id, opaque, "owner")
	if err != nil {
		return err
	}
	for {
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 100, 2500))*time.Millisecond); err != nil {
			return err
		}
		upper, err := client.OpenShard(ctx, l.shard)
		if err != nil {
			return err
		}
		end, _ := upper.SharedUpper().Time()
		to := frontier.At(end - min(end, rand.Uint64()%6))
		if _, err := owner.CompareAndDowngrade(ctx, opaque, opaque, to); err != nil {
			return err
		}
	}
}

// sweep deletes what those leave behind who die, and gives them little grace.
func (s *shardWorld) sweep(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("sweep")
	shard, err := client.OpenShard(ctx, s.shard)
	if err != nil {
		return err
	}
	for {
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 500, 4000))*time.Millisecond); err != nil {
			return err
		}
		grace := time.Duration(rand.IntN(300)) * time.Millisecond
		swept, err := shard.Sweep(ctx, persist.SweepOptions{Grace: grace, IsDryRun: rand.IntN(3) == 0})
		if err != nil {
			return err
		}
		rt.Always(len(swept.Unknown) == 0, "P-20", "unknown", len(swept.Unknown))
		rt.Sometimes(len(swept.Deleted) > 0, "swept")
	}
}

// comeAndGo opens one reader after the other, and reads with each for a while.
func (l *leasesWorld) comeAndGo(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand(fmt.Sprintf("reader %d", rt.Serial("reader")))
	for {
		r, err := client.OpenReader(ctx, l.shard, persist.ReaderOptions{
			Purpose: "comes and goes", IsAtCriticalSince: rand.IntN(2) == 0,
		})
		if err != nil {
			return err
		}
		isAlive, from := true, r.Since()
		for range runtime.Between(rand, 1, 6) {
			if isAlive, err = l.readOnce(ctx, rt, rand, r, &from); err != nil {
				return err
			}
			if !isAlive {
				break
			}
			if err := rt.Sleep(ctx, time.Duration(rand.IntN(1200))*time.Millisecond); err != nil {
				return err
			}
		}
		if isAlive {
			if err := r.Close(ctx); err != nil {
				return err
			}
		}
	}
}

// readSlowly reads as of a time, now and then with a rest in the middle, in which what is
// read may be merged and its garbage collected.
func readSlowly(
	ctx context.Context, rt *runtime.Runtime, rand *runtime.Rand, r *persist.Reader, asOf uint64,
) (updates []persist.Update, err error) {
	isSlow := rand.IntN(3) == 0
	for u, err := range r.Stream(ctx, asOf) {
		if err != nil {
			return nil, err
		}
		updates = append(updates, u)
		if isSlow && rand.IntN(4) == 0 {
			if err := rt.Sleep(ctx, time.Duration(rand.IntN(800))*time.Millisecond); err != nil {
				return nil, err
			}
		}
	}
	return updates, nil
}

// subscribe follows the shard, and begins anew when it was forgotten. What it has seen
// up to a frontier is what a read as of the moment before returns. It rests for at most as
// long as restMax now and then, in which what it has yet to read may be merged.
func (l *leasesWorld) subscribe(
	ctx context.Context, rt *runtime.Runtime, client *persist.Client, restMax time.Duration,
) error {
	rand := rt.Rand("rests")
	for {
		r, err := client.OpenReader(ctx, l.shard, persist.ReaderOptions{Purpose: "subscriber"})
		if err != nil {
			return err
		}
		since, ok := r.Since().Time()
		if !ok {
			return nil
		}
		rows, reached := map[string]int64{}, frontier.At(0)
		var expired *persist.LeaseExpiredError
		var gone *persist.SinceError
		for event, err := range r.Subscribe(ctx, since) {
			isForgotten := errors.As(err, &expired) || errors.As(err, &gone) && errors.As(l.renew(ctx, rt, r), &expired)
			rt.Always(gone == nil || isForgotten || ctx.Err() != nil, "P-31", "error", err)
			if isForgotten {
				rt.Reachable("lease-expired")
				break
			}
			if err != nil {
				return err
			}
			for _, u := range event.Updates {
				isNew := u.Time == since || reached.LessEqualTime(u.Time)
				rt.Always(isNew, "P-30", "time", u.Time, "frontier", reached)
				rows[string(u.Row)] += u.Diff
			}
			if restMax > 0 && rand.IntN(3) == 0 {
				if err := rt.Sleep(ctx, runtime.Between(rand, 0, restMax)); err != nil {
					return err
				}
			}
			if end, _ := event.Frontier.Time(); reached != event.Frontier {
				reached = event.Frontier
				l.journal.Read(rt, end-1, contentsOf(rows, end-1)) // {} is after all times there are
				rt.Reachable("followed")
			}
		}
		if reached.IsEmpty() {
			rt.Reachable("followed-to-the-end")
			return r.Close(ctx)
		}
	}
}

// contentsOf returns rows as a read as of a time does.
func contentsOf(rows map[string]int64, asOf uint64) (updates []persist.Update) {
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		if rows[row] != 0 {
			updates = append(updates, persist.Update{Row: []byte(row), Time: asOf, Diff: rows[row]})
		}
	}
	return updates
}

// readOnce reads as of a time that the reader may read, and then gives up what is before
// it. It reports whether the reader is still known.
func (l *leasesWorld) readOnce(
	ctx context.Context, rt *runtime.Runtime, rand *runtime.Rand, r *persist.Reader, from *frontier.Antichain,
) (isAlive bool, err error) {
	since, ok := from.Time()
	if !ok {
		return false, nil
	}
	end, _ := r.SharedUpper().Time()
	asOf := max(since, end-min(end, rand.Uint64()%8))
	updates, err := readSlowly(ctx, rt, rand, r, asOf)
	var expired *persist.LeaseExpiredError
	var gone *persist.SinceError
	// Its own since holds the time back for as long as the reader is known.
	isForgotten := errors.As(err, &expired) || errors.As(err, &gone) && errors.As(l.renew(ctx, rt, r), &expired)
	rt.Always(gone == nil || isForgotten || ctx.Err() != nil, "P-31", "asOf", asOf, "error", err)
	switch {
	case isForgotten:
		rt.Reachable("lease-expired")
		return false, nil
	case err != nil:
		return false, err
	}
	l.journal.Read(rt, asOf, updates)
	rt.Reachable("leased-read")
	rt.Sometimes(r.SharedSince() != frontier.At(0), "merged-read")
	*from = frontier.At(asOf)
	r.Downgrade(*from)
	if rand.IntN(2) > 0 {
		return true, nil
	}
	err = l.renew(ctx, rt, r)
	if errors.As(err, &expired) {
		rt.Reachable("lease-expired")
		return false, nil
	}
	rt.Sometimes(err == nil && r.Since() == *from, "since-followed")
	return err == nil, err
}
