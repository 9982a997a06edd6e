package faulty

import (
	"bytes"
	"context"
	"errors"
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

	throttles map[throttled]int // how many operations each still refuses
	hits      map[keyed]int     // of rules with a maximum
	outages   []*outage
	isOver    bool // live; in a simulated world the choices say so
}

// landing is an effect that is still to happen.
type landing struct {
	blob      blobCall
	consensus consensusCall
	request   requestCall
}

// New returns the faults of a plan. The seed is that of live draws; in a
// simulated world the world decides. The error wraps ErrPlan.
func New(plan Plan, seed uint64) (*Faults, error) {
	if err := plan.Validate(); err != nil {
		return nil, err
	}
	return &Faults{
		plan: plan, rand: runtime.NewRand(seed), throttles: make(map[throttled]int),
		hits: make(map[keyed]int),
	}, nil
}

// End ends the faults of a live run: from here on nothing goes wrong, and nothing that is
// late happens any more. In a simulated world they end when the world quiesces.
func (f *Faults) End() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.isOver = true
}

// draw returns a number in [0, n), 0 for nothing bad.
func (f *Faults) draw(rt *runtime.Runtime, site string, n int) int {
	if !rt.Live() {
		return rt.Choose("storage", site, n)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isOver {
		return 0
	}
	return f.rand.IntN(n)
}

// pick returns the rule that fires for an operation, if one does.
func (f *Faults) pick(rt *runtime.Runtime, op Op, key string) (Rule, bool) {
	for i, r := range f.plan {
		if r.Op != op && r.Op != Any || !strings.HasPrefix(key, r.KeyPrefix) || !r.Effect.fits(op) {
			continue
		}
		if r.Effect == Throttle && f.isThrottled(i, rt) && !f.areOver(rt) {
			return r, true
		}
		if r.Max > 0 && f.count(i, rt, key, 0) >= r.Max {
			continue
		}
		if f.draw(rt, string(op)+" "+string(r.Effect), r.OneIn) == r.OneIn-1 {
			if r.Max > 0 {
				f.count(i, rt, key, 1)
			}
			if r.Effect == Throttle {
				f.throttle(i, rt, f.draw(rt, "throttle", throttledMax))
			}
			return r, true
		}
	}
	return Rule{}, false
}

// count returns how often a rule has hit a process at a key, after it has hit it some more.
func (f *Faults) count(rule int, rt *runtime.Runtime, key string, more int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	hit := keyed{throttled{rule, rt.Node(), rt.Incarnation()}, key}
	f.hits[hit] += more
	return f.hits[hit]
}

// keyed is a process that a rule with a maximum has hit at a key.
type keyed struct {
	throttled
	key string
}

// throttledMax is how many operations Throttle refuses at most.
const throttledMax = 8

// throttled is a process that a rule refuses.
type throttled struct {
	rule        int
	node        string
	incarnation uint64
}

func (f *Faults) throttle(rule int, rt *runtime.Runtime, count int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.throttles[throttled{rule, rt.Node(), rt.Incarnation()}] = count
}

// isThrottled counts an operation that a rule refuses because of an earlier one.
func (f *Faults) isThrottled(rule int, rt *runtime.Runtime) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := throttled{rule, rt.Node(), rt.Incarnation()}
	if f.throttles[key] == 0 {
		return false
	}
	f.throttles[key]--
	return true
}

// areOver reports whether the faults are over, after which every choice is 0: whoever is being
// throttled then is not any more. While they last it hardly ever does.
func (f *Faults) areOver(rt *runtime.Runtime) bool {
	if !rt.Live() {
		return rt.Choose("fault", "throttle goes on", 1<<20) == 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.isOver
}

// outage is a time in which operations find no store.
type outage struct {
	node string // empty for all
	ops  []Op
}

// Outage refuses operations, of all kinds if none is given, until end is called: those of
// one process, named as its runtime is, or of all if node is empty. Both may be called
// outside any task.
func (f *Faults) Outage(node string, ops ...Op) (end func()) {
	o := &outage{node, slices.Clone(ops)}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.outages = append(f.outages, o)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.outages = slices.DeleteFunc(f.outages, func(other *outage) bool { return other == o })
	}
}

