package ordered_test

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/ordered"
)

type number uint64

func (n number) Compare(other number) int { return cmp.Compare(n, other) }

type numbers = ordered.Map[number, string]

func one(key number, value string) iter.Seq2[number, *string] {
	return func(yield func(number, *string) bool) { yield(key, &value) }
}

func none(key number) iter.Seq2[number, *string] {
	return func(yield func(number, *string) bool) { yield(key, nil) }
}

// The twin of a Map is a Go map that is copied whole for every version. The test
// keeps all versions to the end, so a change that leaked into an older one shows.
func TestEveryVersionStaysAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		versions := []numbers{{}}
		twins := []map[number]string{{}}
		for range rapid.IntRange(1, 200).Draw(t, "changes") {
			from := rapid.IntRange(0, len(versions)-1).Draw(t, "from")
			key := number(rapid.Uint64Range(0, 80).Draw(t, "key"))
			twin := maps.Clone(twins[from])
			change := none(key)
			if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
				delete(twin, key)
			} else {
				value := rapid.StringN(0, 3, 3).Draw(t, "value")
				twin[key], change = value, one(key, value)
			}
			versions = append(versions, versions[from].Updated(change))
			twins = append(twins, twin)
		}
		for i, version := range versions {
			requireEqual(t, version, twins[i])
		}
	})
}

func requireEqual(t *rapid.T, version numbers, twin map[number]string) {
	keys := slices.Sorted(maps.Keys(twin))
	if got := slices.Collect(seqKeys(version.All())); !slices.Equal(got, keys) {
		t.Fatalf("keys are %v, want %v", got, keys)
	}
	if got := maps.Collect(version.All()); !gocmp.Equal(got, twin) {
		t.Fatalf("wrong entries (-want +got):\n%s", gocmp.Diff(twin, got))
	}
	if version.Len() != len(twin) {
		t.Fatalf("Len is %d, want %d", version.Len(), len(twin))
	}
	for place, key := range keys {
		if at, value := version.At(place); at != key || *value != twin[key] {
			t.Fatalf("At(%d) is %d", place, at)
		}
	}
	for key := number(0); key <= 81; key++ {
		want, isThere := twin[key]
		if got, ok := version.Get(key); ok != isThere || got != want {
			t.Fatalf("Get(%d) is %q, %t; want %q, %t", key, got, ok, want, isThere)
		}
	}
	if len(keys) == 0 {
		return
	}
	if first, _ := version.First(); first != keys[0] {
		t.Fatalf("First is %d, want %d", first, keys[0])
	}
	if last, _ := version.Last(); last != keys[len(keys)-1] {
		t.Fatalf("Last is %d, want %d", last, keys[len(keys)-1])
	}
}

func seqKeys(entries iter.Seq2[number, string]) iter.Seq[number] {
	return func(yield func(number) bool) {
		for key := range entries {
			if !yield(key) {
				return
			}
		}
	}
}

// The zero value has to work: State is compared with, and built from, a zero
// State.
func TestZeroMapIsEmpty(t *testing.T) {
	var m numbers
	_, first := m.First()
	_, last := m.Last()
	if m.Len() != 0 || m.Lookup(1) != nil || first != nil || last != nil {
		t.Errorf("zero map: Len %d, Lookup %v, First %v, Last %v", m.Len(), m.Lookup(1), first, last)
	}
	for range m.All() {
		t.Error("zero map has an entry")
	}
	if m = m.Updated(none(1)); m.Len() != 0 {
		t.Errorf("removing from a zero map leaves %d entries", m.Len())
	}
}

func TestAtIsNilOutside(t *testing.T) {
	m := numbers{}.Updated(one(1, "x"))
	for _, place := range []int{-1, 1, 1000} {
		if _, value := m.At(place); value != nil {
			t.Errorf("At(%d) of a map with one entry is %q", place, *value)
		}
	}
}

func TestIterationStopsEarly(t *testing.T) {
	m := numbers{}.Updated(one(1, "x")).Updated(one(2, "y"))
	count := 0
	for range m.All() {
		count++
		break
	}
	if count != 1 {
		t.Errorf("the loop body ran %d times, want 1", count)
	}
}

// Two tasks may build a candidate on the same shared version while others read
// it; under -race this fails if deriving a version writes to the one it starts
// from.
func TestVersionsMayBeDerivedConcurrently(t *testing.T) {
	base := numbers{}
	for key := range number(300) {
		base = base.Updated(one(key, fmt.Sprint(key)))
	}
	var group sync.WaitGroup
	for worker := range number(4) {
		group.Go(func() {
			mine := base
			for range 5_000 {
				base.Updated(one(0, "")) // again and again from the shared version
			}
			for key := range number(300) {
				mine = mine.Updated(one(key, fmt.Sprint(worker)))
			}
			for key, value := range mine.All() {
				if value != fmt.Sprint(worker) {
					t.Errorf("worker %d found %q at %d", worker, value, key)
				}
			}
		})
	}
	group.Wait()
	for key, value := range base.All() {
		if value != fmt.Sprint(key) {
			t.Errorf("the shared version changed: %q at %d", value, key)
		}
	}
}

// Each map grows by a hundred entries at a time, so that the rare appends that
// reach the tree weigh in as they do in practice.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []number{10, 1_000, 100_000} {
		b.Run(fmt.Sprintf("entries=%d", size), func(b *testing.B) {
			base := numbers{}
			for key := range size {
				base = base.Updated(one(key, ""))
			}
			b.ReportAllocs()
			grown, next := base, size
			for b.Loop() {
				grown = grown.Updated(one(next, ""))
				if next++; next == size+100 {
					grown, next = base, size
				}
			}
		})
	}
}
