package frontier_test

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
	"github.com/tidemarkdb/tidemark/frontier/internal/partial"
)

// Laws hold for all frontiers: the tables show what they mean, and only the laws
// say that nothing was forgotten.

func TestLawsOfSpecialisedFrontiers(t *testing.T) {
	times := rapid.Map(frontiertest.Time(), func(t uint64) partial.Uint64 { return partial.Uint64(t) })
	testLaws(t, specialised(), frontiertest.Antichain(), times)
}

func TestLawsOfModelFrontiersOverUint64(t *testing.T) {
	times := rapid.Map(frontiertest.Time(), func(t uint64) partial.Uint64 { return partial.Uint64(t) })
	frontiers := rapid.Map(rapid.SliceOfN(times, 0, 2), func(ts []partial.Uint64) partial.Antichain[partial.Uint64] {
		return partial.Of(ts...)
	})
	testLaws(t, model[partial.Uint64](), frontiers, times)
}

func TestLawsOfModelFrontiersOverPairs(t *testing.T) {
	component := rapid.Uint64Range(0, 5)
	times := rapid.Custom(func(t *rapid.T) partial.Pair {
		return partial.Pair{First: component.Draw(t, "first"), Second: component.Draw(t, "second")}
	})
	frontiers := rapid.Map(rapid.SliceOfN(times, 0, 5), func(ts []partial.Pair) partial.Antichain[partial.Pair] {
		return partial.Of(ts...)
	})
	testLaws(t, model[partial.Pair](), frontiers, times)
}

func testLaws[T partial.Time[T], F any](
	t *testing.T, f algebra[T, F], frontiers *rapid.Generator[F], times *rapid.Generator[T],
) {
	laws := orderLaws(f)
	maps.Copy(laws, latticeLaws(f))
	for name, law := range laws {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			a, b, c := frontiers.Draw(t, "a"), frontiers.Draw(t, "b"), frontiers.Draw(t, "c")
			if !law(a, b, c) {
				t.Fatalf("broken for %v, %v, %v", a, b, c)
			}
		}))
	}
	for name, law := range timeLaws(f) {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			a, s, u := frontiers.Draw(t, "a"), times.Draw(t, "s"), times.Draw(t, "u")
			if !law(a, s, u) {
				t.Fatalf("broken for %v, %v, %v", a, s, u)
			}
		}))
	}
}

func orderLaws[T partial.Time[T], F any](f algebra[T, F]) map[string]func(a, b, c F) bool {
	var minimum T
	bottom, top := f.of(minimum), f.of()
	return map[string]func(a, b, c F) bool{
		"reflexive":        func(a, _, _ F) bool { return f.lessEqual(a, a) },
		"antisymmetric":    func(a, b, _ F) bool { return f.equal(a, b) == (f.lessEqual(a, b) && f.lessEqual(b, a)) },
		"transitive":       func(a, b, c F) bool { return !f.lessEqual(a, b) || !f.lessEqual(b, c) || f.lessEqual(a, c) },
		"strict":           func(a, b, _ F) bool { return f.lessThan(a, b) == (f.lessEqual(a, b) && !f.equal(a, b)) },
		"bottom is {0}":    func(a, _, _ F) bool { return f.lessEqual(bottom, a) },
		"top is {}":        func(a, _, _ F) bool { return f.lessEqual(a, top) },
		"nothing past top": func(a, _, _ F) bool { return f.lessEqual(top, a) == f.equal(top, a) },
	}
}

