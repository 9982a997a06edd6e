package sim

import (
	"slices"

	"github.com/tidemarkdb/tidemark/runtime"
)

// POS returns the strategy of Yuan, Yang and Gu ("Partial Order Aware Concurrency
// Sampling", CAV 2018). Each pending operation has a random priority, and the
// highest one goes on; those that race with it, because they are on the same object
// and one of the two writes, draw theirs anew. So it samples the orders of
// operations that race, and wastes little chance on those that commute. It is much
// better than [Random] where tasks also do what does not race, and up to a few times
// worse where they do next to nothing else (docs/detection.md).
//
// An operation without an object, such as a yield, races with none. A candidate
// that is starved for more than 10,000 steps makes the strategy fair for a while.
func POS(seed uint64) Strategy {
	return &pos{
		draws: newDraws(seed), fair: newTail(seed, 0), chances: chances(streamSeed(seed, "pos")),
	}
}

type pos struct {
	draws
	fair    tail
	chances chances
	last    access // of the operation that went on
}

// chances is the stream of priorities, the generator SplitMix64 (Steele, Lea and Flood,
// OOPSLA 2014). Where all operations race a decision draws one for each candidate, and
// a better generator would take longer than all the rest.
type chances uint64

// indexBits are the low bits of a priority, which are 0. A decision puts the index of the
// candidate there and takes the maximum: a branch would be mispredicted too often.
const indexBits = 24

// next returns a priority, which is not 0.
func (c *chances) next() uint64 {
	*c += 0x9e3779b97f4a7c15
	z := uint64(*c)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return (z^z>>31)>>indexBits<<indexBits | 1<<indexBits
}

func (p *pos) Pick(d *Decision) int {
	if p.fair.isFair(d) {
		p.last.n = 0
		return p.fair.pick(d)
	}
	i := p.highest(d)
	p.last.n = 0
	if t := d.kernel.candidate(i, d.stay); t != nil {
		p.last.set(t)
	}
	return i
}

// highest returns the candidate of the highest priority. A priority is drawn for an
// operation that is new, and for one that races with the one that went on.
func (p *pos) highest(d *Decision) int {
	k := d.kernel
	highest, i := uint64(0), uint64(0)
	if d.stay {
		highest, i = p.priority(&k.cur.standing), 1
	}
	one, only := p.last.objects[0], p.last.n == 1 // nearly always, and nothing is called then
	for _, t := range k.runnable {
		x := t.chance
		switch o := t.op.Object; {
		case only && o != nil:
			if o.ID == one && p.last.conflicts(t) {
				x = 0
			}
		case p.last.n > 0 && p.last.races(t):
			x = 0
		}
		if x == 0 {
			x = p.chances.next()
			t.chance = x
		}
		highest = max(highest, x|i)
		i++
	}
	for _, a := range k.due {
		highest = max(highest, p.priority(&a.standing)|i)
		i++
	}
	return int(highest & (1<<indexBits - 1))
}

func (p *pos) priority(s *standing) uint64 {
	if s.chance == 0 {
		s.chance = p.chances.next()
	}
	return s.chance
}

func (p *pos) String() string { return "pos" }

// access is what an operation is known to work on: the identities of up to four
// objects, none if nothing is known.
type access struct {
	objects [4]uint64
	n       int
	writes  bool
}

// set makes it what a task is about to work on.
func (a *access) set(t *task) {
	a.n, a.writes = 0, t.op.Kind.Writes()
	if t.op.Object != nil {
		a.objects[0], a.n = t.op.Object.ID, 1
	} else if t.op.Kind == runtime.OpSelect {
		for o := range t.runtime.Objects() {
			a.objects[a.n] = o.ID
			a.n++
		}
	}
}

// races reports whether a task is about to work on one of the objects, and one of
// the two accesses writes.
func (a *access) races(t *task) bool {
	var other access
	other.set(t)
	for _, object := range other.objects[:other.n] {
		if slices.Contains(a.objects[:a.n], object) {
			return a.conflicts(t)
		}
	}
	return false
}

func (a *access) conflicts(t *task) bool { return a.writes || t.op.Kind.Writes() }
