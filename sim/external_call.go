package sim

import (
	"context"
	"fmt"
	goruntime "runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// outside is what a world knows of calls that leave it.
type outside struct {
	run    context.Context // of Run
	active atomic.Bool     // a call is under way, for the watchdog
	places places
	known  map[place]External // from a tape or a script
	strict bool               // a tape is followed: nothing else may be called
	record []External
	size   int
	stack  string // of the last panic
}

// prepare takes over what a tape or a script knows.
func (o *outside) prepare(c Config) {
	var all []External
	switch {
	case c.Replay != nil:
		all, o.strict = c.Replay.Externals, true
	case c.Script != nil:
		all = c.Script.Externals
	}
	o.known = make(map[place]External, len(all))
	for _, e := range all {
		o.known[e.place()] = e
	}
}

var _ runtime.ExternalScheduler = (*life)(nil)

// External implements [runtime.ExternalScheduler]. What it does in the kernel comes after
// all that the task did, and before whatever it does next: calls that leave the world are
// in an order.
//
//go:norace
func (l *life) External(name string, f func(ctx context.Context) ([]byte, error)) ([]byte, error) {
	k := l.kernel
	var at place
	var end outcome
	isKnown := false
	k.join(func() { at, end, isKnown = k.remembered(name) })
	if !isKnown {
		end = k.callOutside(name, f)
	}
	e := &end.External
	e.Task, e.Name, e.Count = at.task, name, at.point
	k.join(func() { k.noteExternal(e) })
	switch e.Kind {
	case ExternalPanic:
		panic(end.panicked)
	case ExternalGoexit:
		goruntime.Goexit()
	}
	return e.answer()
}

// remembered returns what the record has of a call. Where a tape is followed, a call that
// is not on it ends the run.
func (k *kernel) remembered(name string) (at place, end outcome, isKnown bool) {
	o := &k.outside
	if o.places.kernel == nil {
		o.places = newPlaces(k)
	}
	at = o.places.draw(externalStream, name)
	known, isKnown := o.known[at]
	if !isKnown && o.strict && (k.config.LeaveAt == 0 || k.steps < k.config.LeaveAt) {
		k.end(Verdict{Kind: Diverged, Message: fmt.Sprintf("the tape has no answer of external %q, call %d of %s",
			name, at.point, at.task)})
		k.stopCurrent()
	}
	return at, outcome{External: known, panicked: known.Text}, isKnown
}

// noteExternal takes an answer into the record, the hash and the story.
func (k *kernel) noteExternal(e *External) {
	o := &k.outside
	switch {
	case e.Kind == ExternalSize:
	case o.size+e.size() > ExternalSizeMax:
		e.Kind, e.Text, e.Result = ExternalSize, "", nil
	default:
		o.size += e.size()
	}
	o.record = append(o.record, *e)
	k.hash = mix(k.hash, xxhash.Sum64String(string(e.Kind))^xxhash.Sum64String(e.Text), xxhash.Sum64(e.Result))
	k.publish()
	k.operated++
	if k.config.Trace != nil {
		k.emit(k.current(), trace.Op, e.String())
	}
}

// outcome is the end of a call.
type outcome struct {
	External
	panicked any
	stack    string
}

// callOutside calls f on a goroutine of its own. Meanwhile there is no current task: what
// f asks of the runtime is refused as in an alarm.
//
//go:norace
func (k *kernel) callOutside(name string, f func(context.Context) ([]byte, error)) outcome {
	o := &k.outside
	ctx, cancel := context.WithCancel(o.run)
	defer cancel()
	k.join(func() { k.firing = true; o.active.Store(true) })
	done := make(chan outcome, 1)
	go guarded(ctx, f, done)
	limit := time.NewTimer(k.config.ExternalMax)
	defer limit.Stop()
	var end outcome
	var verdict Verdict
	select {
	case end = <-done:
	case <-limit.C:
		verdict = Verdict{Kind: Escape, Stack: allStacks(), Message: fmt.Sprintf(
			"external %q at %s took more than %v", name, location(), k.config.ExternalMax)}
	case <-o.run.Done():
		verdict = Verdict{Kind: Inconclusive, Message: "interrupted"}
	}
	if verdict.Kind != OK {
		cancel()
		giveTime(done, k.config.StuckAfter)
	}
	k.join(func() { k.isBack(verdict, end.stack) })
	return end
}

// isBack lets the world go on after a call, unless the verdict is in.
func (k *kernel) isBack(verdict Verdict, stack string) {
	k.firing = false
	k.outside.active.Store(false)
	k.outside.stack = stack
	switch verdict.Kind {
	case OK:
	case Inconclusive:
		k.signal.Or(interrupted)
		fallthrough
	default:
		k.end(verdict)
	}
	if k.over { // or f has failed an assertion
		k.stopCurrent()
	}
}

// giveTime waits for a call that was told by its context to return.
func giveTime(done <-chan outcome, atMost time.Duration) {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// guarded calls f and describes its end, whatever that is.
func guarded(ctx context.Context, f func(context.Context) ([]byte, error), done chan<- outcome) {
	end := outcome{External: External{Kind: ExternalGoexit}}
	defer func() {
		if end.Kind == ExternalGoexit {
			if end.panicked = recover(); end.panicked != nil {
				end.Kind, end.Text, end.stack = ExternalPanic, fmt.Sprint(end.panicked), string(debug.Stack())
			}
		}
		done <- end
	}()
	end.External = newExternal(f(ctx))
}

// innermost puts the stack of the call before that of a task which panicked with it.
func (o *outside) innermost(stack string) string {
	if o.stack == "" || !strings.Contains(stack, "sim.(*life).External(") {
		return stack
	}
	return o.stack + "\n" + stack
}
