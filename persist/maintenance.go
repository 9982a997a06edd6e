package persist

import (
	"context"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// chore is one kind of background work on a shard. There is one at a time; what is
// asked for meanwhile is done after it, once, however often it was asked for. Its
// fields are guarded by the committer's lock.
type chore struct {
	name     string
	work     func(m *machine, ctx context.Context) error
	isWanted bool
	isAtWork bool
}

// maintain starts the background work that came with a commit. If the client is
// closing it is dropped: a later commit will ask for it again.
func (m *machine) maintain(work state.Maintenance) {
	if work.WriteRollup {
		m.start(&m.rollup)
	}
	if work.CollectGarbage > 0 {
		m.mu.Lock()
		m.goal = max(m.goal, work.CollectGarbage)
		m.mu.Unlock()
		m.start(&m.garbage)
	}
	if len(work.Compactions) > 0 {
		m.mu.Lock()
		m.requests = append(m.requests, work.Compactions...)
		m.mu.Unlock()
		m.start(&m.compaction)
	}
}

// start asks for a chore.
func (m *machine) start(c *chore) {
	m.mu.Lock()
	c.isWanted = true
	isAtWork := c.isAtWork
	c.isAtWork = true
	m.mu.Unlock()
	if isAtWork {
		return
	}
	if _, err := m.client.background(c.name, func(ctx context.Context) { m.work(ctx, c) }); err != nil {
		m.mu.Lock()
		c.isAtWork = false
		m.mu.Unlock()
	}
}

// work does a chore until nobody asks for it any more.
func (m *machine) work(ctx context.Context, c *chore) {
	for m.isWanted(c) {
		if err := c.work(m, ctx); err != nil && ctx.Err() == nil {
			m.client.rt.Logger().WarnContext(ctx, "maintenance not done", "work", c.name, "shard", m.shard, "error", err)
		}
	}
}

func (m *machine) isWanted(c *chore) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	isWanted := c.isWanted
	c.isWanted, c.isAtWork = false, isWanted
	return isWanted
}

// collectAssigned collects the garbage that this process was asked to.
func (m *machine) collectAssigned(ctx context.Context) error {
	m.mu.Lock()
	goal := m.goal
	m.mu.Unlock()
	return m.collectGarbage(ctx, goal)
}
