package core_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
)

// The corners of policies: lags beyond the upper, rounding, the last time, sealed
// collections, and combinations of these.
func TestFrontiersOfPolicies(t *testing.T) {
	const last = frontier.MaxTime
	lag := func(lag, granularity uint64) core.ReadPolicy { return must(core.LagBy(lag, granularity))(t) }
	all := func(policies ...core.ReadPolicy) core.ReadPolicy { return must(core.Multiple(policies...))(t) }
	back, from, at, empty := core.StepBack(), core.ValidFrom, frontier.At, frontier.Empty()
	for _, c := range []struct {
		policy core.ReadPolicy
		upper  frontier.Antichain
		want   frontier.Antichain
		isKept bool
	}{
		{core.ReadPolicy{}, at(9), at(0), false},
		{core.NoPolicy(at(7)), at(100), at(7), false},
		{core.NoPolicy(empty), at(5), empty, false},
		{from(at(5)), at(3), at(5), false},
		{from(at(5)), empty, at(5), false},
		{from(empty), at(9), empty, false},
		{back, empty, at(0), true},
		{back, at(0), at(0), false},
		{back, at(1), at(0), false},
		{back, at(10), at(9), false},
		{back, at(last), at(last - 1), false},
		{lag(0, 1000), at(7), at(7), false},
		{lag(0, 1000), empty, at(0), true},
		{lag(1, 1000), at(5500), at(5499), false},
		{lag(1000, 1000), at(999), at(0), false},
		{lag(1000, 1000), at(1999), at(0), false},
		{lag(1000, 1000), at(2000), at(1000), false},
		{lag(10000, 1000), at(10999), at(0), false},
		{lag(10000, 1000), at(15499), at(5000), false},
		{lag(500, 1000), at(2000), at(1500), false},
		{lag(3, 10), at(11), at(6), false},
		{lag(3, 10), at(12), at(9), false},
		{lag(10, 3), at(21), at(9), false},
		{lag(10, 3), at(22), at(12), false},
		{lag(last, 1000), at(last), at(0), false},
		{lag(1000, 1000), at(last), at(18446744073709550000), false},
		{lag(1000, 1000), empty, at(0), true},
		{all(from(at(5)), back), at(9), at(5), false},
		{all(from(at(5)), back), at(4), at(3), false},
		{all(from(empty), back), at(4), at(3), false},
		{all(from(empty), from(empty)), at(4), empty, false},
		{all(lag(10, 1), lag(3, 1)), at(20), at(10), false},
		{all(from(at(5)), back), empty, at(0), true},
	} {
		if got, isKept := c.policy.Frontier(c.upper); got != c.want || isKept != c.isKept {
			t.Errorf("%v at %v: got %v, kept %t, want %v, %t", c.policy, c.upper, got, isKept, c.want, c.isKept)
		}
	}
}

// Policies that would divide by zero, or drop a collection by accident, cannot be
// made.
func TestPoliciesWithoutMeaningAreRefused(t *testing.T) {
	if _, err := core.LagBy(5, 0); !errors.Is(err, core.ErrInvalidPolicy) {
		t.Errorf("granularity 0: got %v", err)
	}
	if _, err := core.Multiple(); !errors.Is(err, core.ErrInvalidPolicy) {
		t.Errorf("multiple of nothing: got %v", err)
	}
}

// A policy is what its constructor was given: it prints that, equals only its
// like, and cannot be changed from outside.
func TestPoliciesAreValues(t *testing.T) {
	members := []core.ReadPolicy{core.ValidFrom(frontier.At(5)), core.StepBack(), must(core.LagBy(10, 3))(t)}
	policy := must(core.Multiple(members...))(t)
	members[0] = core.StepBack()
	if got, want := policy.String(), "Multiple(ValidFrom({5}), StepBack(), LagBy(10, 3))"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	distinct := []core.ReadPolicy{
		{},
		core.NoPolicy(frontier.Empty()), core.ValidFrom(frontier.At(0)), core.StepBack(),
		must(core.LagBy(1, 1))(t), must(core.LagBy(1, 2))(t), must(core.LagBy(2, 1))(t),
		must(core.Multiple(core.StepBack()))(t), must(core.Multiple(core.StepBack(), core.StepBack()))(t), policy,
	}
	for i, a := range distinct {
		for j, b := range distinct {
			if a.Equal(b) != (i == j) || (a.String() == b.String()) != (i == j) {
				t.Errorf("%v equals %v: %t", a, b, a.Equal(b))
			}
		}
	}
	if !distinct[0].Equal(core.NoPolicy(frontier.At(0))) {
		t.Error("the zero value is not NoPolicy at {0}")
	}
}

// The implied capability would jump back and forth if policies did: where the
// upper is not {}, what they ask for moves on with it; the effective lag is within
// its bounds.
func TestPoliciesAreMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lag := rapid.OneOf(rapid.Uint64Range(0, 30), frontiertest.Time()).Draw(t, "lag")
		granularity := rapid.OneOf(rapid.Uint64Range(1, 10), rapid.Uint64Min(1)).Draw(t, "granularity")
		earlier, later := frontiertest.Time().Draw(t, "earlier"), frontiertest.Time().Draw(t, "later")
		earlier, later = min(earlier, later), max(earlier, later)
		lagging := must(core.LagBy(lag, granularity))(t)
		pinned := must(core.Multiple(lagging, core.ValidFrom(frontiertest.Antichain().Draw(t, "pin"))))(t)
		for _, policy := range []core.ReadPolicy{lagging, pinned, core.StepBack()} {
			a, _ := policy.Frontier(frontier.At(earlier))
			b, _ := policy.Frontier(frontier.At(later))
			if !a.LessEqual(b) {
				t.Fatalf("%v asks for %v at %d and %v at %d", policy, a, earlier, b, later)
			}
		}
		wanted, _ := lagging.Frontier(frontier.At(later))
		at, _ := wanted.Time()
		if effective := later - at; later >= lag && (effective < lag || lag > 0 && effective-lag >= granularity) {
			t.Fatalf("%v at %d lags by %d", lagging, later, effective)
		}
	})
}
