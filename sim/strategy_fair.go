package sim

import "github.com/tidemarkdb/tidemark/runtime"

// starvedMax is for how many steps a strategy by priorities may pass over a
// candidate that can go on.
const starvedMax = 10_000

// standing is what a strategy by priorities keeps of a candidate: in the task, or
// in the alarm, so that a decision looks nothing up. The highest priority goes on; 0
// is none yet.
type standing struct {
	rank   uint64 // priority of the task, or of the alarm; under POS that of what the task did last
	chance uint64 // priority of what it is about to do; the kernel clears it when that changes
}

// standing returns that of candidate i.
func (d *Decision) standing(i int) *standing {
	k := d.kernel
	if d.stay {
		if i == 0 {
			return &k.cur.standing
		}
		i--
	}
	if i < len(k.runnable) {
		return &k.runnable[i].standing
	}
	return &k.due[i-len(k.runnable)].standing
}

// tail keeps a strategy by priorities from starving somebody for ever. A task that
// polls (a select with a default case in a loop) would keep the processor as long as
// it has the highest priority, and wait for a task that never runs. When a candidate
// was passed over for a number of steps, as many decisions are fair ones, which
// give each candidate the same chance. Their number doubles each time, so that at
// least half of a long run is fair, and in stretches of any length: a program that
// ends under chance ends under the strategy, too.
type tail struct {
	random *runtime.Rand
	bound  uint64 // for how many steps somebody may be passed over
	length uint64 // of the next fair stretch
	left   uint64 // of this one

	step  uint64 // of the last decision
	task  starving[*task]
	alarm starving[*alarm]
}

// starving is who has been ready longest, and since which step at least.
type starving[T comparable] struct {
	who   T
	since uint64
}

func newTail(seed, bound uint64) tail {
	bound = max(bound, starvedMax)
	return tail{random: runtime.NewRand(streamSeed(seed, "tail")), bound: bound, length: bound}
}

// isFair reports whether the decision has to be a fair one.
func (f *tail) isFair(d *Decision) bool {
	if f.left > 0 {
		f.left--
		return true
	}
	k := d.kernel
	if k.steps != f.step+1 { // somebody ran who had no rival: nobody was passed over
		f.task.since, f.alarm.since = k.steps, k.steps
	}
	f.step = k.steps
	starved := false
	if len(k.runnable) > 0 && f.task.waits(k.runnable[0], k.steps) >= f.bound {
		starved = true
	}
	if len(k.due) > 0 && f.alarm.waits(k.due[0], k.steps) >= f.bound {
		starved = true
	}
	if starved {
		f.left, f.step = f.length-1, 0
		f.length *= 2
	}
	return starved
}

// waits returns for how many steps the one who has been ready longest was passed
// over.
func (s *starving[T]) waits(who T, step uint64) uint64 {
	if who != s.who {
		s.who, s.since = who, step
	}
	return step - s.since
}

// pick is a fair decision.
func (f *tail) pick(d *Decision) int { return below(f.random, d.n) }
