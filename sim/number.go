package sim

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Number is a number below a bound that was taken from a stream of runtime.Rand. Such
// numbers are no choices: they follow from the seed, and make the workload. A script
// makes a workload smaller by a limit for some of them.
type Number struct {
	// Node, empty for the harness, Incarnation and Stream say from which stream.
	Node        string `json:"node,omitempty"`
	Incarnation uint64 `json:"incarnation,omitempty"`
	Stream      string `json:"stream"`
	// Index is how many were taken before it.
	Index uint64 `json:"index"`
	// Value is the number; in [Script.Limits], the most that it may be.
	Value uint64 `json:"value"`
}

// String returns the number in a few words.
func (n Number) String() string {
	text := fmt.Sprintf("number %d of stream %q", n.Index, n.Stream)
	if n.Node != "" {
		text += " of " + n.Node
	}
	if n.Incarnation > 1 {
		text += fmt.Sprintf("@%d", n.Incarnation)
	}
	return fmt.Sprintf("%s is %d", text, n.Value)
}

// place returns which number it is, without its value.
func (n Number) place() Number {
	n.Value = 0
	return n
}

// numbersMax is how many numbers of a run are written down.
const numbersMax = 1000

// drawsOf returns what sees the numbers of a node; nil if there is no need.
func (k *kernel) drawsOf(node string, incarnation uint64) func(runtime.Draw) uint64 {
	if k.guide == nil && k.scribe == nil {
		return nil
	}
	return numbers{k, node, incarnation}.drawn
}

// numbers sees those of one incarnation.
type numbers struct {
	kernel      *kernel
	node        string
	incarnation uint64
}

// drawn is called by the program, and looks into what is the kernel's.
//
//go:norace
func (s numbers) drawn(d runtime.Draw) (value uint64) {
	n := Number{
		Node: s.node, Incarnation: s.incarnation, Stream: detached(d.Stream), Index: d.Index, Value: d.Value,
	}
	s.kernel.call(func() { value = s.kernel.number(n) })
	return value
}

// number writes a number down, or makes it smaller, as there is need.
func (k *kernel) number(n Number) uint64 {
	drawn := n.Value
	if k.guide != nil {
		n.Value = k.guide.limited(n)
	}
	if k.scribe != nil {
		k.scribe.number(n, drawn)
	}
	return n.Value
}

// limited returns what a script leaves of a number.
func (g *guide) limited(n Number) uint64 {
	limit, ok := g.limits[n.place()]
	if !ok {
		return n.Value
	}
	return min(n.Value, limit)
}

// number writes a number down the first time that it is taken: a second stream of the
// same name has the same ones.
func (s *scribe) number(n Number, drawn uint64) {
	if len(s.numbers) == numbersMax || s.numbers[n.place()] {
		return
	}
	if s.numbers == nil {
		s.numbers = make(map[Number]bool)
	}
	s.numbers[n.place()] = true
	s.script.Numbers = append(s.script.Numbers, n)
	if n.Value < drawn {
		s.script.Limits = append(s.script.Limits, n)
	}
}
