package sim

import (
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/runtime"
)

// randomFirst is how many decisions [POS] leaves to chance.
const randomFirst = 12

// POS is [POSAfter] 12 random decisions.
func POS(seed uint64) Strategy { return POSAfter(randomFirst)(seed) }

// POSAfter returns the strategy of Yuan, Yang and Gu ("Partial Order Aware Concurrency
// Sampling", CAV 2018), after a number of decisions of [Random]. Each pending operation
// has a random priority, and the highest one goes on; those that race with it, because
// they are on the same object and one of the two writes, draw theirs anew. So it samples
// the orders of operations that race, and wastes little chance on those that commute.
//
// It departs from the paper in two points. An operation that races with none, as far as is
// known, takes over the priority of the task's operation before it. That is a spawn, the
// first operation after a start, and the fifth and any later one on an object that nobody
// else has been about to use so far. If each of them drew, as in the paper, they would
// settle how far tasks get ahead of each other before those that race have begun.
//
// Any other operation without an object, such as a yield, draws, and so does every
// hundredth one on an object of its own: a task that polls has to let others go on. A
// candidate that is starved for more than 10,000 steps makes the strategy fair for a while.
//
// The other point is the random beginning. POS lets tasks get far apart; that is much
// better than chance where they also do what does not race, and up to three times worse
// where they start side by side and the bug is right there. With 12 random decisions it is
// hardly worse there, and finds what needs tasks far apart within 20 to 60 decisions a third
// as often (docs/detection.md). In a [Portfolio], which has [Random] besides, it begins at
// once.
func POSAfter(decisions uint64) func(seed uint64) Strategy {
	return func(seed uint64) Strategy {
		return &pos{
			draws: newDraws(seed), fair: newTail(seed, 0), chances: chances(streamSeed(seed, "pos")),
			uses:  make(map[uint64]*use),
			first: decisions, left: decisions, random: runtime.NewRand(streamSeed(seed, "schedule")),
		}
	}
}

type pos struct {
	draws
	fair    tail
	chances chances
	last    access          // of the operation that went on
	uses    map[uint64]*use // by the identity of the object
	shared  uint64          // the one of several tasks that was about to be used last

	first, left uint64 // how many decisions are random: of all, and of those to come
	random      *runtime.Rand
}

// use is by whom an object is used, and how often.
type use struct {
	task  *task // nil if there are several
	count uint64
}

const (
	// ownUses is how often a task has to use an object, alone, before the object counts as
	// its own: to many that are shared one task comes first.
	ownUses = 4
	// drawnUses is after how many uses one of an own object draws all the same.
	drawnUses = 100
	// usesMax is how many objects are known at most. Then all are forgotten.
	usesMax = 1 << 14
)

// chances is the stream of priorities, the generator SplitMix64 (Steele, Lea and Flood,
// OOPSLA 2014).
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

// derive returns the priority that candidate i draws in a decision, of one number that was
// drawn for all of them. Where all operations race each candidate needs one, and a
// generator that is called so often would take longer than all the rest. The differences
// between two candidates are spread over all bits by the first factor, and how they add
// up depends on the number; the second one brings all of it up to the bits that count.
func derive(drawn, i uint64) uint64 {
	return (drawn ^ i*0x9e3779b97f4a7c15) * 0xbf58476d1ce4e5b9 >> indexBits << indexBits
}

func (p *pos) Pick(d *Decision) int {
	if p.left > 0 {
		p.left--
		return below(p.random, d.n)
	}
	if p.fair.isFair(d) {
		p.last.n = 0
		return p.fair.pick(d)
	}
	i := p.highest(d)
	p.last.n = 0
	if t := d.kernel.candidate(i, d.stay); t != nil {
		p.last.set(t)
		t.rank = t.chance
	}
	return i
}

// highest returns the candidate of the highest priority. An operation that is new gets
// one, and one that races with the one that went on draws another one.
func (p *pos) highest(d *Decision) int {
	k := d.kernel
	highest, i := uint64(0), uint64(0)
	if d.stay {
		if k.cur.chance == 0 {
			p.begin(k.cur)
		}
		highest, i = k.cur.chance, 1
	}
	one, only := p.last.objects[0], p.last.n == 1 // nearly always, and nothing is called then
	drawn := p.chances.next()
	for _, t := range k.runnable {
		switch o := t.op.Object; {
		case t.chance == 0:
			p.begin(t)
		case only && o != nil:
			if o.ID == one && p.last.conflicts(t) {
				t.chance = derive(drawn, i)
			}
		case p.last.n > 0 && p.last.races(t):
			t.chance = derive(drawn, i)
		}
		highest = max(highest, t.chance|i)
		i++
	}
	for _, a := range k.due {
		if a.chance == 0 {
			a.chance = p.chances.next()
		}
		highest = max(highest, a.chance|i)
		i++
	}
	return int(highest & (1<<indexBits - 1))
}

// begin gives a new operation its priority: that of the one before it, if it races with
// none.
func (p *pos) begin(t *task) {
	t.chance = t.rank
	if !p.racesWithNone(t) || t.rank == 0 { // 0: it has not gone on yet, or had no rival
		t.chance = p.chances.next()
	}
}

// racesWithNone takes note of what a task is about to use, and reports whether nobody
// else is known to care for that.
func (p *pos) racesWithNone(t *task) bool {
	switch {
	case t.op.Object != nil:
		n := p.use(t.op.Object.ID, t)
		return t.points == 1 || n > ownUses && n%drawnUses != 0
	case t.op.Kind == runtime.OpSelect:
		for o := range t.runtime.Objects() {
			p.use(o.ID, t)
		}
	}
	return t.points == 1 || t.op.Kind == runtime.OpSpawn
}

// use takes note that a task is about to use an object, and returns how often it was; 0
// if others were, too.
func (p *pos) use(object uint64, t *task) uint64 {
	if object == p.shared {
		return 0
	}
	u := p.uses[object]
	if u == nil {
		if len(p.uses) == usesMax {
			clear(p.uses)
			p.shared = 0
		}
		u = &use{task: t}
		p.uses[object] = u
	}
	if u.task != t {
		*u, p.shared = use{}, object
		return 0
	}
	u.count++
	return u.count
}

func (p *pos) String() string {
	if p.first == randomFirst {
		return "pos"
	}
	return fmt.Sprint("pos:after=", p.first)
}

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
