package sim

import (
	"fmt"
	goruntime "runtime"
	"slices"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// life is one incarnation of a node, and the scheduler that the runtime of
// this incarnation is plugged into. When the node crashes, or its last task
// ends, the life is frozen: nothing of it ever runs again.
type life struct {
	past    history
	kernel  *kernel
	node    *Node
	runtime *runtime.Runtime
	root    *runtime.Task // runs the boot function
	alive   int           // tasks that have not ended
	frozen  bool          // crashed, or ended
	crashed bool
	err     error   // of the boot function
	end     string  // what the story says about it
	waiters []*task // for its end
}

var (
	_ runtime.Scheduler = (*life)(nil)
	_ runtime.WallClock = (*life)(nil)
)

// suspended reports whether tasks of this life may not run now.
func (l *life) suspended() bool { return l.frozen || l.node.paused }

// Spawn implements [runtime.Scheduler].
func (l *life) Spawn(t *runtime.Task) {
	if l.kernel.reaping {
		return
	}
	l.kernel.newTask(t, l)
}

// Current implements [runtime.Scheduler].
func (l *life) Current() *runtime.Task {
	if t := l.kernel.current(); t != nil {
		return t.runtime
	}
	return nil
}

// Point implements [runtime.Scheduler]. Every call that a switch has to return
// through costs as much as a tenth of the switch, because the processor
// predicts returns by the stack that it left; that is why Point and Park do
// everything themselves.
func (l *life) Point(op runtime.Op) *runtime.Task {
	k := l.kernel
	t := k.cur
	if k.reaping || k.firing || t.life != l {
		l.refuse(op)
	}
	t.op, t.chance = op, 0
	t.points++
	if next := k.decide(t); next != t {
		k.next = next
		t.worker.yield(struct{}{})
		if k.reaping {
			goruntime.Goexit()
		}
	}
	if k.observed {
		k.carriedOut(t, op)
	}
	return t.runtime
}

// refuse ends the task that may not go on: it is dead, or not of this node.
func (l *life) refuse(op runtime.Op) {
	k := l.kernel
	switch {
	case k.reaping:
		k.unwind(describeWait(op))
	case k.firing:
		panic("sim: " + describeWait(op) + " outside any task")
	}
	l.Fail(runtime.Failure{Kind: runtime.FailureBorder, Message: fmt.Sprintf(
		"task %s of node %q: %s of node %q",
		k.cur.runtime.Path(), k.cur.life.node.name, describeWait(op), l.node.name)})
}

// Park implements [runtime.Scheduler].
func (l *life) Park(op runtime.Op) {
	k := l.kernel
	t := k.cur
	if k.reaping {
		k.unwind(describeWait(op))
	}
	t.op, t.chance, t.state = op, 0, taskParked
	t.points++
	if k.config.Trace != nil {
		k.emit(t, trace.Wait, describeWait(op))
	}
	if next := k.decide(nil); next != t {
		k.next = next
		t.worker.yield(struct{}{})
		if k.reaping {
			goruntime.Goexit()
		}
	}
}

// Ready implements [runtime.Scheduler].
func (l *life) Ready(t *runtime.Task) {
	if own := t.Slot.(*task); !l.kernel.reaping && !l.frozen && own.state == taskParked {
		l.kernel.ready(own)
	}
}

// Now implements [runtime.Scheduler].
func (l *life) Now() int64 {
	l.kernel.markOpaque()
	return l.node.clock.at(l.kernel.now)
}

// WallOffset implements [runtime.WallClock].
func (l *life) WallOffset() int64 { return l.node.clock.wallOffset(l.kernel.now) }

// SetAlarm implements [runtime.Scheduler].
func (l *life) SetAlarm(a *runtime.Alarm, at int64) {
	own, ok := a.Slot.(*alarm)
	if !ok {
		own = &alarm{owner: a, life: l, index: notPending}
		a.Slot = own
	}
	l.StopAlarm(a)
	if l.frozen || l.kernel.reaping {
		return
	}
	own.at = l.node.clock.when(at)
	l.kernel.pending.push(own)
}

// StopAlarm implements [runtime.Scheduler].
func (l *life) StopAlarm(a *runtime.Alarm) bool {
	own, ok := a.Slot.(*alarm)
	if !ok {
		return false
	}
	k := l.kernel
	switch own.index {
	case notPending:
		return false
	case isDue:
		k.due = slices.DeleteFunc(k.due, func(o *alarm) bool { return o == own })
	case isLate:
		l.node.late = slices.DeleteFunc(l.node.late, func(o *alarm) bool { return o == own })
	default:
		k.pending.remove(own)
	}
	own.index = notPending
	return true
}

// Poll implements [runtime.Scheduler].
func (l *life) Poll(f func() bool) { l.kernel.polls = append(l.kernel.polls, poll{l, f}) }

// Choose implements [runtime.Scheduler].
func (l *life) Choose(stream, site string, n int) int { return l.kernel.draw(stream, site, n) }

// Record implements [runtime.Scheduler].
func (l *life) Record(e runtime.Event) {
	k := l.kernel
	if e.Kind == runtime.EventAssert {
		k.trigger(e.Name)
		return
	}
	if k.config.Trace == nil || k.reaping {
		return
	}
	l.record(tellEvent(e))
}

func (l *life) record(kind trace.Kind, text string) {
	k := l.kernel
	if k.reaping {
		return
	}
	if d := k.delivering; kind == trace.Fault && k.firing && string(d.Kind) == text {
		d.tell(k, kind)
		return
	}
	k.emit(k.current(), kind, text)
}

var failureVerdicts = [...]VerdictKind{
	runtime.FailureViolation: Violation,
	runtime.FailurePanic:     Panic,
	runtime.FailureMisuse:    Misuse,
	runtime.FailureBorder:    Border,
	runtime.FailureGoexit:    Goexit,
}

// Fail implements [runtime.Scheduler].
func (l *life) Fail(f runtime.Failure) {
	k := l.kernel
	if k.reaping {
		k.unwind("failure")
	}
	k.end(Verdict{
		Kind: failureVerdicts[f.Kind], ID: f.ID, Message: f.Message, Details: f.Details,
		Stack: k.outside.innermost(string(f.Stack)),
	})
	k.stopCurrent()
}

// ended takes note of the end of a task of this life.
func (l *life) ended() {
	l.alive--
	if l.alive == 0 {
		l.node.tellEnd()
		l.freeze()
		if l.node.stopped && l.kernel.quiet { // the fault is over as soon as the node is
			l.node.relieveAfter(0, l.node.boot)
		}
	}
}

// freeze takes everything of this life out of the world but its tasks' stacks,
// which the reaper unwinds after the verdict, and lets those go on who wait for
// its end.
func (l *life) freeze() {
	k := l.kernel
	l.gather()
	l.frozen = true
	k.runnable = slices.DeleteFunc(k.runnable, func(t *task) bool { return t.life == l })
	k.due = slices.DeleteFunc(k.due, func(a *alarm) bool { return a.life == l })
	for _, a := range slices.Clone(k.pending.heap) {
		if a.life == l {
			k.pending.remove(a)
		}
	}
	for _, w := range l.waiters {
		k.ready(w)
	}
	l.waiters = nil
}
