package frontier

import (
	"fmt"
	"iter"
)

// MutableAntichain is a multiset of times together with its frontier: the
// earliest time whose count is positive, {} if there is none. Whoever needs
// times from t on adds 1 at t and takes it away when done; the frontier is then
// how far everybody has got.
//
// The zero value is an empty multiset, whose frontier is {}. Up to 8 distinct
// times are kept in the value itself, without allocation. Beyond that an update
// costs O(log n), also where the frontier moves: nothing is ever rebuilt. Asking
// for the frontier is O(1).
//
// Counts may be negative, for a release may overtake what it releases. A
// negative count is merely not positive: it neither makes a frontier nor holds
// one back, and it is still there when the other half comes. An owner to whom
// that must not happen asks [MutableAntichain.Count] first, as does one whose
// frontier must not go back. (Negative counts also weaken the bound: when the
// frontier moves on, those that it passes over are visited one by one.)
//
// A MutableAntichain may be read from many goroutines while nobody modifies it;
// Clone counts as a modification. It must not be copied by assignment once it
// has been used, except to hand it over for good: use [MutableAntichain.Clone].
type MutableAntichain struct {
	counts entries
	least  uint64 // the element of the frontier; 0 unless isHeld
	isHeld bool   // the frontier is not {}
}

// Frontier returns the earliest time with a positive count, or {}.
func (m *MutableAntichain) Frontier() Antichain {
	if !m.isHeld {
		return Empty()
	}
	return At(m.least)
}

// Update adds diff to the count at t. It returns the movement of the frontier,
// -1 at every element it lost and +1 at every element it gained: an empty batch
// if it did not move. If the count leaves the range of int64 it returns an
// [*OverflowError].
func (m *MutableAntichain) Update(t uint64, diff int64) (moved ChangeBatch, err error) {
	before := m.Frontier()
	count, err := m.counts.add(t, diff)
	if err != nil {
		return ChangeBatch{}, err
	}
	m.follow(t, count)
	return movement(before, m.Frontier()), nil
}

// Apply makes all the changes as one step, or none of them if one fails with an
// [*OverflowError]. It returns the movement of the frontier from before the step
// to after it, as Update does; places in between do not show. The changes are
// left alone.
func (m *MutableAntichain) Apply(changes *ChangeBatch) (moved ChangeBatch, err error) {
	before := m.Frontier()
	if err := m.counts.merge(&changes.sums); err != nil {
		return ChangeBatch{}, err
	}
	for t := range changes.All() {
		m.follow(t, m.counts.get(t))
	}
	return movement(before, m.Frontier()), nil
}

// follow moves the frontier after the count at t has changed to count. If many
// counts have changed it is called for each of them, in any order: whatever now
// leads either has changed itself or lies beyond what led before.
func (m *MutableAntichain) follow(t uint64, count int64) {
	switch {
	case count > 0 && At(t).LessThan(m.Frontier()):
		m.least, m.isHeld = t, true
	case count <= 0 && At(t) == m.Frontier():
		m.least, m.isHeld = m.leastFrom(t)
	}
}

// leastFrom returns the earliest time at or beyond from with a positive count.
func (m *MutableAntichain) leastFrom(from uint64) (least uint64, isHeld bool) {
	for t, count := range m.counts.from(from) {
		if count > 0 {
			return t, true
		}
	}
	return 0, false
}

// Count returns the count at t: 0 for a time that was never added or that
// cancelled.
func (m *MutableAntichain) Count(t uint64) int64 {
	return m.counts.get(t)
}

// Counts iterates over the counts that are not 0, in the order of time. The
// multiset must not be modified meanwhile.
func (m *MutableAntichain) Counts() iter.Seq2[uint64, int64] {
	return m.counts.all()
}

// Len returns the number of distinct times whose count is not 0.
func (m *MutableAntichain) Len() int {
	return m.counts.len()
}

// Clone returns a multiset with the same counts, independent of m. It is O(1):
// what the two share is copied when one of them changes.
func (m *MutableAntichain) Clone() MutableAntichain {
	return MutableAntichain{counts: m.counts.clone(), least: m.least, isHeld: m.isHeld}
}

// Equal reports whether both multisets have the same counts, and hence the same
// frontier. Like String it is a method of the value, so that fmt and go-cmp find
// it on values and pointers.
func (m MutableAntichain) Equal(other MutableAntichain) bool {
	return m.counts.equal(&other.counts)
}

// String returns the frontier and the counts, as in "{5} of [5:+2 7:+1]".
func (m MutableAntichain) String() string {
	return m.Frontier().String() + " of " + m.counts.String()
}

// Check verifies the stored counts and that the frontier is what they say. An
// error means a bug in this package or the use of a copy made by assignment.
func (m *MutableAntichain) Check() error {
	if err := m.counts.check(); err != nil {
		return fmt.Errorf("frontier: mutable antichain: %w", err)
	}
	if least, isHeld := m.leastFrom(0); least != m.least || isHeld != m.isHeld {
		return fmt.Errorf("frontier: mutable antichain: frontier %v is not that of %v", m.Frontier(), &m.counts)
	}
	return nil
}
