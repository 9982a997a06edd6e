package frontier

import (
	"iter"
	"strconv"
)

// Antichain is a frontier over uint64 times: either {t}, which stands for every
// time at or beyond t, or {}, the empty or closed frontier, which stands for no
// time at all.
//
// The zero value is {0}, the least frontier. It is the harmless one to get by
// mistake: a since of {0} forgets nothing, an upper of {0} promises nothing, a
// hold at {0} keeps everything. The empty frontier allows the opposite, to
// forget everything and to write no more, and therefore exists only where
// somebody wrote [Empty].
//
// Antichain is an immutable value: copy it, compare it with ==, use it as a map
// key. All methods are safe for concurrent use.
type Antichain struct {
	time    uint64 // 0 if isEmpty, so that == is equality of frontiers
	isEmpty bool
}

// At returns the frontier {t}.
func At(t uint64) Antichain {
	return Antichain{time: t}
}

// Empty returns {}, the greatest frontier: no time is allowed, awaited or
// readable any more.
func Empty() Antichain {
	return Antichain{isEmpty: true}
}

// IsEmpty reports whether a is {}.
func (a Antichain) IsEmpty() bool {
	return a.isEmpty
}

// Time returns the only element of a, or 0 and false if a is {}.
func (a Antichain) Time() (t uint64, ok bool) {
	return a.time, !a.isEmpty
}

// Elements iterates over the elements of a: one time, or none if a is {}.
func (a Antichain) Elements() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		if !a.isEmpty {
			yield(a.time)
		}
	}
}

// Insert returns the frontier of a and the given times together: the earliest of
// them all. The answer differs from a exactly if one of the times lies before a.
func (a Antichain) Insert(times ...uint64) Antichain {
	for _, t := range times {
		a = a.Meet(At(t))
	}
	return a
}

// LessEqualTime reports whether t is at or beyond the frontier, that is whether
// some element of a is at most t. It is false for {}, whatever t is.
func (a Antichain) LessEqualTime(t uint64) bool {
	return !a.isEmpty && a.time <= t
}

// LessThanTime reports whether t is strictly beyond the frontier, that is
// whether some element of a is less than t. It is false for {}, whatever t is.
func (a Antichain) LessThanTime(t uint64) bool {
	return !a.isEmpty && a.time < t
}

// LessEqual reports whether every time that b allows is allowed by a too. Of two
// frontiers at least one is LessEqual the other; {0} is LessEqual every
// frontier, and every frontier is LessEqual {}.
func (a Antichain) LessEqual(b Antichain) bool {
	return b.isEmpty || !a.isEmpty && a.time <= b.time
}

// LessThan reports whether a is LessEqual b and not equal to it.
func (a Antichain) LessThan(b Antichain) bool {
	return a != b && a.LessEqual(b)
}

// Equal reports whether a and b are the same frontier, as a == b does. It lets
// packages that look for such a method, like go-cmp, compare frontiers.
func (a Antichain) Equal(b Antichain) bool {
	return a == b
}

// Join returns the least frontier that is at or beyond both a and b: the later
// of the two, {} if one of them is. A frontier that is only ever replaced by its
// Join with something never goes back.
func (a Antichain) Join(b Antichain) Antichain {
	if a.LessEqual(b) {
		return b
	}
	return a
}

// Meet returns the greatest frontier that is at or before both a and b: the
// earlier of the two. [Empty] is neutral, so a loop that meets many frontiers
// starts from it; a caller for whom "none" does not mean {} has to say so first.
func (a Antichain) Meet(b Antichain) Antichain {
	if a.LessEqual(b) {
		return a
	}
	return b
}

// AdvanceTime returns the latest time that nobody who reads at or beyond a can
// tell from t: the later of t and the element of a. Compaction to a since moves
// times in this way. At {} nobody reads, and t is returned as it is.
func (a Antichain) AdvanceTime(t uint64) uint64 {
	return max(t, a.time) // a.time is 0 if a is {}
}

// String returns "{5}" or "{}"; [Parse] reads it.
func (a Antichain) String() string {
	if a.isEmpty {
		return "{}"
	}
	return "{" + strconv.FormatUint(a.time, 10) + "}"
}
