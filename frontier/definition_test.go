package frontier_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/internal/partial"
)

// A frontier stands for the set of times at or beyond it. Here that is taken at
// its word: over a universe of a few times, every frontier is compared with the
// set written out, where the order is inclusion, join is intersection and meet
// is union. Package frontier and the model must both be that.

func TestSpecialisedFrontiersAreTheirSetsOfTimes(t *testing.T) {
	universe := []partial.Uint64{0, 1, 2, 5, partial.Uint64(frontier.MaxTime) - 1, partial.Uint64(frontier.MaxTime)}
	testDefinition(t, specialised(), universe)
	testDefinition(t, model[partial.Uint64](), universe)
}

func TestModelFrontiersAreTheirSetsOfTimes(t *testing.T) {
	var universe []partial.Pair
	for first := range uint64(3) {
		for second := range uint64(3) {
			universe = append(universe, partial.Pair{First: first, Second: second})
		}
	}
	testDefinition(t, model[partial.Pair](), universe)
}

// testDefinition goes through all pairs of frontiers over the universe, which
// must be closed under joins and meets.
func testDefinition[T partial.Time[T], F any](t *testing.T, f algebra[T, F], universe []T) {
	sets := upperSets(universe)
	for _, setA := range sets {
		a := f.of(setA...)
		if got := allowed(f, a, universe); !slices.Equal(got, setA) {
			t.Fatalf("%v: allows %v, want %v", a, got, setA)
		}
		for _, s := range universe {
			isBeyond := slices.ContainsFunc(setA, func(r T) bool { return r != s && r.LessEqual(s) })
			if f.lessThanTime(a, s) != isBeyond {
				t.Fatalf("%v: some element < %v is %t", a, s, !isBeyond)
			}
		}
		for _, setB := range sets {
			b := f.of(setB...)
			contains := func(s T) bool { return slices.Contains(setA, s) }
			isSubset := !slices.ContainsFunc(setB, func(s T) bool { return !contains(s) })
			both := slices.DeleteFunc(slices.Clone(setB), func(s T) bool { return !contains(s) })
			either := slices.DeleteFunc(slices.Clone(universe), func(s T) bool {
				return !contains(s) && !slices.Contains(setB, s)
			})
			if f.lessEqual(a, b) != isSubset {
				t.Fatalf("%v <= %v is %t", a, b, !isSubset)
			}
			if got := allowed(f, f.join(a, b), universe); !slices.Equal(got, both) {
				t.Fatalf("join of %v and %v: allows %v, want %v", a, b, got, both)
			}
			if got := allowed(f, f.meet(a, b), universe); !slices.Equal(got, either) {
				t.Fatalf("meet of %v and %v: allows %v, want %v", a, b, got, either)
			}
		}
	}
}

// upperSets returns all sets of times from the universe that contain, with a
// time, everything beyond it. Each is in the order of the universe.
func upperSets[T partial.Time[T]](universe []T) [][]T {
	var sets [][]T
	for bits := range 1 << len(universe) {
		var set []T
		for i, s := range universe {
			if bits>>i&1 == 1 {
				set = append(set, s)
			}
		}
		isUpper := !slices.ContainsFunc(universe, func(s T) bool {
			isDue := slices.ContainsFunc(set, func(r T) bool { return r.LessEqual(s) })
			return isDue && !slices.Contains(set, s)
		})
		if isUpper {
			sets = append(sets, set)
		}
	}
	return sets
}

// allowed returns the times of the universe at or beyond a, having checked that
// no element of a is at or beyond another.
func allowed[T partial.Time[T], F any](f algebra[T, F], a F, universe []T) []T {
	elements := f.elements(a)
	for i, s := range elements {
		for j, u := range elements {
			if i != j && s.LessEqual(u) {
				must(fmt.Errorf("elements %v of a frontier are comparable", elements))
			}
		}
	}
	var times []T
	for _, s := range universe {
		if f.lessEqualTime(a, s) {
			times = append(times, s)
		}
	}
	return times
}
