package frontier_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/internal/partial"
)

// algebra is an implementation of frontiers F over times T, so that one table,
// one vector and one law serve both package frontier and its model.
type algebra[T partial.Time[T], F any] struct {
	of            func(times ...T) F
	elements      func(a F) []T // in the order of Compare
	insert        func(a F, times ...T) (result F, changed bool)
	lessEqual     func(a, b F) bool
	lessThan      func(a, b F) bool
	equal         func(a, b F) bool
	join, meet    func(a, b F) F
	lessEqualTime func(a F, t T) bool
	lessThanTime  func(a F, t T) bool
	advanceTime   func(a F, t T) T
}

// specialised is package frontier.
func specialised() algebra[partial.Uint64, frontier.Antichain] {
	type F = frontier.Antichain
	type T = partial.Uint64
	insert := func(a F, times ...T) (F, bool) {
		before := a
		for _, t := range times {
			a = a.Insert(uint64(t))
		}
		return a, a != before
	}
	return algebra[T, F]{
		of: func(times ...T) F {
			a, _ := insert(frontier.Empty(), times...)
			return a
		},
		elements: func(a F) []T {
			var elements []T
			for t := range a.Elements() {
				elements = append(elements, T(t))
			}
			return elements
		},
		insert:        insert,
		lessEqual:     F.LessEqual,
		lessThan:      F.LessThan,
		equal:         F.Equal,
		join:          F.Join,
		meet:          F.Meet,
		lessEqualTime: func(a F, t T) bool { return a.LessEqualTime(uint64(t)) },
		lessThanTime:  func(a F, t T) bool { return a.LessThanTime(uint64(t)) },
		advanceTime:   func(a F, t T) T { return T(a.AdvanceTime(uint64(t))) },
	}
}

// model is the generic model.
func model[T partial.Time[T]]() algebra[T, partial.Antichain[T]] {
	type F = partial.Antichain[T]
	return algebra[T, F]{
		of:       partial.Of[T],
		elements: F.Elements,
		insert: func(a F, times ...T) (F, bool) {
			result := a.Clone()
			changed := result.Extend(times...)
			return result, changed
		},
		lessEqual:     F.LessEqual,
		lessThan:      F.LessThan,
		equal:         F.Equal,
		join:          F.Join,
		meet:          F.Meet,
		lessEqualTime: F.LessEqualTime,
		lessThanTime:  F.LessThanTime,
		advanceTime:   F.AdvanceTime,
	}
}

// counter is an implementation of counted times.
type counter[T partial.Time[T]] interface {
	apply(changes ...partial.Change[T]) (moved []partial.Change[T])
	frontier() []T
	counts() []partial.Change[T]
	check() error
}

// specialisedCounter is package frontier.
type specialisedCounter struct{ antichain frontier.MutableAntichain }

func (c *specialisedCounter) apply(changes ...partial.Change[partial.Uint64]) []partial.Change[partial.Uint64] {
	var batch frontier.ChangeBatch
	for _, change := range changes {
		must(batch.Update(uint64(change.Time), change.Diff))
	}
	moved, err := c.antichain.Apply(&batch)
	must(err)
	return collect(moved.All())
}

func (c *specialisedCounter) frontier() []partial.Uint64 {
	return specialised().elements(c.antichain.Frontier())
}

func (c *specialisedCounter) counts() []partial.Change[partial.Uint64] {
	return collect(c.antichain.Counts())
}

func (c *specialisedCounter) check() error { return c.antichain.Check() }

// collect returns changes in the words of the model.
func collect(changes func(yield func(uint64, int64) bool)) []partial.Change[partial.Uint64] {
	var collected []partial.Change[partial.Uint64]
	for t, diff := range changes {
		collected = append(collected, partial.Change[partial.Uint64]{Time: partial.Uint64(t), Diff: diff})
	}
	return collected
}

// modelCounter is the generic model.
type modelCounter[T partial.Time[T]] struct{ antichain partial.MutableAntichain[T] }

func (c *modelCounter[T]) apply(changes ...partial.Change[T]) []partial.Change[T] {
	return c.antichain.Apply(changes...)
}

func (c *modelCounter[T]) frontier() []T { return c.antichain.Frontier().Elements() }

func (c *modelCounter[T]) counts() []partial.Change[T] { return c.antichain.Counts() }

func (c *modelCounter[T]) check() error { return c.antichain.Check() }

// expect compares an answer with what it should be.
func expect[V comparable](t *testing.T, what string, got, want V) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// expectTimes compares the elements of frontiers, in whatever order.
func expectTimes[T partial.Time[T]](t *testing.T, what string, got, want []T) {
	t.Helper()
	want = slices.SortedFunc(slices.Values(want), T.Compare)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// expectChanges compares changes in the order in which they are handed out.
func expectChanges[T partial.Time[T]](t *testing.T, what string, got, want []partial.Change[T]) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
