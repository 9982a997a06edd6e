package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Closing brings a shard to its end while it is in use.
func Closing() sim.Scenario {
	rules := slices.Concat(storageRules, objectRules)
	return sim.Scenario{
		Name: "closing",
		Doc: "a shard is closed while some write it, wait for its upper, follow it and hold an old version of it, and its" +
			" since is moved far ahead of them; who waits is woken, who follows comes to the end, and in the end the shard is" +
			" one object and two versions",
		Run:    inWorld(func(ctx context.Context, w simulated) error { return closing(ctx, w, rules) }),
		Faults: kindNames(storeFaults, rules...),
		Goals: []string{
			"append-succeeded", "closed", "woken-by-the-end", "followed-to-the-end", "held-long", "since-beyond-upper",
			"finalized", "finalize-refused",
		},
	}
}

// closingWorld is a shard that comes to its end.
type closingWorld struct {
	*leasesWorld
	mu       sync.Mutex //sim:allow native-lock because nothing parks while it is held
	isEnding bool
	isOver   bool // somebody has finalized the shard
}

func closing(ctx context.Context, w simulated, rules []string) error {
	rt := w.Runtime()
	rand := rt.Rand("closing")

	// Given a shard that is written, read, followed and waited for,
	nodes := runtime.Between(rand, 2, 3)
	plan := trouble{nodes: nodes, faults: 5, steps: 2500, kinds: storeFaults, storage: rules}.plan(w)
	s, err := newShardWorld(w, rand, plan)
	if err != nil {
		return err
	}
	s.config.ReaderLease = drawMillis(rand, 200, 4000, 10_000) // whoever dies is in the way until then
	c := &closingWorld{leasesWorld: &leasesWorld{shardWorld: s}}
	if err := bootNodes(w, nodes, c.process); err != nil {
		return err
	}

	// when it is closed, and everybody is in trouble,
	if err := w.Inject(plan.Faults...); err != nil {
		return err
	}
	if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 500, 4000))*time.Millisecond); err != nil {
		return err
	}
	c.set(&c.isEnding)
	if err := rt.Sleep(ctx, time.Duration(rand.IntN(3000))*time.Millisecond); err != nil {
		return err
	}

	// then, once the faults are over, somebody finalizes it,
	w.Quiesce(10 * time.Second)
	w.Eventually("P-60", time.Minute, func() bool { return c.is(&c.isOver) })

	// and nothing but its tombstone is left of it.
	for _, n := range w.Nodes() {
		if n.State() == sim.Up {
			if err := n.Crash(); err != nil {
				return err
			}
		}
	}
	return c.bury(ctx, rt)
}

func (c *closingWorld) set(flag *bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*flag = true
}

func (c *closingWorld) is(flag *bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *flag
}

// bury does what those who died have left undone.
func (c *closingWorld) bury(ctx context.Context, rt *runtime.Runtime) error {
	client, err := c.calmClient(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	shard, err := client.OpenShard(ctx, c.shard)
	if err != nil {
		return err
	}
	if err := shard.Finalize(ctx); err != nil {
		return err
	}
	if _, err := shard.Sweep(ctx, persist.SweepOptions{}); err != nil {
		return err
	}
	objects, versions := c.ledger.Left(c.shard.String())
	rt.Always(objects == 1 && versions <= 2, "P-15", "objects", objects, "versions", versions)
	isFinalized, err := shard.IsFinalized(ctx)
	rt.Always(err == nil && isFinalized, "P-15", "finalized", isFinalized, "error", err)
	c.ledger.Seal(rt)
	return nil
}

// process uses the shard until it is closed, and then helps to finalize it.
func (c *closingWorld) process(ctx context.Context, rt *runtime.Runtime) error {
	client, err := c.client(ctx, rt)
	if err != nil {
		return err
	}
	defer client.Close()
	group := rt.NewGroup(ctx)
	task := writing{
		name: "writer", label: fmt.Sprintf("%s.%d", rt.Node(), rt.Incarnation()), rowsMax: 5,
		pauseMax: runtime.Between(rt.Rand("process"), 100, 1000),
	}
	group.Go("writer", func(ctx context.Context) error { return c.writeAs(ctx, rt, client, task) })
	group.Go("owner", func(ctx context.Context) error { return c.own(ctx, rt, client) })
	group.Go("closer", func(ctx context.Context) error { return c.close(ctx, rt, client) })
	group.Go("waiter", func(ctx context.Context) error { return c.wait(ctx, rt, client) })
	group.Go("holder", func(ctx context.Context) error { return c.holdLong(ctx, rt, client) })
	group.Go("undertaker", func(ctx context.Context) error { return c.finalize(ctx, rt, client) })
	if rt.Rand("subscriber").IntN(2) == 0 {
		group.Go("subscriber", func(ctx context.Context) error { return c.subscribe(ctx, rt, client, 2*time.Second) })
	}
	return group.Wait()
}

// own has a capability of its process. It moves it anywhere, also far ahead of what there
// is, and to {} when the shard has been closed.
func (c *closingWorld) own(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("owner")
	id, opaque := persist.CriticalReaderID{0: 1}, persist.Opaque{Codec: "node"}
	copy(id[1:], rt.Node())
	owner, err := client.OpenSince(ctx, c.shard, id, opaque, "owner")
	if err != nil {
		return err
	}
	shard, err := client.OpenShard(ctx, c.shard)
	if err != nil {
		return err
	}
	for !shard.SharedSince().IsEmpty() { // who holds it back and goes away does not move it
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 100, 2500))*time.Millisecond); err != nil {
			return err
		}
		end, isOpen := shard.SharedUpper().Time()
		to := frontier.At(end - min(end, rand.Uint64()%20))
		switch {
		case !isOpen:
			to = frontier.Empty()
		case rand.IntN(12) == 0:
			to = frontier.At(end + rand.Uint64()%1000)
		}
		since, err := owner.CompareAndDowngrade(ctx, opaque, opaque, to)
		if err != nil {
			return err
		}
		rt.Sometimes(isOpen && shard.SharedUpper().LessThan(since), "since-beyond-upper")
	}
	return nil
}

