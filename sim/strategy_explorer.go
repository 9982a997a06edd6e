package sim

import "fmt"

// explorer is the strategy of [Explore]. It lives through all executions, and goes
// depth first: each execution follows the path, changes its last choice, and goes on
// with the first candidates that there are.
type explorer struct {
	bound  Bound
	reduce bool
	path   []branch

	// What follows is of the execution under way.
	kernel    *kernel
	position  int // how much of the path was followed
	ran       ran
	redundant bool
}

// branch is a choice on the path.
type branch struct {
	options int
	picked  int
	// What follows is of a decision among tasks and alarms, which has candidates.
	candidates  []uint64 // the hashes of the tasks, 0 for an alarm
	continues   bool     // the first one is the task that ran last
	preemptions int      // before it
	asleep      []sleeper
	footprint   footprint // of the candidate that was picked
}

func (b *branch) isDraw() bool { return b.candidates == nil }

// begin starts an execution.
func (e *explorer) begin(k *kernel) {
	e.kernel, e.position, e.redundant = k, 0, false
	e.ran = ran{branch: -1}
}

// Pick implements [Strategy].
func (e *explorer) Pick(d *Decision) int {
	isNew, isWithin := e.position == len(e.path), e.within()
	if isNew {
		e.settle(d, !isWithin)
		if e.isRedundant() {
			return e.giveUp()
		}
	}
	if !isWithin {
		e.ran.skip(d)
		return 0
	}
	if isNew {
		e.path = append(e.path, e.arrive(d))
		if !e.advance(e.position, 0) {
			return e.giveUp()
		}
	} else if !e.path[e.position].fits(d) {
		return e.diverge(fmt.Sprintf("choice %d is among %d tasks and alarms", e.position, d.n))
	}
	i := e.path[e.position].picked
	e.ran = newRan(d, e.position, i)
	e.position++
	return i
}

// Draw implements [Strategy].
func (e *explorer) Draw(stream, site string, n int) int {
	if e.kernel.steps == e.ran.step {
		e.ran.isOpaque = true
	}
	if !e.within() {
		return 0
	}
	if e.position == len(e.path) {
		e.path = append(e.path, branch{options: n})
	} else if b := &e.path[e.position]; !b.isDraw() || b.options != n {
		return e.diverge(fmt.Sprintf("choice %d is among %d (%s %s)", e.position, n, stream, site))
	}
	e.position++
	return e.path[e.position-1].picked
}

func (e *explorer) within() bool { return e.bound.Window == nil || e.bound.Window() }

// diverge ends a run that does not follow the path, although it made the same choices.
func (e *explorer) diverge(what string) int {
	e.kernel.end(Verdict{Kind: Diverged, Message: what + ", and was something else the time before"})
	return -1
}

// giveUp ends a run all of whose continuations are equivalent to explored ones.
func (e *explorer) giveUp() int {
	e.path = e.path[:e.position]
	e.redundant = true
	e.kernel.end(Verdict{Kind: Inconclusive, Message: "equivalent to an execution that was explored"})
	return -1
}

// arrive returns the branch of a decision that no execution has come to before.
func (e *explorer) arrive(d *Decision) branch {
	b := branch{options: d.n, continues: d.stay, candidates: make([]uint64, d.n)}
	for i := range b.candidates {
		b.candidates[i] = d.hash(i)
	}
	if last := e.ran.branch; last >= 0 {
		before := &e.path[last]
		b.preemptions = before.preemptions + before.preempts(before.picked)
		b.asleep = before.survivors()
	}
	return b
}

// hash returns that of candidate i; 0 for an alarm.
func (d *Decision) hash(i int) uint64 {
	if t := d.Task(i); t != nil {
		return t.Hash()
	}
	return 0
}

// fits reports whether a decision is the one that the branch was made for.
func (b *branch) fits(d *Decision) bool {
	return !b.isDraw() && b.options == d.n && b.candidates[b.picked] == d.hash(b.picked)
}

// preempts returns 1 if candidate i takes the processor from a task that could go
// on. An alarm gives it back.
func (b *branch) preempts(i int) int {
	if b.continues && i > 0 && b.candidates[i] != 0 {
		return 1
	}
	return 0
}

// advance picks the first option of a branch, from one on, that is to be explored. It
// is false if there is none.
func (e *explorer) advance(position, from int) bool {
	b := &e.path[position]
	for i := from; i < b.options; i++ {
		if b.isDraw() || !b.sleeps(i) && e.affords(b, i) {
			b.picked = i
			return true
		}
	}
	return false
}

func (e *explorer) affords(b *branch, i int) bool {
	return e.bound.Preemptions == 0 || b.preemptions+b.preempts(i) <= max(e.bound.Preemptions, 0)
}

// backtrack changes the last choice of the path that has an alternative. It is false
// when everything is explored.
func (e *explorer) backtrack() bool {
	for last := len(e.path) - 1; last >= 0; last-- {
		b := &e.path[last]
		if e.reduce && !b.isDraw() && b.candidates[b.picked] != 0 {
			b.asleep = append(b.asleep, sleeper{b.candidates[b.picked], b.footprint})
		}
		if e.advance(last, b.picked+1) {
			return true
		}
		e.path = e.path[:last]
	}
	return false
}
