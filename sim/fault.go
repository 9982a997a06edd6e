package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// FaultKind names something bad that the world does to a node.
type FaultKind string

// The kinds of faults that the world delivers.
const (
	// FaultCrash crashes a node, and restarts it after the duration.
	FaultCrash FaultKind = "crash"
	// FaultPause pauses a node, and resumes it after the duration.
	FaultPause FaultKind = "pause"
)

// Fault is one planned fault. It is not a task, so no strategy favours it: it
// is delivered before the first decision at or after its step.
type Fault struct {
	Kind FaultKind
	Node *Node
	// Step is the decision before which the fault is delivered.
	Step uint64
	// Duration is the downtime of a crash or the length of a pause, in virtual
	// time.
	Duration time.Duration
}

// String returns the fault in one line: "crash n1 at step 120 for 2s".
func (f Fault) String() string {
	return fmt.Sprintf("%s %s at step %d for %v", f.Kind, f.Node.name, f.Step, f.Duration)
}

// ErrFault is wrapped by the errors of Inject.
var ErrFault = errors.New("sim: fault")

// Inject plans faults. One that does not fit the state of its node when its
// time comes (the crash of a node that is down) is not delivered, and does not
// count. What is restarted or resumed by somebody else before the duration is
// over stays as it is then. After Quiesce there are no faults any more; an
// error has planned none of the faults.
func (w *World) Inject(faults ...Fault) error {
	w.enter()
	k := w.kernel
	if k.quiet {
		return fmt.Errorf("%w: planned after Quiesce", ErrFault)
	}
	for _, f := range faults {
		switch {
		case f.Kind != FaultCrash && f.Kind != FaultPause:
			return fmt.Errorf("%w of unknown kind %q", ErrFault, f.Kind)
		case f.Node == nil || f.Node.world != w:
			return fmt.Errorf("%w: %s of a node that is not of this world", ErrFault, f.Kind)
		case f.Duration < 0:
			return fmt.Errorf("%w: %s for %v", ErrFault, f.Kind, f.Duration)
		}
	}
	for _, f := range faults {
		w.tell("plan: " + f.String())
	}
	k.faults = append(k.faults, faults...)
	slices.SortStableFunc(k.faults, func(a, b Fault) int { return cmp.Compare(a.Step, b.Step) })
	k.setLimit()
	return nil
}

// deliver does the fault, if the node's state allows it.
func (k *kernel) deliver(f Fault) {
	n := f.Node
	state := n.State()
	switch {
	case f.Kind == FaultCrash && (state == Up || state == Paused):
		n.crash()
		n.relief.Fire = n.boot
	case f.Kind == FaultPause && state == Up:
		n.pause()
		n.relief.Fire = n.resume
	default:
		return
	}
	if k.scribe != nil {
		k.scribe.delivered(f)
	}
	harness := k.world.harness.life
	k.fire(func() { harness.runtime.FaultDelivered(string(f.Kind)) })
	harness.SetAlarm(&n.relief, k.after(f.Duration))
}
