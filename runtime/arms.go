package runtime

import (
	"context"
	"math/bits"
)

// runtime returns the plugged-in runtime of the arm's channel; nil when live
// or on a nil channel.
func (a *Arm[T]) runtime() *Runtime {
	if a.c == nil || a.c.sim == nil {
		return nil
	}
	return a.c.sim.rt
}

func firstRuntime(all ...*Runtime) *Runtime {
	for _, rt := range all {
		if rt != nil {
			return rt
		}
	}
	return nil
}

func (a *Arm[T]) object() *Object {
	if a.runtime() == nil {
		return nil
	}
	return &a.c.sim.Object
}

// ready returns the bit of arm i if the arm can go on.
func (a *Arm[T]) ready(i int) uint {
	switch {
	case a.object() == nil:
		return 0
	case a.send && a.c.sim.canSend(), !a.send && a.c.sim.canRecv():
		return 1 << i
	}
	return 0
}

// run does the operation of an arm that is ready.
func (a *Arm[T]) run() (v T, ok bool) {
	if a.send {
		a.c.sim.put(a.v)
		return v, true
	}
	return a.c.sim.get()
}

// wait queues the task on the arm's channel.
//
//go:norace
func (a *Arm[T]) wait(t *Task, i int) *waiter[T] {
	switch {
	case a.object() == nil:
		return nil
	case a.send:
		w := a.c.sim.senders.push(t, i)
		w.value = a.v
		return w
	}
	return a.c.sim.receivers.push(t, i)
}

// end gives the arm's waiter back. If the arm was chosen it returns what it
// received, otherwise the zero value and the ok of the arms before it.
//
//go:norace
func (a *Arm[T]) end(w *waiter[T], chosen, ok bool) (T, bool) {
	var zero T
	switch {
	case w == nil:
		return zero, ok
	case !chosen && a.send:
		a.c.sim.senders.release(w)
		return zero, ok
	case !chosen:
		a.c.sim.receivers.release(w)
		return zero, ok
	case a.send:
		a.c.sim.sent(w)
		return zero, true
	}
	return a.c.sim.received(w)
}

// selecting is a select under a scheduler, between its beginning and its end.
type selecting struct {
	rt     *Runtime
	task   *Task
	cancel *canceller
}

func (rt *Runtime) beginSelect(ctx context.Context, a, b, c, d *Object) (selecting, error) {
	cancel, err := rt.cancellerOf(ctx)
	if err != nil {
		return selecting{}, err
	}
	s := rt.beginTrySelect(a, b, c, d)
	s.cancel = cancel
	return s, nil
}

//go:norace
func (rt *Runtime) beginTrySelect(a, b, c, d *Object) selecting {
	if t := rt.sched.Current(); t != nil {
		t.arms = [4]*Object{a, b, c, d} // before the scheduling point, so that the scheduler sees them
	}
	t := rt.enter(OpSelect, nil)
	for _, o := range t.arms {
		if o != nil && o.rt != rt {
			o.rt.enter(OpSelect, o) // fails: an arm of another node
		}
	}
	return selecting{rt: rt, task: t}
}

// choose draws one of the arms that are ready, or the cancellation; armNone if
// there is nothing to choose from.
func (s *selecting) choose(ready uint) int {
	n := bits.OnesCount(ready)
	total := n
	if s.cancel.cancelled() {
		total++
	}
	if total == 0 {
		return armNone
	}
	i := 0
	if total > 1 {
		i = s.rt.sched.Choose("schedule", "select", total)
	}
	if i == n {
		return armCancel
	}
	for range i {
		ready &= ready - 1
	}
	return bits.TrailingZeros(ready)
}

func (s *selecting) park() int {
	return s.cancel.park(s.task, Op{OpSelect, nil})
}

//go:norace
func (s *selecting) leave() {
	s.task.arms = [4]*Object{}
	s.cancel.leave()
}

// end ends the select. If ctx ended it there is no arm but an error.
func (s *selecting) end(index *int) error {
	s.leave()
	if *index == armCancel {
		*index = armNone
		return s.cancel.failure()
	}
	return nil
}
