package sim

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// nodeFaults returns the handler of a kind that hits nodes.
func (w *World) nodeFaults(kind FaultKind) (Handler, bool) {
	check, one := w.checkNodes, (func(*Node, Fault) bool)(nil)
	switch kind {
	case FaultCrash:
		one = (*Node).suffersCrash
	case FaultWipe:
		check, one = w.checkDisks, (*Node).suffersWipe
	case FaultStop:
		one = (*Node).suffersStop
	case FaultPause:
		one = (*Node).suffersPause
	case FaultJump:
		check, one = w.checkJump, (*Node).suffersJump
	case FaultDrift:
		check, one = w.checkDrift, (*Node).suffersDrift
	default:
		return Handler{}, false
	}
	return Handler{Check: check, Deliver: func(f Fault) (func(), bool) {
		happened := false
		for _, n := range w.targets(f) {
			happened = one(n, f) || happened
		}
		return nil, happened
	}}, true
}

// targets returns the nodes that a fault is about, nil for a name that is none.
func (w *World) targets(f Fault) []*Node {
	var nodes []*Node
	for name := range strings.SplitSeq(f.Target, "+") {
		nodes = append(nodes, w.find(name))
	}
	return nodes
}

// find returns the node of a name; nil if there is none.
func (w *World) find(name string) *Node {
	for _, n := range w.nodes {
		if n.name == name {
			return n
		}
	}
	return nil
}

func (w *World) checkNodes(f Fault) error {
	if f.By != "" {
		return fmt.Errorf("a %s has no amount", f.Kind)
	}
	return w.checkNames(f)
}

func (w *World) checkNames(f Fault) error {
	for name := range strings.SplitSeq(f.Target, "+") {
		if w.find(name) == nil {
			return fmt.Errorf("no node %q in this world", name)
		}
	}
	return nil
}

func (w *World) checkDisks(f Fault) error {
	if err := w.checkNodes(f); err != nil {
		return err
	}
	for _, n := range w.targets(f) {
		if n.onWipe == nil {
			return fmt.Errorf("node %s has no disk", n.name)
		}
	}
	return nil
}

func (w *World) checkJump(f Fault) error {
	if d, err := time.ParseDuration(f.By); err != nil || d == 0 {
		return fmt.Errorf("%q is no time to jump by", f.By)
	}
	return w.checkNames(f)
}

func (w *World) checkDrift(f Fault) error {
	if rate, err := parseRate(f.By); err != nil || rate == 0 {
		return errors.Join(fmt.Errorf("%q is no drift in ppm", f.By), err)
	}
	if f.Duration == 0 {
		return errors.New("a drift takes time")
	}
	return w.checkNames(f)
}

func (n *Node) suffersCrash(f Fault) bool {
	if s := n.State(); s != Up && s != Paused {
		return false
	}
	n.crash()
	n.relieveAfter(f.Duration, n.boot)
	return true
}

func (n *Node) suffersWipe(f Fault) bool {
	if s := n.State(); s == Up || s == Paused {
		n.crash()
	} else if s != Crashed {
		return false
	}
	n.world.tell("wipe " + n.name)
	n.onWipe()
	n.relieveAfter(f.Duration, n.boot)
	return true
}

func (n *Node) suffersPause(f Fault) bool {
	if n.State() != Up {
		return false
	}
	n.pause()
	n.relieveAfter(f.Duration, n.resume)
	return true
}

func (n *Node) suffersStop(f Fault) bool {
	if n.State() != Up {
		return false
	}
	n.endFault()
	n.world.tell("stop " + n.name)
	n.stopped = true
	n.life.root.Cancel()
	n.relieveAfter(f.Duration, func() {
		if s := n.State(); s == Up || s == Paused {
			n.crash()
		}
		n.boot()
	})
	return true
}

func (n *Node) suffersJump(f Fault) bool {
	d, _ := time.ParseDuration(f.By) // was checked
	n.world.tell(fmt.Sprintf("clock of %s jumps by %v", n.name, d))
	n.clock.Offset += d
	if f.Duration > 0 {
		n.world.endAfter(f.Duration, func() {
			n.world.tell(fmt.Sprintf("clock of %s jumps by %v", n.name, -d))
			n.clock.Offset -= d
		})
	}
	return true
}

func (n *Node) suffersDrift(f Fault) bool {
	rate, _ := parseRate(f.By) // was checked
	if next := n.clock.Rate + rate; next <= -million || next > rateMax {
		return false
	}
	n.world.tell(fmt.Sprintf("clock of %s drifts by %d ppm", n.name, rate))
	n.drift(n.clock.Rate + rate)
	n.world.endAfter(f.Duration, func() {
		n.world.tell("clock of " + n.name + " no longer drifts")
		n.drift(n.clock.Rate - rate)
	})
	return true
}

// relieveAfter ends the fault that the node is under, unless its state changes before.
func (n *Node) relieveAfter(d time.Duration, relief func()) {
	k := n.world.kernel
	n.under, n.relief.Fire = k.delivering, func() { k.call(relief) }
	n.world.harness.life.SetAlarm(&n.relief, k.after(d))
}
