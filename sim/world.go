package sim

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// World is what a scenario acts on: nodes, faults, and time. Its methods are
// called by tasks of the harness, the node that the scenario itself runs on.
type World struct {
	kernel  *kernel
	harness *Node
	nodes   []*Node
	lives   []*life

	handlers map[FaultKind]Handler
	vetoes   []func(Fault) string
	ends     []*runtime.Alarm // of faults that last
}

// Runtime returns the runtime of the harness.
//
//go:norace
func (w *World) Runtime() *runtime.Runtime { return w.harness.life.runtime }

// Seed returns the seed of the run.
func (w *World) Seed() uint64 { return w.kernel.config.Seed }

// Elapsed returns the virtual time since the start of the run.
func (w *World) Elapsed() (elapsed time.Duration) {
	w.kernel.join(func() {
		w.kernel.markOpaque()
		elapsed = w.kernel.elapsed()
	})
	return elapsed
}

// Step returns the number of decisions so far.
func (w *World) Step() (step uint64) {
	w.kernel.join(func() {
		w.kernel.markOpaque()
		step = w.kernel.steps
	})
	return step
}

// Nodes returns the nodes in the order in which they were added.
func (w *World) Nodes() (nodes []*Node) {
	w.kernel.join(func() { nodes = slices.Clone(w.nodes) })
	return nodes
}

// newLife gives a node its next incarnation.
func (w *World) newLife(n *Node) *life {
	l := &life{kernel: w.kernel, node: n}
	l.runtime = runtime.Plug(plug(l), runtime.Options{
		Node: n.name, Incarnation: n.incarnation, Seed: w.kernel.config.Seed,
		Draws: w.kernel.drawsOf(n.name, n.incarnation),
	})
	w.lives = append(w.lives, l)
	return l
}

// assertions adds up the counts of all incarnations.
func (w *World) assertions() []runtime.Assertion {
	type key struct {
		kind runtime.AssertionKind
		id   string
	}
	index := make(map[key]int)
	var all []runtime.Assertion
	for _, l := range w.lives {
		for _, a := range l.runtime.Assertions() {
			i, ok := index[key{a.Kind, a.ID}]
			if !ok {
				index[key{a.Kind, a.ID}] = len(all)
				all = append(all, a)
				continue
			}
			all[i].Evaluated += a.Evaluated
			all[i].Held += a.Held
		}
	}
	slices.SortFunc(all, func(x, y runtime.Assertion) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), strings.Compare(x.ID, y.ID))
	})
	return all
}

// Quiesce ends the phase of faults: choices of faults answer 0 from now on,
// planned faults are dropped, those that last end, paused nodes resume, crashed ones
// restart, clocks no longer drift or swing but stay where they are. Then it lets the others run until none of them can, or until the virtual time
// given has passed.
func (w *World) Quiesce(within time.Duration) {
	_ = w.operate(func() error {
		w.quiesce(within)
		return nil
	})
}

func (w *World) quiesce(within time.Duration) {
	k := w.kernel
	k.quiet = true
	k.faults, k.triggers = nil, nil
	w.tell("quiesce: faults off")
	w.heal()
	for _, n := range w.nodes {
		switch n.State() {
		case Paused:
			n.resume()
		case Crashed:
			n.boot()
		case Down:
			if n.stopped {
				n.boot()
			}
		}
		n.steady()
	}
	w.settle(k.after(within))
}

// After calls f once d has passed, outside any task: it must not wait. That is how objects
// of the world, such as a network, do something at a later time; it happens even if the
// node that asked for it has crashed by then, and competes with tasks like any alarm that
// is due. Unlike most methods it may be called by tasks of all nodes, is no scheduling
// point, and may be called by f. Stop prevents it, and reports whether it did.
func (w *World) After(d time.Duration, f func()) (stop func() bool) {
	k, l := w.kernel, w.harness.life
	a := k.newAlarm(f)
	k.call(func() { l.SetAlarm(a, k.after(max(d, 0))) })
	return func() (stopped bool) {
		k.join(func() { stopped = l.StopAlarm(a) })
		return stopped
	}
}

