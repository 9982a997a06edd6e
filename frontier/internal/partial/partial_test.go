package partial_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier/internal/partial"
)

// The model is what package frontier is compared with, so it is compared itself,
// over pairs, with nothing but definitions. Its algebra of frontiers is tested
// together with that of package frontier.

func anyPair() *rapid.Generator[partial.Pair] {
	return rapid.Custom(func(t *rapid.T) partial.Pair {
		component := rapid.Uint64Range(0, 4)
		return partial.Pair{First: component.Draw(t, "first"), Second: component.Draw(t, "second")}
	})
}

func anyChange() *rapid.Generator[partial.Change[partial.Pair]] {
	return rapid.Custom(func(t *rapid.T) partial.Change[partial.Pair] {
		return partial.Change[partial.Pair]{
			Time: anyPair().Draw(t, "time"),
			Diff: rapid.Int64Range(-3, 3).Draw(t, "diff"),
		}
	})
}

// sums is the definition of a batch and of counts.
type sums map[partial.Pair]int64

func (s sums) add(changes ...partial.Change[partial.Pair]) {
	for _, c := range changes {
		if s[c.Time] += c.Diff; s[c.Time] == 0 {
			delete(s, c.Time)
		}
	}
}

func (s sums) changes() []partial.Change[partial.Pair] {
	var changes []partial.Change[partial.Pair]
	for _, time := range slices.SortedFunc(maps.Keys(s), partial.Pair.Compare) {
		changes = append(changes, partial.Change[partial.Pair]{Time: time, Diff: s[time]})
	}
	return changes
}

// frontier returns the positive times that no other positive time comes before.
func (s sums) frontier() []partial.Pair {
	isMinimal := func(time partial.Pair) bool {
		for other, count := range s {
			if count > 0 && other != time && other.LessEqual(time) {
				return false
			}
		}
		return s[time] > 0
	}
	times := slices.SortedFunc(maps.Keys(s), partial.Pair.Compare)
	return slices.DeleteFunc(times, func(time partial.Pair) bool { return !isMinimal(time) })
}

// Compare must extend LessEqual, and Join and Meet must be bounds, or nothing
// above them means anything.
func TestPairIsALatticeOfTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyPair().Draw(t, "a"), anyPair().Draw(t, "b"), anyPair().Draw(t, "c")
		if a.LessEqual(b) && a.Compare(b) > 0 {
			t.Fatalf("%v <= %v, but Compare is %d", a, b, a.Compare(b))
		}
		if (a.Compare(b) == 0) != (a == b) || a.Compare(b) != -b.Compare(a) {
			t.Fatalf("Compare of %v and %v is %d", a, b, a.Compare(b))
		}
		if a.Join(b).LessEqual(c) != (a.LessEqual(c) && b.LessEqual(c)) {
			t.Fatalf("join of %v and %v is no least upper bound beside %v", a, b, c)
		}
		if c.LessEqual(a.Meet(b)) != (c.LessEqual(a) && c.LessEqual(b)) {
			t.Fatalf("meet of %v and %v is no greatest lower bound beside %v", a, b, c)
		}
		if (partial.Pair{}).LessEqual(a) == false {
			t.Fatalf("the zero value is not at most %v", a)
		}
	})
}

// An antichain never keeps an element that another one implies.
func TestAntichainStaysMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(anyPair(), 0, 10).Draw(t, "times")
		a := partial.Of(times...)
		if err := a.Check(); err != nil {
			t.Fatal(err)
		}
		present := sums{}
		for _, time := range times {
			present[time] = 1
		}
		if !slices.Equal(a.Elements(), present.frontier()) {
			t.Fatalf("%v of %v, want %v", a, times, present.frontier())
		}
	})
}

// When a batch compacts is its own affair: what it holds is the sum of changes.
func TestChangeBatchIsTheSumOfItsChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var batch partial.ChangeBatch[partial.Pair]
		want := sums{}
		t.Repeat(map[string]func(*rapid.T){
			"extend": func(t *rapid.T) {
				changes := rapid.SliceOfN(anyChange(), 0, 40).Draw(t, "changes")
				batch.Extend(changes...)
				want.add(changes...)
			},
			"is empty": func(t *rapid.T) {
				if batch.IsEmpty() != (len(want) == 0) {
					t.Fatalf("is empty: %t, want %v", batch.IsEmpty(), want)
				}
			},
			"drain": func(t *rapid.T) {
				if got := batch.Drain(); !slices.Equal(got, want.changes()) {
					t.Fatalf("drained %v, want %v", got, want.changes())
				}
				want = sums{}
			},
			"": func(t *rapid.T) {
				if err := batch.Check(); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

// The rule that saves rebuilds must never save one that was needed.
func TestMutableAntichainHasTheFrontierOfItsCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var antichain partial.MutableAntichain[partial.Pair]
		want := sums{}
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			changes := rapid.SliceOfN(anyChange(), 0, 6).Draw(t, "changes")
			wantMoved := sums{}
			for _, time := range want.frontier() {
				wantMoved[time]--
			}
			want.add(changes...)
			for _, time := range want.frontier() {
				wantMoved.add(partial.Change[partial.Pair]{Time: time, Diff: +1})
			}
			if moved := antichain.Apply(changes...); !slices.Equal(moved, wantMoved.changes()) {
				t.Fatalf("moved by %v, want %v", moved, wantMoved.changes())
			}
			if got := antichain.Frontier().Elements(); !slices.Equal(got, want.frontier()) {
				t.Fatalf("frontier %v, want %v", got, want.frontier())
			}
			if time := anyPair().Draw(t, "time"); antichain.Count(time) != want[time] {
				t.Fatalf("count %d at %v, want %d", antichain.Count(time), time, want[time])
			}
			if err := antichain.Check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
