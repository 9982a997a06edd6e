package zoo

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

func lockOrder() []Program {
	return []Program{
		{
			Name:    "coalesced-heartbeats",
			Doc:     "a store sends heartbeats under its lock and locks replicas; a replica that ticks locks the store",
			Source:  "cockroachdb/cockroach#10214",
			Depth:   2,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { coalesce(ctx, rt, (*raftStore).sendQueued) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { coalesce(ctx, rt, (*raftStore).sendCopied) },
		},
		{
			Name:    "lease-name-cache",
			Doc:     "releasing a lease locks it and then the cache of names; a look-up by name locks the other way round",
			Source:  "cockroachdb/cockroach#7504",
			Depth:   2,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { useNames(ctx, rt, (*nameCache).acquire) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { useNames(ctx, rt, (*nameCache).acquireAfter) },
		},
		{
			Name:    "transfer-ring",
			Doc:     "three transfers, each from one account to the next, lock the payer first and so can form a ring",
			Depth:   3,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { transferRing(ctx, rt, payerFirst) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { transferRing(ctx, rt, lowerFirst) },
		},
		{
			Name:    "stock-priority",
			Doc:     "moves between warehouses lock by priority, which somebody changes between two moves",
			Depth:   4,
			Verdict: sim.Deadlock,
			Bug:     func(ctx context.Context, rt *runtime.Runtime) { moveStock(ctx, rt, (*depots).byPriority) },
			Fixed:   func(ctx context.Context, rt *runtime.Runtime) { moveStock(ctx, rt, (*depots).byNumber) },
		},
	}
}

// raftStore holds replicas and the heartbeats that are to be sent for them.
type raftStore struct {
	coalesced *runtime.Mutex // guards queued
	queued    []int
	replicas  []*raftReplica
}

type raftReplica struct {
	raft        *runtime.Mutex // guards unreachable
	unreachable bool
	store       *raftStore
}

func (s *raftStore) sendQueued() {
	s.coalesced.Lock()
	defer s.coalesced.Unlock()
	for _, i := range s.queued {
		s.replicas[i].reportUnreachable() // Bug: tick takes the two locks in the other order.
	}
	s.queued = nil
}

func (s *raftStore) sendCopied() {
	s.coalesced.Lock()
	queued := s.queued
	s.queued = nil
	s.coalesced.Unlock()
	for _, i := range queued {
		s.replicas[i].reportUnreachable()
	}
}

func (r *raftReplica) reportUnreachable() {
	r.raft.Lock()
	defer r.raft.Unlock()
	r.unreachable = true
}

func (r *raftReplica) tick(i int) {
	r.raft.Lock()
	defer r.raft.Unlock()
	r.store.coalesced.Lock()
	defer r.store.coalesced.Unlock()
	r.store.queued = append(r.store.queued, i)
}

func coalesce(ctx context.Context, rt *runtime.Runtime, send func(*raftStore)) {
	s := &raftStore{coalesced: rt.NewMutex(), queued: []int{0, 1}}
	for range 2 {
		s.replicas = append(s.replicas, &raftReplica{raft: rt.NewMutex(), store: s})
	}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "heartbeats", func(context.Context) { send(s) })
	tasks.Go(ctx, "tick", func(context.Context) { s.replicas[1].tick(1) })
	tasks.Wait()
}

// nameCache finds leases by the names of tables.
type nameCache struct {
	mu     *runtime.Mutex // guards tables
	tables map[string]*nameLease
}

type nameLease struct {
	mu       *runtime.Mutex // guards count
	count    int
	released bool
}

func (c *nameCache) acquire(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.tables[name]; l != nil {
		l.use() // Bug: release locks the lease first, then the cache.
	}
}

func (c *nameCache) acquireAfter(name string) {
	c.mu.Lock()
	l := c.tables[name]
	c.mu.Unlock()
	if l != nil {
		l.use()
	}
}

func (l *nameLease) use() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.released {
		l.count++
	}
}

func (c *nameCache) release(name string, l *nameLease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released = true
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tables, name)
}

func useNames(ctx context.Context, rt *runtime.Runtime, acquire func(*nameCache, string)) {
	l := &nameLease{mu: rt.NewMutex()}
	c := &nameCache{mu: rt.NewMutex(), tables: map[string]*nameLease{"orders": l}}
	tasks := rt.NewWaitGroup()
	tasks.Go(ctx, "query", func(context.Context) { acquire(c, "orders") })
	tasks.Go(ctx, "release", func(context.Context) { c.release("orders", l) })
	tasks.Wait()
}

// ringAccount is an account of a bank.
type ringAccount struct {
	number  int
	mu      *runtime.Mutex // guards balance
	balance int
}

// payerFirst orders the locks of a transfer.
func payerFirst(from, to *ringAccount) (first, second *ringAccount) {
	return from, to // Bug: three transfers in a ring each hold one lock and wait for the next.
}

func lowerFirst(from, to *ringAccount) (first, second *ringAccount) {
	if from.number < to.number {
		return from, to
	}
	return to, from
}

func (a *ringAccount) read() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.balance
}

func transferRing(
	ctx context.Context, rt *runtime.Runtime, order func(from, to *ringAccount) (first, second *ringAccount),
) {
	var ring [3]*ringAccount
	for i := range ring {
		ring[i] = &ringAccount{number: i, mu: rt.NewMutex(), balance: 100}
	}
	tasks := rt.NewWaitGroup()
	for i, from := range ring {
		tasks.Go(ctx, "transfer", func(context.Context) {
			to := ring[(i+1)%len(ring)]
			amount := 10 * (i + 1)
			if from.read() < amount || amount > 20 && to.read()+amount > 200 {
				return
			}
			first, second := order(from, to)
			first.mu.Lock()
			second.mu.Lock()
			from.balance, to.balance = from.balance-amount, to.balance+amount
			second.mu.Unlock()
			first.mu.Unlock()
			to.read()
		})
	}
	tasks.Wait()
}

// depots are warehouses; those of low priority are locked first.
type depots struct {
	mu       *runtime.Mutex // guards priority
	priority [2]int
	locks    [2]*runtime.Mutex
}

func (d *depots) byPriority() (first, second int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.priority[0] <= d.priority[1] { // Bug: two moves under way can have seen different priorities.
		return 0, 1
	}
	return 1, 0
}

func (d *depots) byNumber() (first, second int) { return 0, 1 }

func (d *depots) swapPriorities() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.priority[0], d.priority[1] = d.priority[1], d.priority[0]
}

func moveStock(ctx context.Context, rt *runtime.Runtime, order func(*depots) (int, int)) {
	d := &depots{
		mu: rt.NewMutex(), priority: [2]int{1, 2}, locks: [2]*runtime.Mutex{rt.NewMutex(), rt.NewMutex()},
	}
	tasks := rt.NewWaitGroup()
	for range 2 {
		tasks.Go(ctx, "move", func(context.Context) {
			first, second := order(d)
			d.locks[first].Lock()
			d.locks[second].Lock()
			d.locks[second].Unlock()
			d.locks[first].Unlock()
		})
	}
	tasks.Go(ctx, "plan", func(context.Context) { d.swapPriorities() })
	tasks.Wait()
}
