package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// Boot is the main function of a node's process. Each incarnation of the node
// calls it with a runtime of its own; nothing in memory survives from one to
// the next but what the scenario keeps outside, such as stores.
type Boot func(ctx context.Context, rt *runtime.Runtime) error

// NodeState says what a node is doing.
type NodeState uint8

// The states of a node.
const (
	// Down: never booted, stopped, or its boot function and tasks have ended.
	Down NodeState = iota
	// Up: running.
	Up
	// Paused: alive, but none of its tasks runs; its clock goes on.
	Paused
	// Crashed: dead until Restart.
	Crashed
)

var stateNames = [...]string{"down", "up", "paused", "crashed"}

// String returns the state's name.
func (s NodeState) String() string { return stateNames[s] }

// ErrState is wrapped by the errors of node operations that do not fit the
// node's state. Nothing has changed then.
var ErrState = errors.New("sim: node state")

// Node is one simulated process.
type Node struct {
	world       *World
	name        string
	bootFn      Boot
	incarnation uint64
	life        *life // the newest one
	crashed     bool
	paused      bool
	stopped     bool // by a fault, which will boot it again
	clock       nodeClock
	onWipe      func()
	held        []*task       // would be runnable if the node were not paused
	late        []*alarm      // came due while the node was paused
	under       delivery      // the fault that the node is under; number 0 if there is none
	relief      runtime.Alarm // ends it
}

// Node adds a node, which is down. Its name must be new and not empty.
func (w *World) Node(name string, boot Boot) (*Node, error) {
	var n *Node
	err := w.operate(func() error {
		switch {
		case name == "":
			return fmt.Errorf("%w: a node without a name", ErrState)
		case boot == nil:
			return fmt.Errorf("%w: node %q without a boot function", ErrState, name)
		case slices.ContainsFunc(w.nodes, func(n *Node) bool { return n.name == name }):
			return fmt.Errorf("%w: a second node %q", ErrState, name)
		}
		n = w.newNode(name, boot)
		w.nodes = append(w.nodes, n)
		return nil
	})
	return n, err
}

func (w *World) newNode(name string, boot Boot) *Node {
	return &Node{world: w, name: name, bootFn: boot, clock: nodeClock{world: epoch, own: epoch}}
}

// Name returns the node's name.
//
//go:norace
func (n *Node) Name() string { return n.name }

// Incarnation counts the boots, from 1; 0 before the first.
//
//go:norace
func (n *Node) Incarnation() uint64 { return n.incarnation }

// OnWipe says what becomes of the node's disk when a [FaultWipe] hits it: the function
// empties those objects of the world that are the node's own. It must not wait.
func (n *Node) OnWipe(wipe func()) { n.world.kernel.join(func() { n.onWipe = wipe }) }

// State returns what the node is doing.
func (n *Node) State() (state NodeState) {
	n.world.kernel.join(func() {
		n.world.kernel.markOpaque() // a node ends with the last of its tasks, whichever that is
		state = n.state()
	})
	return state
}

func (n *Node) state() NodeState {
	switch {
	case n.crashed:
		return Crashed
	case n.life == nil || n.life.alive == 0:
		return Down
	case n.paused:
		return Paused
	}
	return Up
}

// Boot starts the boot function in a new incarnation of a node that is down. The
// node is down again when that function and all tasks of the node have ended;
// timers that they leave behind never fire.
func (n *Node) Boot() error {
	return n.world.operate(func() error {
		if s := n.State(); s != Down {
			return n.wrongState("boot", s)
		}
		n.boot()
		return nil
	})
}

// Restart boots a node that has crashed.
func (n *Node) Restart() error {
	return n.world.operate(func() error {
		if s := n.State(); s != Crashed {
			return n.wrongState("restart", s)
		}
		n.boot()
		return nil
	})
}

// Crash freezes the node: its tasks never run again, no deferred function of
// theirs runs while the world is observed.
func (n *Node) Crash() error {
	return n.world.operate(func() error {
		if s := n.State(); s != Up && s != Paused {
			return n.wrongState("crash", s)
		}
		n.crash()
		return nil
	})
}

// Pause stops the node's tasks without their knowledge, as a long stop of the
// garbage collector or a suspended machine does. Time goes on for the node,
// its timers fire late.
func (n *Node) Pause() error {
	return n.world.operate(func() error {
		if s := n.State(); s != Up {
			return n.wrongState("pause", s)
		}
		n.pause()
		return nil
	})
}

// Resume lets a paused node go on.
func (n *Node) Resume() error {
	return n.world.operate(func() error {
		if s := n.State(); s != Paused {
			return n.wrongState("resume", s)
		}
		n.resume()
		return nil
	})
}