// isOut reports whether an operation finds no store.
func (f *Faults) isOut(rt *runtime.Runtime, op Op) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.outages, func(o *outage) bool {
		return (o.node == "" || o.node == rt.Node()) && (len(o.ops) == 0 || slices.Contains(o.ops, op))
	})
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

// call is one operation of a process.
type call struct {
	op  Op
	key string
	do  func(context.Context) error
	// later is what may land late, empty for reads.
	later landing
	// alter changes the bytes that a read has returned; nil if there are none.
	alter func(change func([]byte) []byte)
	// isRemote is set if the store may take its time to answer after the effect.
	isRemote bool
	// slowly is do with a pause in the middle, of listings.
	slowly func(ctx context.Context, pause func(context.Context) error) error
}

// run carries out one operation under the plan.
func (f *Faults) run(ctx context.Context, rt *runtime.Runtime, c call) error {
	if ctx.Err() != nil { // what is called after its end is not sent
		return c.do(ctx)
	}
	if f.isOut(rt, c.op) {
		return fmt.Errorf("faulty: no store for %s %s: %w", c.op, c.key, persist.ErrDeterminate)
	}
	rule, fires := f.pick(rt, c.op, c.key)
	if !fires {
		return c.do(ctx)
	}
	rt.FaultDelivered(string(rule.Effect))
	switch rule.Effect {
	case Stall:
		return f.runStalled(ctx, rt, rule, c)
	case Slow:
		return c.slowly(ctx, func(ctx context.Context) error { return f.stall(ctx, rt, rule) })
	case Refuse, Throttle, Conflict:
		return &failedError{rule.Effect, c.op, c.key, "refused", persist.ErrDeterminate}
	case Duplicate:
		err := c.do(ctx)
		if !errors.Is(err, persist.ErrDeterminate) { // what was not sent has no copy
			f.put(c.later) // not before: a mismatch is final, so the copy of its request may not come first
		}
		return err
	case Flip, Cut:
		return f.garble(ctx, rt, rule.Effect, c)
	case FailAfter:
		if err := c.do(ctx); err != nil {
			return err
		}
	case Late:
		if c.op.writes() {
			f.put(c.later)
		}
	}
	return &failedError{rule.Effect, c.op, c.key, "no answer to", persist.ErrIndeterminate}
}

// failedError is what an operation gets that a rule has hit.
type failedError struct {
	effect Effect
	op     Op
	key    string
	what   string
	class  error // whether it has had its effect
}

func (e *failedError) Error() string {
	return fmt.Sprintf("faulty: %s %s %s: %v", e.what, e.op, e.key, e.class)
}

func (e *failedError) Unwrap() error { return e.class }

// runStalled carries out an operation that takes its time, before it happens or, if it is a
// remote one, maybe after.
func (f *Faults) runStalled(ctx context.Context, rt *runtime.Runtime, rule Rule, c call) error {
	if c.isRemote && f.draw(rt, "stalled answer", 2) == 1 {
		if err := c.do(ctx); err != nil {
			return err
		}
		if err := f.stall(ctx, rt, rule); err != nil {
			return fmt.Errorf("faulty: answer to %s %s stalled: %w: %w", c.op, c.key, persist.ErrIndeterminate, err)
		}
		return nil
	}
	if err := f.stall(ctx, rt, rule); err != nil {
		return fmt.Errorf("faulty: stalled %s %s: %w: %w", c.op, c.key, persist.ErrDeterminate, err)
	}
	return c.do(ctx)
}

// stall lets as much time pass as is drawn.
func (f *Faults) stall(ctx context.Context, rt *runtime.Runtime, rule Rule) error {
	millis := int(rule.StallMax / time.Millisecond)
	return rt.Sleep(ctx, time.Duration(f.draw(rt, "stall", millis+1)+1)*time.Millisecond)
}

// garble reads, and returns something else.
func (f *Faults) garble(ctx context.Context, rt *runtime.Runtime, effect Effect, c call) error {
	if err := c.do(ctx); err != nil {
		return err
	}
	c.alter(func(body []byte) []byte {
		if len(body) == 0 {
			return body
		}
		body = bytes.Clone(body)
		if effect == Cut {
			return body[:f.draw(rt, "cut", len(body))]
		}
		bit := f.draw(rt, "flip", 8*len(body))
		body[bit/8] ^= 1 << (bit % 8)
		return body
	})
	return nil
}
