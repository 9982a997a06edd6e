package partial

import "cmp"

// Time is a type of times: a lattice whose zero value is the minimum.
type Time[T any] interface {
	comparable

	// LessEqual is the partial order: reflexive, transitive, and antisymmetric
	// with respect to ==.
	LessEqual(other T) bool
	// Compare is a total order that extends LessEqual. It only serves to store
	// and print times in one way.
	Compare(other T) int
	// Join returns the least time that is at or beyond both.
	Join(other T) T
	// Meet returns the greatest time that is at or before both.
	Meet(other T) T
}

// Both types below are times.
var (
	_ Antichain[Uint64]
	_ Antichain[Pair]
)

// lessThan is LessEqual without equality. For a partial order it is not the
// opposite of LessEqual the other way round.
func lessThan[T Time[T]](a, b T) bool {
	return a != b && a.LessEqual(b)
}

// Uint64 is a time under the usual total order.
type Uint64 uint64

// LessEqual is <=.
func (t Uint64) LessEqual(other Uint64) bool { return t <= other }

// Compare is the same order as LessEqual.
func (t Uint64) Compare(other Uint64) int { return cmp.Compare(t, other) }

// Join returns the later time.
func (t Uint64) Join(other Uint64) Uint64 { return max(t, other) }

// Meet returns the earlier time.
func (t Uint64) Meet(other Uint64) Uint64 { return min(t, other) }

// Pair is a time under the product order: it has to be at most the other in both
// components to be LessEqual.
type Pair struct{ First, Second uint64 }

// LessEqual compares both components.
func (p Pair) LessEqual(other Pair) bool {
	return p.First <= other.First && p.Second <= other.Second
}

// Compare is the lexicographic order, which extends the product order.
func (p Pair) Compare(other Pair) int {
	return cmp.Or(cmp.Compare(p.First, other.First), cmp.Compare(p.Second, other.Second))
}

// Join returns the later of each component.
func (p Pair) Join(other Pair) Pair {
	return Pair{max(p.First, other.First), max(p.Second, other.Second)}
}

// Meet returns the earlier of each component.
func (p Pair) Meet(other Pair) Pair {
	return Pair{min(p.First, other.First), min(p.Second, other.Second)}
}
