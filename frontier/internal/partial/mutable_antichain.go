package partial

import (
	"fmt"
	"slices"
)

// MutableAntichain is a multiset of times together with the frontier of those
// with a positive count. The zero value is empty; its frontier is {}.
type MutableAntichain[T Time[T]] struct {
	counts   ChangeBatch[T]
	frontier Antichain[T]
	rebuilds int
}

// Apply makes all the changes as one step and returns the movement of the
// frontier: -1 at each element it lost and +1 at each element it gained.
//
// The frontier is recomputed from all counts unless no change can have moved it;
// [MutableAntichain.Rebuilds] tells.
func (m *MutableAntichain[T]) Apply(changes ...Change[T]) (moved []Change[T]) {
	needsRebuild := slices.ContainsFunc(changes, m.mayMove)
	m.counts.Extend(changes...)
	if !needsRebuild {
		return nil
	}
	return m.rebuild()
}

// mayMove is false for a change strictly beyond the frontier, for a decrement
// before it, and for no change at all.
func (m *MutableAntichain[T]) mayMove(c Change[T]) bool {
	isBeyond := m.frontier.LessThanTime(c.Time)
	isBefore := !m.frontier.LessEqualTime(c.Time)
	return c.Diff != 0 && !isBeyond && !(isBefore && c.Diff < 0)
}

func (m *MutableAntichain[T]) rebuild() []Change[T] {
	m.rebuilds++
	before := m.frontier
	m.frontier = Antichain[T]{}
	for _, c := range m.counts.Changes() {
		if c.Diff > 0 {
			m.frontier.Insert(c.Time)
		}
	}
	var moved ChangeBatch[T]
	for _, t := range before.elements {
		moved.Update(t, -1)
	}
	for _, t := range m.frontier.elements {
		moved.Update(t, +1)
	}
	return moved.Drain()
}

// Frontier returns the minimal times with a positive count.
func (m *MutableAntichain[T]) Frontier() Antichain[T] {
	return m.frontier.Clone()
}

// Count returns the count at t.
func (m *MutableAntichain[T]) Count(t T) int64 {
	var count int64
	for _, c := range m.counts.changes {
		if c.Time == t {
			count += c.Diff
		}
	}
	return count
}

// Counts returns the counts that are not 0, in the order of Compare.
func (m *MutableAntichain[T]) Counts() []Change[T] {
	return m.counts.Changes()
}

// Rebuilds returns how often the frontier was recomputed.
func (m *MutableAntichain[T]) Rebuilds() int {
	return m.rebuilds
}

// Stored returns the number of changes as they are now stored.
func (m *MutableAntichain[T]) Stored() int {
	return m.counts.Stored()
}

// Check verifies the parts, and that the frontier is what the counts say.
func (m *MutableAntichain[T]) Check() error {
	if err := m.counts.Check(); err != nil {
		return err
	}
	if err := m.frontier.Check(); err != nil {
		return err
	}
	twin := MutableAntichain[T]{counts: ChangeBatch[T]{changes: slices.Clone(m.counts.changes)}}
	twin.rebuild()
	if !twin.frontier.Equal(m.frontier) {
		return fmt.Errorf("partial: mutable antichain: frontier %v, counts say %v", m.frontier, twin.frontier)
	}
	return nil
}