// Stop cancels the context of the boot function and waits until all tasks of
// the node have ended. After the grace period it crashes the node and reports
// an error, as it does if the node crashes before it has stopped.
func (n *Node) Stop(grace time.Duration) error {
	return n.world.operate(func() error { return n.stop(grace) })
}

func (n *Node) stop(grace time.Duration) error {
	if s := n.State(); s != Up {
		return n.wrongState("stop", s)
	}
	l := n.life
	l.root.Cancel()
	n.world.tell("stop " + n.name)
	late := false
	k := n.world.kernel
	giveUp := func() {
		if !l.frozen {
			late = true
			n.crash()
		}
	}
	timeout := &runtime.Alarm{Fire: func() { k.call(giveUp) }}
	harness := n.world.harness.life
	harness.SetAlarm(timeout, k.after(grace))
	_ = n.await(l) // what the boot function returns is for Wait to tell
	harness.StopAlarm(timeout)
	switch {
	case late:
		return fmt.Errorf("%w: %s had not stopped %v after its cancellation and was crashed", ErrState, n.name, grace)
	case l.crashed:
		return fmt.Errorf("%w: %s crashed before it had stopped", ErrState, n.name)
	}
	return nil
}

// Go runs fn as a task of the newest incarnation of a node that is up.
func (n *Node) Go(name string, fn Boot) error {
	return n.world.operate(func() error {
		if s := n.State(); s != Up {
			return n.wrongState("run "+name+" on", s)
		}
		rt := n.life.runtime
		rt.Root(name, func(ctx context.Context) error { return fn(ctx, rt) })
		return nil
	})
}

// Wait waits until the newest incarnation has ended, by itself or by a crash,
// and returns the error of its boot function.
func (n *Node) Wait() error {
	return n.world.operate(func() error {
		if n.life == nil {
			return nil
		}
		return n.await(n.life)
	})
}

func (n *Node) await(l *life) error {
	for !l.frozen {
		l.waiters = append(l.waiters, n.world.kernel.cur)
		n.world.harness.life.Park(runtime.Op{Kind: runtime.OpNode})
	}
	return l.err
}

func (n *Node) wrongState(verb string, s NodeState) error {
	return fmt.Errorf("%w: cannot %s %s, it is %s", ErrState, verb, n.name, s)
}

// boot, crash, pause and resume act at once; planned faults use them too. Each
// ends the fault that the node may be under, so that its relief does not come
// later, when it no longer fits.
func (n *Node) boot() {
	w := n.world
	n.endFault()
	n.incarnation++
	n.crashed, n.stopped = false, false
	l := w.newLife(n)
	n.life = l
	w.tell(fmt.Sprintf("boot %s, incarnation %d", n.name, n.incarnation))
	l.root = l.runtime.Root("main", func(ctx context.Context) error {
		err := n.bootFn(ctx, l.runtime)
		text := "end of " + n.name // written where the error was made, not where it is told
		if err != nil {
			text += ": " + err.Error()
		}
		n.world.kernel.call(func() { l.err, l.end = err, text })
		return err
	})
}

func (n *Node) crash() {
	n.endFault()
	n.world.tell("crash " + n.name)
	n.crashed, n.paused = true, false
	n.held, n.late = nil, nil
	n.life.crashed = true
	n.life.freeze()
}

func (n *Node) pause() {
	k := n.world.kernel
	n.world.tell("pause " + n.name)
	n.paused = true
	isOurs := func(t *task) bool { return t.life == n.life }
	for _, t := range k.runnable {
		if isOurs(t) {
			n.held = append(n.held, t)
		}
	}
	k.runnable = slices.DeleteFunc(k.runnable, isOurs)
	for _, a := range k.due {
		if a.life == n.life {
			a.index = isLate
			n.late = append(n.late, a)
		}
	}
	k.due = slices.DeleteFunc(k.due, func(a *alarm) bool { return a.life == n.life })
}

func (n *Node) resume() {
	k := n.world.kernel
	n.endFault()
	n.world.tell("resume " + n.name)
	n.paused = false
	k.runnable = append(k.runnable, n.held...)
	for _, a := range n.late {
		k.pending.push(a)
	}
	n.held, n.late = nil, nil
}

func (n *Node) endFault() {
	n.world.harness.life.StopAlarm(&n.relief)
	if n.under.number != 0 {
		n.under.tell(n.world.kernel, trace.FaultEnd)
		n.under = delivery{}
	}
}

// tellEnd puts the end of the newest incarnation into the story.
func (n *Node) tellEnd() {
	if n != n.world.harness {
		n.world.tell(cmp.Or(n.life.end, "end of "+n.name))
	}
}