func latticeLaws[T partial.Time[T], F any](f algebra[T, F]) map[string]func(a, b, c F) bool {
	return map[string]func(a, b, c F) bool{
		"join commutes":   func(a, b, _ F) bool { return f.equal(f.join(a, b), f.join(b, a)) },
		"meet commutes":   func(a, b, _ F) bool { return f.equal(f.meet(a, b), f.meet(b, a)) },
		"join associates": func(a, b, c F) bool { return f.equal(f.join(a, f.join(b, c)), f.join(f.join(a, b), c)) },
		"meet associates": func(a, b, c F) bool { return f.equal(f.meet(a, f.meet(b, c)), f.meet(f.meet(a, b), c)) },
		"join idempotent": func(a, _, _ F) bool { return f.equal(f.join(a, a), a) },
		"meet idempotent": func(a, _, _ F) bool { return f.equal(f.meet(a, a), a) },
		"join absorbs":    func(a, b, _ F) bool { return f.equal(f.join(a, f.meet(a, b)), a) },
		"meet absorbs":    func(a, b, _ F) bool { return f.equal(f.meet(a, f.join(a, b)), a) },
		"join distributes": func(a, b, c F) bool {
			return f.equal(f.join(a, f.meet(b, c)), f.meet(f.join(a, b), f.join(a, c)))
		},
		"join tells order": func(a, b, _ F) bool { return f.lessEqual(a, b) == f.equal(f.join(a, b), b) },
		"meet tells order": func(a, b, _ F) bool { return f.lessEqual(a, b) == f.equal(f.meet(a, b), a) },
		"ratchet":          func(a, b, _ F) bool { return f.lessEqual(a, f.join(a, b)) },
	}
}

func timeLaws[T partial.Time[T], F any](f algebra[T, F]) map[string]func(a F, s, u T) bool {
	return map[string]func(a F, s, u T) bool{
		"time as frontier": func(a F, s, _ T) bool { return f.lessEqualTime(a, s) == f.lessEqual(a, f.of(s)) },
		"strictly beyond":  func(a F, s, _ T) bool { return !f.lessThanTime(a, s) || f.lessEqualTime(a, s) },
		"insert is meet": func(a F, s, u T) bool {
			result, _ := f.insert(a, s, u)
			return f.equal(result, f.meet(a, f.of(s, u)))
		},
		"insert tells change": func(a F, s, u T) bool {
			result, changed := f.insert(a, s, u)
			return changed == !f.equal(result, a)
		},
		"advanced cannot be told": func(a F, s, u T) bool {
			return !f.lessEqualTime(a, s) || u.LessEqual(s) == f.advanceTime(a, u).LessEqual(s)
		},
		"advanced is greatest": func(a F, s, u T) bool {
			isSame := f.advanceTime(a, s) == f.advanceTime(a, u)
			return !isSame || s.LessEqual(f.advanceTime(a, u))
		},
		"advancing again does nothing": func(a F, s, _ T) bool {
			advanced := f.advanceTime(a, s)
			return f.advanceTime(a, advanced) == advanced
		},
	}
}

// The shortcuts that a total order permits, for package frontier alone.
func TestLawsOfTotallyOrderedFrontiers(t *testing.T) {
	for name, law := range map[string]func(a, b frontier.Antichain, s uint64) bool{
		"any two compare": func(a, b frontier.Antichain, _ uint64) bool { return a.LessEqual(b) || b.LessEqual(a) },
		"join is one of both": func(a, b frontier.Antichain, _ uint64) bool {
			return a.Join(b) == a || a.Join(b) == b
		},
		"join and meet share out": func(a, b frontier.Antichain, _ uint64) bool {
			return a.Join(b) == a && a.Meet(b) == b || a.Join(b) == b && a.Meet(b) == a
		},
		"strictly beyond": func(a, _ frontier.Antichain, s uint64) bool {
			return a.LessThanTime(s) == a.LessThan(frontier.At(s))
		},
		"not at or beyond is before": func(a, _ frontier.Antichain, s uint64) bool {
			return a.LessEqualTime(s) == !frontier.At(s).LessThan(a)
		},
		"== is Equal": func(a, b frontier.Antichain, _ uint64) bool { return (a == b) == a.Equal(b) },
	} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			a := frontiertest.Antichain().Draw(t, "a")
			b := frontiertest.Antichain().Draw(t, "b")
			s := frontiertest.Time().Draw(t, "s")
			if !law(a, b, s) {
				t.Fatalf("broken for %v, %v, %d", a, b, s)
			}
		}))
	}
}
