package collections_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
)

// from is the policy that keeps what is at or beyond a time.
func from(t uint64) collections.ReadPolicy { return collections.ValidFrom(frontier.At(t)) }

// TestPoliciesOfUnknownCollectionsSetNone protects against one half of a call.
func TestPoliciesOfUnknownCollectionsSetNone(t *testing.T) {
	live(t, func(w *world) {
		p := w.open()
		defer p.stop()
		p.create(described(u1))
		err := p.unchanged("set", func() error {
			return second(p.SetReadPolicies(w.ctx, collections.PolicyChange{ID: u1, Policy: from(5)},
				collections.PolicyChange{ID: u99, Policy: from(5)}, collections.PolicyChange{Policy: from(5)}))
		})
		if missing := wantAs[*collections.CollectionMissingError](w, "set", err); missing.ID != u99 {
			t.Errorf("%v is not about %v", err, u99)
		}
		if withheld, err := p.SetReadPolicies(w.ctx); withheld != nil || err != nil {
			t.Error(withheld, err)
		}
		ended, cancel := context.WithCancel(w.ctx)
		cancel()
		w.want("no time", p.unchanged("no time", func() error {
			return second(p.SetReadPolicies(ended, collections.PolicyChange{ID: u1, Policy: from(5)}))
		}), context.Canceled)
	})
}

// TestPoliciesWithoutSenseCannotBeMade protects against a division by zero and against
// policies that keep nothing.
func TestPoliciesWithoutSenseCannotBeMade(t *testing.T) {
	live(t, func(w *world) {
		w.want("lag", second(collections.LagBy(5, 0)), collections.ErrInvalidPolicy)
		w.want("multiple", second(collections.Multiple()), collections.ErrInvalidPolicy)
		w.must(second(collections.LagBy(0, 1)))
		w.must(second(collections.Multiple(collections.ReadPolicy{})))
	})
}

// TestThePolicyFollowsTheUpper protects what a policy is for: history is given up as the
// collection goes on, durably, and not before.
func TestThePolicyFollowsTheUpper(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1), described(u2), described(u3))
		lag, err := collections.LagBy(5, 1)
		w.must(err)
		both, err := collections.Multiple(lag, collections.StepBack())
		w.must(err)
		for i, policy := range []collections.ReadPolicy{lag, collections.StepBack(), both} {
			p.append(p.IDs()[i], "x", 0, 20)
			p.setPolicy(p.IDs()[i], policy)
		}
		wanted := map[collections.GlobalID]uint64{u1: 15, u2: 19, u3: 15}
		p.await("policies took effect", func(seen collections.Inspection) bool {
			isDone := true
			for _, one := range seen.Collections {
				isDone = isDone && one.Upper == frontier.At(20) && one.Durable == frontier.At(wanted[one.ID])
			}
			return isDone
		})
		for _, one := range p.Inspect().Collections {
			f := collections.Frontiers{ID: one.ID, Upper: frontier.At(20)}
			f.Implied, f.Read = frontier.At(wanted[one.ID]), frontier.At(wanted[one.ID])
			if diff := cmp.Diff(f, one.Frontiers); diff != "" || p.stored(one.Shard) != f.Read {
				w.Errorf("durable %v (-want +got):\n%s", p.stored(one.Shard), diff)
			}
		}
		p.stop()
	})
}

// TestAPolicyThatAsksForThePastIsWithheld protects callers from thinking that history
// comes back; the policy waits until it asks for more.
func TestAPolicyThatAsksForThePastIsWithheld(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		if withheld := p.setPolicy(u1, from(10)); len(withheld) > 0 {
			w.Errorf("withheld %v", withheld)
		}
		lag, err := collections.LagBy(5, 1)
		w.must(err)
		want := []collections.Withheld{{ID: u1, Wanted: frontier.At(0), Implied: frontier.At(10)}}
		if diff := cmp.Diff(want, p.setPolicy(u1, lag)); diff != "" {
			w.Errorf("(-want +got):\n%s", diff)
		}
		p.append(u1, "x", 0, 12)
		if p.one(u1).Implied != frontier.At(10) {
			w.Errorf("implied is %v", p.one(u1).Implied)
		}
		p.append(u1, "y", 12, 30)
		p.await("the policy", func(collections.Inspection) bool { return p.one(u1).Durable == frontier.At(25) })
		p.stop()
	})
}

// TestRepeatedIDsTakeEffectInTurn protects against the sum of two changes in which one
// has replaced the other; and all of a call becomes visible in one moment.
func TestRepeatedIDsTakeEffectInTurn(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		withheld, err := p.SetReadPolicies(w.ctx, collections.PolicyChange{ID: u1, Policy: from(12)},
			collections.PolicyChange{ID: u1, Policy: from(15)}, collections.PolicyChange{ID: u1, Policy: from(14)})
		w.must(err)
		if len(withheld) != 1 || withheld[0].Wanted != frontier.At(14) {
			w.Errorf("withheld %v", withheld)
		}
		p.settle()
		told, _ := p.steps.Get()
		for _, seen := range told {
			for _, one := range seen.Collections {
				if one.Implied != frontier.At(0) && one.Implied != frontier.At(15) {
					w.Errorf("%v was visible", one.Implied)
				}
			}
		}
		if one := p.one(u1); one.Read != frontier.At(15) || !one.Policy.Equal(from(14)) {
			w.Errorf("got %+v", one)
		}
		p.stop()
	})
}

// TestPoliciesEndWithTheirProcess protects the next process from what it has not set;
// what was given up stays so.
func TestPoliciesEndWithTheirProcess(t *testing.T) {
	everywhere(t, func(w *world) {
		p := w.open()
		p.create(described(u1))
		p.setPolicy(u1, from(10))
		p.stop() // makes it durable
		q := w.open()
		if one := q.one(u1); one.Implied != frontier.At(10) || !one.Policy.Equal(collections.ReadPolicy{}) {
			w.Errorf("got %+v", one)
		}
		q.stop()
	})
}
