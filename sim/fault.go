package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// FaultKind names something bad that the world does.
type FaultKind string

// The kinds of faults that every world delivers. Objects of the world add kinds of their
// own with [World.Handle].
const (
	// FaultCrash crashes nodes at the same moment, and restarts them after the
	// duration.
	FaultCrash FaultKind = "crash"
	// FaultWipe is a crash after which the disks of the nodes are empty, see
	// [Node.OnWipe].
	FaultWipe FaultKind = "wipe"
	// FaultStop cancels the contexts of nodes, as an orderly shutdown does, and boots
	// them again after the duration. Those that have not ended by then are crashed.
	FaultStop FaultKind = "stop"
	// FaultPause pauses nodes, and resumes them after the duration.
	FaultPause FaultKind = "pause"
	// FaultJump sets the wall clocks of nodes forward or, by a negative amount, back:
	// "jump n1 by -1h at step 9 for 10s" sets it right again after ten seconds.
	FaultJump FaultKind = "jump"
	// FaultDrift lets the clocks of nodes, their timers included, run fast or slow:
	// "drift n1 by -200ppm at step 9 for 1m".
	FaultDrift FaultKind = "drift"
)

// Fault is one planned fault. It is not a task, so no strategy favours it: it is
// delivered before the first decision at or after its step, or after its trigger. It is
// plain data; [ParseFault] reads what String prints.
type Fault struct {
	Kind FaultKind
	// Target says what it hits. For the kinds of this package those are the names of
	// nodes, joined by "+".
	Target string
	// By is how much, for the kinds that need it.
	By string
	// Step is the decision before which the fault is delivered.
	Step uint64
	// When, if not empty, is what triggers the fault instead of a step: the id of a
	// Reachable or a Sometimes that holds, and after a "#" at which time, if not at
	// the first: "elected#2".
	When string
	// Duration is the downtime of a crash, the length of a pause, how long a
	// partition lasts, in virtual time.
	Duration time.Duration
}

// String returns the fault in one line: "crash n1 at step 120 for 2s", "drift n1+n2 by
// 50ppm when elected#2 for 1m".
func (f Fault) String() string {
	text := string(f.Kind) + " " + f.Target
	if f.By != "" {
		text += " by " + f.By
	}
	if f.When != "" {
		text += " when " + f.When
	} else {
		text += fmt.Sprintf(" at step %d", f.Step)
	}
	return text + fmt.Sprintf(" for %v", f.Duration)
}

// ErrFault is wrapped by the errors about faults and plans of them.
var ErrFault = errors.New("sim: fault")

// Handler knows the faults of one kind. Its functions are called outside any task; they
// must not wait.
type Handler struct {
	// Check refuses a fault that can never be, when it is planned.
	Check func(f Fault) error
	// Deliver lets the fault happen, and returns what ends it after its duration,
	// or at [World.Quiesce]: nil if there is nothing to end. It is false if the fault
	// does not fit the state of things; then nothing has happened.
	Deliver func(f Fault) (end func(), ok bool)
}

// Handle teaches the world a kind of faults. The kinds of this package, and one that is
// known already, are an ErrFault.
func (w *World) Handle(kind FaultKind, h Handler) error {
	return w.operate(func() error {
		if _, known := w.handler(kind); known || kind == "" {
			return fmt.Errorf("%w: a second handler of %q", ErrFault, kind)
		}
		if h.Check == nil || h.Deliver == nil {
			return fmt.Errorf("%w: half a handler of %q", ErrFault, kind)
		}
		if w.handlers == nil {
			w.handlers = make(map[FaultKind]Handler)
		}
		w.handlers[kind] = h
		return nil
	})
}

// handler returns who knows a kind of faults.
func (w *World) handler(kind FaultKind) (Handler, bool) {
	if h, ok := w.nodeFaults(kind); ok {
		return h, true
	}
	h, ok := w.handlers[kind]
	return h, ok
}

// Veto sets the policy that keeps a guarantee possible: it is asked about each fault when
// its time has come, and what it answers, if not empty, is why the fault is not
// delivered. Each veto is told and counted in [Result.Vetoes]. A second policy is asked
// beside the first.
func (w *World) Veto(policy func(f Fault) (reason string)) {
	w.kernel.join(func() { w.vetoes = append(w.vetoes, policy) })
}

// vetoed reports whether a policy is against a fault.
func (w *World) vetoed(f Fault) bool {
	for _, policy := range w.vetoes {
		reason := ""
		w.kernel.fire(func() { w.kernel.call(func() { reason = policy(f) }) })
		if reason != "" {
			w.kernel.vetoed++
			w.tell("veto: " + f.String() + ": " + reason)
			return true
		}
	}
	return false
}