// IsQuiet reports whether the phase of faults is over.
//
//go:norace
func (w *World) IsQuiet() bool { return w.kernel.quiet }

// Note puts an event of an object of the world into the story, if there is one. Its step
// and time are filled in and, if it names no node, who does it and where.
//
//go:norace
func (w *World) Note(e trace.Event) {
	if k := w.kernel; k.config.Trace != nil {
		e.Text = detached(e.Text)
		k.call(func() { k.noted(e) })
	}
}

// noted takes the event of an object of the world into the story.
func (k *kernel) noted(e trace.Event) {
	switch {
	case k.reaping:
	case e.Node == "":
		k.emitFrom(k.current(), e)
	default:
		e.Step, e.Time = k.steps, k.elapsed()
		k.config.Trace(e)
	}
}

// Eventually asserts, under an id, that a condition comes true within some virtual time,
// and returns as soon as it is. The condition is asked at intervals; it must not wait.
//
// It is for what has to happen once the faults are over: before Quiesce, a fault may
// keep anything from happening, and the run ends as misuse.
func (w *World) Eventually(id string, within time.Duration, condition func() bool, kv ...any) {
	var until int64
	_ = w.operate(func() error {
		if k := w.kernel; !k.quiet {
			k.end(Verdict{Kind: Misuse, Message: "Eventually " + id + " before Quiesce"})
			k.stopCurrent()
		}
		until = w.kernel.after(within)
		return nil
	})
	pause := int64(time.Millisecond)
	isTrue := condition()
	for !isTrue && w.pause(pause, until) {
		pause = min(2*pause, int64(within/64)+int64(time.Millisecond))
		isTrue = condition()
	}
	w.Runtime().Always(isTrue, id, append([]any{"within", within}, kv...)...)
}

// pause waits for some virtual time, but not beyond a moment, and reports whether
// that is still to come.
func (w *World) pause(nanoseconds, until int64) (isToCome bool) {
	k := w.kernel
	k.join(func() {
		if isToCome = k.now < until; isToCome {
			w.wait(min(nanoseconds, until-k.now))
		}
	})
	return isToCome
}

// settle sleeps in short steps until the world is idle or the time has come.
// The pause doubles, so a world that ticks for ever costs little.
func (w *World) settle(until int64) {
	k := w.kernel
	pause := int64(k.config.StepCost)
	for k.now < until {
		w.wait(min(pause, until-k.now))
		if len(k.runnable) == 0 && len(k.due) == 0 && len(k.pending.heap) == 0 {
			return
		}
		if pause < until-k.now {
			pause *= 2
		}
	}
}

// wait parks the current task for some virtual time.
func (w *World) wait(nanoseconds int64) {
	l := w.harness.life
	t := l.Current()
	a := &runtime.Alarm{}
	a.Fire = func() { w.kernel.call(func() { l.Ready(t) }) }
	l.SetAlarm(a, w.kernel.now+nanoseconds)
	l.Park(runtime.Op{Kind: runtime.OpSleep})
}

// enter is the scheduling point before an operation on the world. Only tasks
// of the harness may use it.
func (w *World) enter() { w.harness.life.Point(runtime.Op{Kind: runtime.OpNode}) }

// operate carries an operation on the world out. For the race detector it comes
// after all that the task of the harness did before, and after what crashed and
// ended nodes did.
func (w *World) operate(f func() error) (err error) {
	w.kernel.join(func() {
		w.enter()
		err = f()
	})
	return err
}

// tell puts an event of the world into the story.
func (w *World) tell(text string) {
	k := w.kernel
	if k.config.Trace != nil {
		k.emit(nil, trace.World, text)
	}
}
