package faulty

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Faults decides which operations fail, for any number of wrapped stores.
type Faults struct {
	plan Plan

	mu   sync.Mutex //sim:allow native-lock because nothing parks while it is held
	late []landing
	rand *runtime.Rand // draws when live
}

// landing is an effect that is still to happen.
type landing struct {
	blob      blobCall
	consensus consensusCall
}

// New returns the faults of a plan. The seed is that of live draws; in a
// simulated world the world decides. The error wraps ErrPlan.
func New(plan Plan, seed uint64) (*Faults, error) {
	if err := plan.Validate(); err != nil {
		return nil, err
	}
	return &Faults{plan: plan, rand: runtime.NewRand(seed)}, nil
}

// draw returns a number in [0, n), 0 for nothing bad.
func (f *Faults) draw(rt *runtime.Runtime, site string, n int) int {
	if !rt.Live() {
		return rt.Choose("storage", site, n)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rand.IntN(n)
}

// pick returns the rule that fires for an operation, if one does.
func (f *Faults) pick(rt *runtime.Runtime, op Op, key string) (Rule, bool) {
	for _, r := range f.plan {
		if r.Op != op && r.Op != Any || !strings.HasPrefix(key, r.KeyPrefix) {
			continue
		}
		if f.draw(rt, string(op)+" "+string(r.Effect), r.OneIn) == r.OneIn-1 {
			return r, true
		}
	}
	return Rule{}, false
}

// take removes and returns a late effect whose time has come, if there is one.
func (f *Faults) take(rt *runtime.Runtime, match func(landing) bool) (landing, bool) {
	count := len(f.matching(match))
	if count == 0 {
		return landing{}, false
	}
	n := f.draw(rt, "landing", count+1)
	f.mu.Lock()
	defer f.mu.Unlock()
	candidates := f.matchingLocked(match)
	if n == 0 || n > len(candidates) { // live, others may have been faster
		return landing{}, false
	}
	i := candidates[n-1]
	l := f.late[i]
	f.late = slices.Delete(f.late, i, i+1)
	return l, true
}

// matching returns the places of the late effects that match.
func (f *Faults) matching(match func(landing) bool) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.matchingLocked(match)
}

func (f *Faults) matchingLocked(match func(landing) bool) (places []int) {
	for i, l := range f.late {
		if match(l) {
			places = append(places, i)
		}
	}
	return places
}

func (f *Faults) put(l landing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late = append(f.late, l)
}

// run carries out one operation under the plan. The operation itself is do;
// later is what may land late, empty for reads.
func (f *Faults) run(
	ctx context.Context, rt *runtime.Runtime, op Op, key string, do func(context.Context) error, later landing,
) error {
	rule, fires := f.pick(rt, op, key)
	if !fires || ctx.Err() != nil { // what is called after its end is not sent
		return do(ctx)
	}
	rt.FaultDelivered(string(rule.Effect))
	switch rule.Effect {
	case Stall:
		millis := int(rule.StallMax / time.Millisecond)
		if err := rt.Sleep(ctx, time.Duration(f.draw(rt, "stall", millis+1)+1)*time.Millisecond); err != nil {
			return fmt.Errorf("faulty: stalled %s %s: %w: %w", op, key, persist.ErrDeterminate, err)
		}
		return do(ctx)
	case Refuse:
		return fmt.Errorf("faulty: refused %s %s: %w", op, key, persist.ErrDeterminate)
	case FailAfter:
		if err := do(ctx); err != nil {
			return err
		}
	case Late:
		if op.writes() {
			f.put(later)
		}
	}
	return fmt.Errorf("faulty: no answer to %s %s: %w", op, key, persist.ErrIndeterminate)
}