// Inject plans faults. One that does not fit the state of its target when its
// time comes (the crash of a node that is down) is not delivered, and does not
// count. What is restarted or resumed by somebody else before the duration is
// over stays as it is then. After Quiesce there are no faults any more; an
// error has planned none of the faults.
func (w *World) Inject(faults ...Fault) error {
	return w.operate(func() error { return w.plan(faults) })
}

func (w *World) plan(faults []Fault) error {
	k := w.kernel
	if k.quiet {
		return fmt.Errorf("%w: planned after Quiesce", ErrFault)
	}
	for _, f := range faults {
		if err := w.check(f); err != nil {
			return err
		}
	}
	for _, f := range faults {
		w.tell("plan: " + f.String())
		if f.When != "" {
			k.triggers = append(k.triggers, newTrigger(f))
			continue
		}
		k.plan(f)
	}
	return nil
}

// When plans faults as soon as a condition holds. It is asked before each decision,
// which is slow; it must not wait. To react to what the program itself announces,
// [Fault.When] costs nothing. The error is that of Inject.
func (w *World) When(condition func() bool, faults ...Fault) error {
	return w.operate(func() error {
		for _, f := range faults {
			if err := w.check(f); err != nil {
				return err
			}
		}
		k := w.kernel
		w.harness.life.Poll(func() (isDone bool) {
			k.join(func() { isDone = k.quiet || condition() && w.planNow(faults) })
			return isDone
		})
		return nil
	})
}

// planNow plans faults for the next decision.
func (w *World) planNow(faults []Fault) bool {
	k := w.kernel
	for _, f := range faults {
		f.Step = k.steps
		k.plan(f)
	}
	return true
}

func (w *World) check(f Fault) error {
	h, known := w.handler(f.Kind)
	switch {
	case !known:
		return fmt.Errorf("%w of unknown kind %q", ErrFault, f.Kind)
	case f.Duration < 0:
		return fmt.Errorf("%w: %v", ErrFault, f)
	case f.When != "" && f.Step != 0:
		return fmt.Errorf("%w: %v: both a step and a trigger", ErrFault, f)
	}
	if err := h.Check(f); err != nil {
		return fmt.Errorf("%w: %v: %w", ErrFault, f, err)
	}
	return nil
}

// plan puts a fault among those that wait for their step.
func (k *kernel) plan(f Fault) {
	k.faults = append(k.faults, f)
	k.sortFaults()
}

func (k *kernel) sortFaults() {
	slices.SortStableFunc(k.faults, func(a, b Fault) int { return cmp.Compare(a.Step, b.Step) })
	k.setLimit()
}

// deliver does the fault, if the state of its target allows it and nobody is against it.
func (k *kernel) deliver(f Fault) {
	w := k.world
	h, known := w.handler(f.Kind)
	if !known || w.vetoed(f) {
		return
	}
	var end func()
	var happened bool
	k.delivering = delivery{f, k.delivering.number + 1}
	k.fire(func() { k.call(func() { end, happened = h.Deliver(f) }) })
	if !happened {
		return
	}
	if k.scribe != nil {
		k.scribe.delivered(f)
	}
	harness := w.harness.life
	k.fire(func() { harness.runtime.FaultDelivered(string(f.Kind)) })
	if end != nil {
		w.endAfter(f.Duration, end)
	}
}

// delivery is a fault that is being delivered, or was the last one that was.
type delivery struct {
	Fault
	number uint64
}

// tell tells the beginning or the end of a fault.
func (d delivery) tell(k *kernel, kind trace.Kind) {
	if k.config.Trace == nil {
		return
	}
	text := d.String()
	if kind == trace.FaultEnd {
		text = "over: " + text
	}
	k.emitFrom(nil, trace.Event{Kind: kind, Text: text, Message: d.number, Peer: d.Target})
}

// endAfter lets a fault end after some time, or at Quiesce.
func (w *World) endAfter(d time.Duration, end func()) {
	a, fault := &runtime.Alarm{}, w.kernel.delivering
	w.ends = append(w.ends, a)
	over := func() {
		w.ends = slices.DeleteFunc(w.ends, func(other *runtime.Alarm) bool { return other == a })
		fault.tell(w.kernel, trace.FaultEnd)
		end()
	}
	a.Fire = func() { w.kernel.call(over) }
	w.harness.life.SetAlarm(a, w.kernel.after(d))
}

// heal ends the faults that would end later.
func (w *World) heal() {
	for len(w.ends) > 0 {
		a := w.ends[0]
		w.harness.life.StopAlarm(a)
		w.kernel.fire(a.Fire)
	}
}
