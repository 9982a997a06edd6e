package partial

import (
	"fmt"
	"slices"
	"strings"
)

// Antichain is a frontier: a set of pairwise incomparable times, which stands for
// every time at or beyond one of them. The zero value is {}, the greatest
// frontier, which stands for no time at all.
type Antichain[T Time[T]] struct {
	elements []T
}

// Of returns the frontier of the minimal ones among times.
func Of[T Time[T]](times ...T) Antichain[T] {
	var a Antichain[T]
	a.Extend(times...)
	return a
}

// Insert makes t and everything beyond it part of the frontier, and reports
// whether that changed anything.
func (a *Antichain[T]) Insert(t T) bool {
	if a.LessEqualTime(t) {
		return false
	}
	a.elements = slices.DeleteFunc(a.elements, t.LessEqual)
	a.elements = append(a.elements, t)
	return true
}

// Extend inserts all times and reports whether any of them changed anything.
func (a *Antichain[T]) Extend(times ...T) bool {
	changed := false
	for _, t := range times {
		changed = a.Insert(t) || changed
	}
	return changed
}

// Elements returns a copy of the elements in the order of Compare.
func (a Antichain[T]) Elements() []T {
	return slices.SortedFunc(slices.Values(a.elements), T.Compare)
}

// IsEmpty reports whether a is {}.
func (a Antichain[T]) IsEmpty() bool {
	return len(a.elements) == 0
}

// Clone returns an independent copy.
func (a Antichain[T]) Clone() Antichain[T] {
	return Antichain[T]{slices.Clone(a.elements)}
}

// LessEqualTime reports whether t is at or beyond the frontier.
func (a Antichain[T]) LessEqualTime(t T) bool {
	return slices.ContainsFunc(a.elements, func(element T) bool { return element.LessEqual(t) })
}

// LessThanTime reports whether t is strictly beyond some element.
func (a Antichain[T]) LessThanTime(t T) bool {
	return slices.ContainsFunc(a.elements, func(element T) bool { return lessThan(element, t) })
}

// LessEqual reports whether each element of b is at or beyond a.
func (a Antichain[T]) LessEqual(b Antichain[T]) bool {
	for _, t := range b.elements {
		if !a.LessEqualTime(t) {
			return false
		}
	}
	return true
}

// LessThan is LessEqual without equality.
func (a Antichain[T]) LessThan(b Antichain[T]) bool {
	return a.LessEqual(b) && !a.Equal(b)
}

// Equal reports whether a and b have the same elements, in whatever order.
func (a Antichain[T]) Equal(b Antichain[T]) bool {
	return slices.Equal(a.Elements(), b.Elements())
}

// Join returns the least frontier at or beyond both: the minimal ones among the
// joins of all pairs.
func (a Antichain[T]) Join(b Antichain[T]) Antichain[T] {
	var joined Antichain[T]
	for _, s := range a.elements {
		for _, t := range b.elements {
			joined.Insert(s.Join(t))
		}
	}
	return joined
}

// Meet returns the greatest frontier at or before both: the minimal ones among
// all elements.
func (a Antichain[T]) Meet(b Antichain[T]) Antichain[T] {
	met := a.Clone()
	met.Extend(b.elements...)
	return met
}

// AdvanceTime returns the greatest time that cannot be told from t by comparing
// it with times at or beyond a; t itself if a is {}.
func (a Antichain[T]) AdvanceTime(t T) T {
	if a.IsEmpty() {
		return t
	}
	advanced := t.Join(a.elements[0])
	for _, element := range a.elements[1:] {
		advanced = advanced.Meet(t.Join(element))
	}
	return advanced
}

// String returns the elements in the order of Compare, in braces.
func (a Antichain[T]) String() string {
	return "{" + strings.Trim(fmt.Sprint(a.Elements()), "[]") + "}"
}

// Check verifies that no element is LessEqual another.
func (a Antichain[T]) Check() error {
	for i, s := range a.elements {
		for j, t := range a.elements {
			if i != j && s.LessEqual(t) {
				return fmt.Errorf("partial: antichain: %v is not minimal beside %v", t, s)
			}
		}
	}
	return nil
}
