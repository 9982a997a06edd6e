package persist

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Hub is how a process hears of what others commit, sooner than by looking. It carries
// hints, and promises nothing: one may come late, twice, after a later one, or never, and
// may even be wrong. Who waits for a shard looks at it from time to time all the same,
// so that losing every hint costs only latency.
type Hub interface {
	// Send hands a hint to the other processes. It does not wait: what it has no room
	// for it drops.
	Send(Hint)
	// Receive returns the next hint of another process. It fails only if ctx has ended,
	// or if there will be no more. One task calls it.
	Receive(ctx context.Context) (Hint, error)
}

// Hint says that a shard has a version whose upper is another than that of the version
// before.
type Hint struct {
	Shard ShardID
	SeqNo SeqNo
}

// announce tells other processes that an upper has moved. Other changes nobody waits for.
func (m *machine) announce(before, after frontier.Antichain, n SeqNo) {
	if m.client.hub != nil && before != after {
		m.client.hub.Send(Hint{m.shard, n})
	}
}

// listenToHub wakes those who wait, as others announce versions. Reading them is theirs.
func (c *Client) listenToHub(ctx context.Context) {
	for {
		hint, err := c.hub.Receive(ctx)
		switch {
		case err == nil:
		case ctx.Err() == nil:
			c.rt.Logger().WarnContext(ctx, "no more hints", "error", err)
			return
		default:
			return
		}
		c.mu.Lock()
		m := c.shards[hint.Shard]
		c.mu.Unlock()
		if m != nil {
			m.known.Update(func(k knowledge) (knowledge, bool) {
				isNews := hint.SeqNo > max(k.hinted, k.state.SeqNo())
				k.hinted = max(k.hinted, hint.SeqNo)
				return k, isNews
			})
		}
	}
}

// isHinted reports whether there may be a newer version.
func (k knowledge) isHinted() bool { return k.hinted > k.state.SeqNo() }

// waitForUpper waits until the upper is beyond f, or {}, or isOver, which must not block,
// says of a version that there is nothing to wait for any more.
func (m *machine) waitForUpper(ctx context.Context, f frontier.Antichain, isOver func(*state.State) bool) error {
	return m.waitFor(ctx, func(k knowledge) bool {
		return k.broken != nil || isOver(k.state) || k.state.Upper().IsEmpty() || f.LessThan(k.state.Upper())
	})
}

// never is for whoever waits for the upper whatever else happens.
func never(*state.State) bool { return false }

// waitFor waits for commits of this process and for hints of others, and looks at the log
// at intervals.
func (m *machine) waitFor(ctx context.Context, isPast func(knowledge) bool) error {
	p, isBusy := m.client.newPoll(), false
	for {
		looks := m.looks.Load()
		woken, cancel := m.client.rt.WithTimeout(ctx, p.draw())
		k, _, err := m.known.WaitFor(woken, func(k knowledge) bool { return isPast(k) || !isBusy && k.isHinted() })
		cancel()
		switch {
		case err == nil && isPast(k):
			return k.broken
		case err == nil:
			looks = m.looks.Load() // what is hinted may have come since the latest look
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			return err
		}
		if isBusy, err = m.look(ctx, looks); err != nil {
			return err
		}
	}
}

// look reads the log for somebody who waits, unless somebody has done so since there were
// so many looks, or is busy with it, for however long: of those who wait for one shard one
// looks in each interval, and what it sees wakes the others.
func (m *machine) look(ctx context.Context, looks uint64) (isBusy bool, err error) {
	if !m.looking.TryAcquire(1) {
		return true, nil
	}
	defer m.looking.Release(1)
	if m.looks.Load() > looks {
		return false, nil
	}
	k, _ := m.known.Get()
	if _, err := m.latest(ctx); err != nil {
		return false, fmt.Errorf("persist: wait for %v: %w", m.shard, err)
	}
	m.looks.Add(1)
	m.known.Update(func(now knowledge) (knowledge, bool) { // whatever was hinted has been seen, or was wrong
		if now.hinted != k.hinted {
			return now, false
		}
		now.hinted = 0
		return now, true
	})
	return false, nil
}
