package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// A leak is a task that waits for ever when the program is done. With
// [Config.LeaksAfter] a run does not end when main returns: faults end as by
// [World.Quiesce], and the others go on until none of them can, or until that much
// virtual time has passed. Then each task of the harness that is parked is a leak,
// and the run ends with the verdict [Leak], which lists them.
//
// Main stands for the main function of a program, or for a test: it has to stop what
// it started. Its context does not end when it returns. Not reported are tasks that
// wait for a timer of their own, those that could still run, and those of other
// nodes. A wait that only a deadline later than LeaksAfter would end is a leak. A
// failure of a task that went on after main counts as in any run.

// leakVerdict lets the world go on, and returns how the run ends.
func (w *World) leakVerdict(after time.Duration) Verdict {
	w.Quiesce(after)
	leaks := w.kernel.leaks()
	if len(leaks) == 0 {
		return Verdict{}
	}
	v := Verdict{Kind: Leak, Tasks: leaks, Message: "main has returned, and a task waits for ever"}
	if n := len(leaks); n > 1 {
		v.Message = fmt.Sprintf("main has returned, and %d tasks wait for ever", n)
	}
	for _, s := range leaks {
		v.Message += "\n  " + s.String()
	}
	return v
}

// leaks returns the tasks of the harness that nothing will wake.
func (k *kernel) leaks() []TaskState {
	var leaks []TaskState
	for _, t := range k.tasks {
		if t.state == taskParked && t.life == k.world.harness.life && !k.awaitsTimer(t) {
			leaks = append(leaks, t.describe())
		}
	}
	return leaks
}

// Left returns the tasks of the harness that have not ended, but for the one that asks, and
// how many of its timers are set, those of contexts with a deadline included. Who closes
// everything that the harness has opened can see by it that nothing goes on, be it asleep
// for a while: that is what the verdict Leak does not tell.
func (w *World) Left() (tasks []TaskState, timers int) {
	k := w.kernel
	k.join(func() {
		k.markOpaque()
		for _, t := range k.tasks {
			if t.life == w.harness.life && t.state != taskEnded && t != k.cur {
				tasks = append(tasks, t.describe())
			}
		}
		for _, a := range k.pending.heap {
			if a.life == w.harness.life {
				timers++
			}
		}
	})
	return tasks, timers
}

// awaitsTimer reports whether a timer may wake the task: it sleeps, or receives from
// one, while any alarm of its node is set.
func (k *kernel) awaitsTimer(t *task) bool {
	switch {
	case !slices.ContainsFunc(k.pending.heap, func(a *alarm) bool { return a.life == t.life }):
		return false
	case t.op.Kind == runtime.OpSleep, isTimer(t.op.Object):
		return true
	case t.op.Kind != runtime.OpSelect:
		return false
	}
	for o := range t.runtime.Objects() {
		if isTimer(o) {
			return true
		}
	}
	return false
}

func isTimer(o *runtime.Object) bool { return o != nil && (o.Kind == "timer" || o.Kind == "ticker") }

// origin returns the line that is spawning a task. A task that an alarm spawns has
// none: it runs on the stack of whoever made the last decision.
func (k *kernel) origin() string {
	if k.config.LeaksAfter == 0 || k.firing {
		return ""
	}
	return k.location(k.cur)
}

// describe tells what the task waits for, and where it comes from.
func (t *task) describe() TaskState {
	s := TaskState{Node: t.life.node.name, Task: t.runtime.Path(), Wait: describeOp(t, t.op), Spawned: t.origin}
	if t.op.Object != nil && t.op.Object.Holder() != nil {
		s.Holder = t.op.Object.Holder().Path()
	}
	return s
}

// String returns the state in one line.
func (s TaskState) String() string {
	var b strings.Builder
	if s.Node != "" {
		b.WriteString(s.Node + "/")
	}
	b.WriteString(s.Task + " waits: " + s.Wait)
	if s.Holder != "" {
		b.WriteString(", held by " + s.Holder)
	}
	if s.Spawned != "" {
		b.WriteString(", spawned at " + s.Spawned)
	}
	return b.String()
}
