package faulty

import (
	"context"
	"fmt"
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
	f.mu.Lock()
	var candidates []int
	for i, l := range f.late {
		if match(l) {
			candidates = append(candidates, i)
		}
	}
	f.mu.Unlock()
	if len(candidates) == 0 {
		return landing{}, false
	}
	i := f.draw(rt, "landing", len(candidates)+1)
	if i == 0 {
		return landing{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.late[candidates[i-1]]
	f.late = append(f.late[:candidates[i-1]:candidates[i-1]], f.late[candidates[i-1]+1:]...)
	return l, true
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
	if !fires {
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
