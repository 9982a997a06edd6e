package collections_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// gate is a version store that stalls the compare-and-sets of one shard, or of all,
// until the test lets them go on.
type gate struct {
	persist.Consensus
	stalled *runtime.Watch[string] // "" is none, "*" all
	arrived *runtime.Watch[int]    // how many have been stalled
	passed  *runtime.Watch[int]    // how many have returned

	mu          sync.Mutex // nothing parks while it is held
	inside, max int
	lost        error // the answer to every other one, which has its effect
	calls       int
}

func newGate(w *world) *gate {
	return &gate{
		Consensus: w.store.Consensus(w.rt), stalled: runtime.NewWatch(w.rt, ""),
		arrived: runtime.NewWatch(w.rt, 0), passed: runtime.NewWatch(w.rt, 0),
	}
}

// CompareAndSet implements [persist.Consensus].
func (g *gate) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	g.enter(+1)
	defer g.enter(-1)
	defer g.passed.Update(increment)
	isOpen := func(stalled string) bool { return stalled != "*" && stalled != key }
	if stalled, _ := g.stalled.Get(); !isOpen(stalled) {
		g.arrived.Update(increment)
	}
	if _, _, err := g.stalled.WaitFor(ctx, isOpen); err != nil {
		return false, fmt.Errorf("gate: %w: %w", persist.ErrDeterminate, err)
	}
	committed, err := g.Consensus.CompareAndSet(ctx, key, expected, next)
	if lost := g.loses(); lost != nil {
		return false, lost
	}
	return committed, err
}

// lose loses every other answer from now on, if err is not nil.
func (g *gate) lose(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost = err
}

func (g *gate) loses() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.calls++; g.calls%2 == 0 {
		return nil
	}
	return g.lost
}

func increment(n int) (int, bool) { return n + 1, true }

func (g *gate) enter(diff int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside += diff
	g.max = max(g.max, g.inside)
}

// insideMax returns how many have been inside at the same time.
func (g *gate) insideMax() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.max
}

// forget begins to count again.
func (g *gate) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.max = g.inside
}

// stall stalls the shard of a collection, and everything if there is none.
func (p *process) stall(id collections.GlobalID) {
	key := "*"
	if id.IsValid() {
		key = p.one(id).Shard.String()
	}
	p.log.stalled.Set(key)
}

// unstall lets everything go on.
func (p *process) unstall() { p.log.stalled.Set("") }

// awaitStalled waits until so many operations have been stalled.
func (p *process) awaitStalled(count int) {
	p.w.Helper()
	_, _, err := p.log.arrived.WaitFor(p.w.ctx, func(n int) bool { return n >= count })
	p.w.must(err)
}

// awaitStored waits until a since is durable in a shard.
func (p *process) awaitStored(shard persist.ShardID, since frontier.Antichain) {
	p.w.Helper()
	ctx, cancel := p.w.rt.WithTimeout(p.w.ctx, 10*time.Second)
	defer cancel()
	for {
		_, version := p.log.passed.Get()
		if p.stored(shard) == since {
			return
		}
		if _, _, err := p.log.passed.Wait(ctx, version); err != nil {
			p.w.Fatalf("the since of %v is %v and not %v", shard, p.stored(shard), since)
		}
	}
}