// close closes the shard once it is time to.
func (c *closingWorld) close(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("closer")
	w, err := client.OpenWriter(ctx, c.shard, persist.WriterOptions{Purpose: "closes"})
	if err != nil {
		return err
	}
	for {
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 50, 600))*time.Millisecond); err != nil {
			return err
		}
		upper, err := w.FetchRecentUpper(ctx)
		if err != nil || upper.IsEmpty() {
			return err
		}
		if !c.is(&c.isEnding) {
			continue
		}
		call := c.journal.Begin(nil, upper, frontier.Empty())
		err = w.CompareAndAppend(ctx, nil, upper, frontier.Empty())
		call.End(rt, err)
		rt.Sometimes(err == nil, "closed")
		var mismatch *persist.UpperMismatchError
		if err != nil && !errors.Is(err, persist.ErrIndeterminate) && !errors.As(err, &mismatch) {
			return err
		}
	}
}

// wait waits for times that are yet to come, again and again, also for some that only the
// end is beyond.
func (c *closingWorld) wait(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("waiter")
	shard, err := client.OpenShard(ctx, c.shard)
	if err != nil {
		return err
	}
	for {
		end, isOpen := shard.SharedUpper().Time()
		if !isOpen {
			return nil
		}
		target := frontier.At(end + rand.Uint64()%40)
		if rand.IntN(4) == 0 {
			target = frontier.At(end + 1<<40)
		}
		if err := shard.WaitForUpperPast(ctx, target); err != nil {
			return err
		}
		now := shard.SharedUpper()
		rt.Always(now.IsEmpty() || target.LessThan(now), "P-33", "waited for", target, "upper", now)
		rt.Sometimes(now.IsEmpty(), "woken-by-the-end")
	}
}

// holdLong begins to read, rests while others write, merge and collect garbage, and reads
// on.
func (c *closingWorld) holdLong(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("holder")
	for {
		r, err := client.OpenReader(ctx, c.shard, persist.ReaderOptions{Purpose: "holds"})
		if err != nil {
			return err
		}
		since, isReadable := r.Since().Time()
		end, isOpen := r.SharedUpper().Time()
		if !isOpen || !isReadable {
			return r.Close(ctx)
		}
		if since < end {
			rest := time.Duration(runtime.Between(rand, 1, 4)) * time.Second
			if err := c.readWithRest(ctx, rt, r, max(since, end-1), rest); err != nil {
				return err
			}
		}
		if err := r.Close(ctx); err != nil {
			return err
		}
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 100, 900))*time.Millisecond); err != nil {
			return err
		}
	}
}

// readWithRest reads as of a time, with a rest after the first row.
func (c *closingWorld) readWithRest(
	ctx context.Context, rt *runtime.Runtime, r *persist.Reader, asOf uint64, rest time.Duration,
) error {
	var updates []persist.Update
	for u, err := range r.Stream(ctx, asOf) {
		var expired *persist.LeaseExpiredError
		var gone *persist.SinceError
		switch {
		case errors.As(err, &expired), errors.As(err, &gone) && errors.As(c.renew(ctx, rt, r), &expired):
			rt.Reachable("lease-expired")
			return nil
		case err != nil:
			return err
		}
		if updates = append(updates, u); len(updates) == 1 {
			if err := rt.Sleep(ctx, rest); err != nil {
				return err
			}
		}
	}
	c.journal.Read(rt, asOf, updates)
	rt.Sometimes(len(updates) > 1, "held-long")
	return nil
}

// finalize tries to finalize the shard until that has happened.
func (c *closingWorld) finalize(ctx context.Context, rt *runtime.Runtime, client *persist.Client) error {
	rand := rt.Rand("undertaker")
	shard, err := client.OpenShard(ctx, c.shard)
	if err != nil {
		return err
	}
	for {
		if err := rt.Sleep(ctx, time.Duration(runtime.Between(rand, 300, 3000))*time.Millisecond); err != nil {
			return err
		}
		err := shard.Finalize(ctx)
		var open *persist.NotClosedError
		switch {
		case errors.As(err, &open):
			rt.Always(!c.is(&c.isOver), "P-15", "open again", open)
			rt.Reachable("finalize-refused")
		case err != nil:
			return err
		default:
			c.set(&c.isOver)
			rt.Reachable("finalized")
			return nil
		}
	}
}
