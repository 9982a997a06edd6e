package sim

import (
	"slices"

	"github.com/tidemarkdb/tidemark/runtime"
)

// This file is about what [Explore] may leave out: sleep sets (Godefroid, "Partial-Order
// Methods for the Verification of Concurrent Systems", LNCS 1032, 1996, chapter 5), with
// the dependency of two steps found out from what they did, not from what they might do.
// Steps depend on each other unless they are known not to. The rules, each of which has
// a small world in the tests that loses an outcome without it:
//
//   - Two steps on one object depend on each other unless both only read it.
//   - Two steps that make the same task ready depend on each other: it goes on with what
//     the first one brought.
//   - A step on an unknown object, such as a yield or a sleep, depends on everything. So
//     does a cancellation, and the step before it: the error of a group is set there.
//   - An alarm depends on everything, and is never asleep.
//   - A step that looks at the clock, at the number of steps or at the state of a node
//     depends on everything, and so does one that draws.
//   - While a fault is planned for a certain step, or a context of the standard library
//     is asked before each one, every step depends on everything.
//   - The last step that is explored depends on everything: what comes after it, because
//     the run is over or the window has closed, is not explored in another order.
//   - Within a bound of preemptions there are no sleep sets. The execution that an
//     execution is equivalent to may have more preemptions, and be out of the bound
//     (Coons, Musuvathi and McKinley, "Bounded Partial-Order Reduction", OOPSLA 2013).

// sleeper is a task that need not go first at a decision: what comes of that is
// explored already, and nothing has happened since that depends on it. It can go on
// all the time that it sleeps.
type sleeper struct {
	task uint64
	footprint
}

// footprint is what a step has touched: the object of its operation and the tasks that
// it made ready, or, if more may be behind it than meets the eye, everything.
type footprint struct {
	everything bool
	access
	readied []uint64
}

// commutes reports whether two steps that can both be next lead to the same state in
// either order.
func (f *footprint) commutes(other *footprint) bool {
	if f.everything || other.everything {
		return false
	}
	for _, task := range f.readied {
		if slices.Contains(other.readied, task) {
			return false
		}
	}
	return !f.access.overlaps(other.access) || !f.writes && !other.writes
}

func (a *access) overlaps(b access) bool {
	for _, object := range a.objects[:a.n] {
		if slices.Contains(b.objects[:b.n], object) {
			return true
		}
	}
	return false
}

// sleeps reports whether candidate i need not be explored.
func (b *branch) sleeps(i int) bool {
	return slices.ContainsFunc(b.asleep, func(s sleeper) bool { return s.task == b.candidates[i] })
}

// survivors returns who still sleeps after the step that was picked.
func (b *branch) survivors() []sleeper {
	var all []sleeper
	for _, s := range b.asleep {
		if s.commutes(&b.footprint) {
			all = append(all, s)
		}
	}
	return all
}

// ran is the step that the last decision on the path led to. What it has touched
// shows when the next decision is at hand, or the end.
type ran struct {
	branch     int   // -1 before the first decision
	task       *task // nil for an alarm
	step       uint64
	candidates []*task
	access     access
	isOpaque   bool // it may depend on everything
	skipped    bool // there were decisions outside of the window since
}

func newRan(d *Decision, branch, picked int) ran {
	k := d.kernel
	k.opaque = 0
	r := ran{branch: branch, step: k.steps, isOpaque: k.isStepwise()}
	for i := range d.n {
		if t := k.candidate(i, d.stay); t != nil {
			r.candidates = append(r.candidates, t)
		}
	}
	if r.task = k.candidate(picked, d.stay); r.task != nil {
		r.access.set(r.task)
		r.isOpaque = r.isOpaque || r.access.n == 0 && !touchesNothing(r.task.op.Kind)
	}
	return r
}

// touchesNothing reports whether an operation without an object has none to touch. A
// cancellation depends on everything, so the question for it need not.
func touchesNothing(kind runtime.OpKind) bool {
	return kind == runtime.OpStart || kind == runtime.OpSpawn || kind == runtime.OpCancelled
}

// isStepwise reports whether something is going to happen at a certain step, whoever
// takes it.
func (k *kernel) isStepwise() bool { return len(k.polls) > 0 || len(k.faults) > 0 }

// skip takes note of a decision outside of the window.
func (r *ran) skip(d *Decision) { *r = ran{branch: r.branch, step: d.kernel.steps, skipped: true} }

// settle finds out what the last step has touched. If it is the last one that is
// explored, because the run is over (with d nil) or the window has closed, it depends on
// everything: what could be explored before it cannot be explored after it.
func (e *explorer) settle(d *Decision, isLast bool) {
	r := &e.ran
	if !e.reduce || r.branch < 0 || r.skipped {
		return
	}
	alone := r.leftOneAlone(e.kernel)
	f := footprint{access: r.access, everything: isLast && !alone || r.dependsOnEverything(e.kernel)}
	if d != nil && !alone {
		for i := range d.n {
			t := e.kernel.candidate(i, d.stay)
			if t != nil && !slices.Contains(r.candidates, t) {
				f.readied = append(f.readied, t.runtime.Hash())
			}
		}
	}
	e.path[r.branch].footprint = f
}

// leftOneAlone reports whether after the step there was one candidate only, who has
// taken steps without a decision. It was a candidate before, so the step has made
// nobody ready.
func (r *ran) leftOneAlone(k *kernel) bool { return k.steps > r.step+1 }

// dependsOnEverything reports whether the step may be in the way of any other one. A
// task that fails its group does so in the step before it cancels the others.
func (r *ran) dependsOnEverything(k *kernel) bool {
	return r.task == nil || r.isOpaque || k.opaque == r.step || k.isStepwise() || r.task.op.Kind == runtime.OpCancel
}

// isRedundant reports whether somebody who sleeps has taken a step, alone.
func (e *explorer) isRedundant() bool {
	r := &e.ran
	return r.branch >= 0 && r.leftOneAlone(e.kernel) && len(e.path[r.branch].survivors()) > 0
}

// end settles the last step of an execution.
func (e *explorer) end() {
	if e.position == len(e.path) { // it has not diverged
		e.settle(nil, true)
		e.redundant = e.redundant || e.isRedundant()
	}
}
