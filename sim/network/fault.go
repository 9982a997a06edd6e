package network

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// The kinds of planned faults of a network called "network". Those of another one have its
// name and a hyphen in front.
const (
	// FaultPartition lets nodes talk to those of their own side only.
	FaultPartition sim.FaultKind = "partition"
	// FaultCut takes one direction away.
	FaultCut sim.FaultKind = "cut"
	// FaultClog keeps messages of one direction, and releases them at once.
	FaultClog sim.FaultKind = "clog"
	// FaultSwizzle clogs all links of one node after the other, and frees them in an
	// order that is drawn.
	FaultSwizzle sim.FaultKind = "swizzle"
)

// kindOf returns a kind of fault of the network of a name.
func kindOf(name string, k sim.FaultKind) sim.FaultKind {
	if name == "" || name == defaultName {
		return k
	}
	return sim.FaultKind(name) + "-" + k
}

// handleFaults teaches the world the network's kinds of faults.
func (n *Network[M]) handleFaults() error {
	l := &n.links
	handlers := []struct {
		kind    sim.FaultKind
		check   func(f sim.Fault) error
		deliver func(f sim.Fault) (end func())
	}{
		{FaultPartition, n.checkSides, func(f sim.Fault) func() { return l.cut(apart(sides(f.Target))) }},
		{FaultCut, n.checkDirection, func(f sim.Fault) func() { return l.cut(direction(f.Target)) }},
		{FaultClog, n.checkDirection, func(f sim.Fault) func() { return l.clog(direction(f.Target)) }},
		{FaultSwizzle, n.checkGroup, n.swizzle},
	}
	for _, h := range handlers {
		err := n.world.Handle(kindOf(n.options.Name, h.kind), sim.Handler{
			Check: func(f sim.Fault) error {
				if f.By != "" {
					return fmt.Errorf("a %s has no amount", f.Kind)
				}
				return h.check(f)
			},
			Deliver: func(f sim.Fault) (func(), bool) { return h.deliver(f), true },
		})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNetwork, err)
		}
	}
	return nil
}

// sides reads "a|b+c".
func sides(target string) [][]string {
	var all [][]string
	for side := range strings.SplitSeq(target, "|") {
		all = append(all, strings.Split(side, "+"))
	}
	return all
}

// apart answers for nodes that are named and share no side.
func apart(sides [][]string) func(link) bool {
	isNamed := func(node string) bool {
		return slices.ContainsFunc(sides, func(s []string) bool { return slices.Contains(s, node) })
	}
	return func(l link) bool {
		return isNamed(l.from) && isNamed(l.to) && !slices.ContainsFunc(sides, func(s []string) bool {
			return slices.Contains(s, l.from) && slices.Contains(s, l.to)
		})
	}
}

// direction reads "a+b>c": from any of these to any of those.
func direction(target string) func(link) bool {
	from, to, _ := strings.Cut(target, ">")
	froms, tos := strings.Split(from, "+"), strings.Split(to, "+")
	return func(l link) bool { return slices.Contains(froms, l.from) && slices.Contains(tos, l.to) }
}

func (n *Network[M]) checkSides(f sim.Fault) error {
	all := sides(f.Target)
	if len(all) < 2 {
		return errors.New("a partition has two sides or more, joined by |")
	}
	for _, side := range all {
		if err := n.checkNodes(side); err != nil {
			return err
		}
	}
	return nil
}

func (n *Network[M]) checkDirection(f sim.Fault) error {
	from, to, ok := strings.Cut(f.Target, ">")
	if !ok {
		return errors.New("a direction is FROM>TO")
	}
	return errors.Join(n.checkNodes(strings.Split(from, "+")), n.checkNodes(strings.Split(to, "+")))
}

func (n *Network[M]) checkGroup(f sim.Fault) error { return n.checkNodes(strings.Split(f.Target, "+")) }

func (n *Network[M]) checkNodes(names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(n.world.Nodes(), func(node *sim.Node) bool { return node.Name() == name }) {
			return fmt.Errorf("no node %q in this world", name)
		}
	}
	return nil
}

// swizzle clogs node after node during the first half of the fault, and frees them during
// the second, in an order that is drawn.
func (n *Network[M]) swizzle(f sim.Fault) (end func()) {
	nodes := strings.Split(f.Target, "+")
	pause := f.Duration / time.Duration(2*len(nodes))
	var clogged []func()
	isOver := false
	free := func() {
		if len(clogged) > 0 {
			i := n.world.Runtime().Choose(stream, "swizzle", len(clogged))
			end := clogged[i]
			clogged = slices.Delete(clogged, i, i+1)
			end()
		}
	}
	for i, node := range nodes {
		n.world.After(time.Duration(i)*pause, func() {
			if !isOver {
				clogged = append(clogged, n.links.clog(func(l link) bool { return l.from == node || l.to == node }))
			}
		})
		n.world.After(time.Duration(len(nodes)+i)*pause, free)
	}
	return func() {
		isOver = true
		for len(clogged) > 0 {
			free()
		}
	}
}

// Targets says, for [sim.Swarm], how to draw what the faults of a network hit: one node
// alone, halves, a bridge, a ring; a link in one direction, all that a node sends; any
// nodes. The name is that of the network, "" for the usual one.
func Targets(name string) map[sim.FaultKind]func(rand *runtime.Rand, nodes []string) (target, by string) {
	type draw = func(rand *runtime.Rand, nodes []string) (target, by string)
	shape := func(shape func(*runtime.Rand, []string) string) draw {
		return func(rand *runtime.Rand, nodes []string) (string, string) { return shape(rand, nodes), "" }
	}
	return map[sim.FaultKind]draw{
		kindOf(name, FaultPartition): shape(drawSides),
		kindOf(name, FaultCut):       shape(drawDirection),
		kindOf(name, FaultClog):      shape(drawDirection),
		kindOf(name, FaultSwizzle): shape(func(rand *runtime.Rand, nodes []string) string {
			return strings.Join(shuffled(rand, nodes), "+")
		}),
	}
}

func shuffled(rand *runtime.Rand, nodes []string) []string {
	nodes = slices.Clone(nodes)
	rand.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	return nodes
}

// drawSides draws a shape. With one node there is nothing to part it from: it stands on
// both sides.
func drawSides(rand *runtime.Rand, nodes []string) string {
	nodes = shuffled(rand, nodes)
	count := len(nodes)
	join := func(nodes []string) string { return strings.Join(nodes, "+") }
	switch shape := rand.IntN(4); {
	case count == 1:
		return nodes[0] + "|" + nodes[0]
	case shape == 0 || count == 2:
		return nodes[0] + "|" + join(nodes[1:])
	case shape == 1:
		return join(nodes[:count/2]) + "|" + join(nodes[count/2:])
	case shape == 2: // the one in the middle sees both sides
		return join(nodes[:count/2+1]) + "|" + join(nodes[count/2:])
	}
	var ring []string
	for i, node := range nodes {
		ring = append(ring, node+"+"+nodes[(i+1)%count])
	}
	return strings.Join(ring, "|")
}

// drawDirection draws one link, or all that leave a node, or all that lead to one.
func drawDirection(rand *runtime.Rand, nodes []string) string {
	nodes = shuffled(rand, nodes)
	one, others := nodes[0], nodes[1:]
	switch shape := rand.IntN(4); {
	case len(others) == 0:
		return one + ">" + one
	case shape == 0:
		return one + ">" + strings.Join(others, "+")
	case shape == 1:
		return strings.Join(others, "+") + ">" + one
	}
	return one + ">" + others[0]
}
