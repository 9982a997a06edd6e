package sim

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/tidemarkdb/tidemark/runtime"
)

// PCTConfig refines [PCT]. The zero value guesses the number of decisions and
// changes priorities before any operation.
type PCTConfig struct {
	// Steps is the number k of decisions that count, as expected of a run:
	// those among two candidates or more, before an operation of Points.
	// Result.Steps of a run is never less. 0 lets each seed guess it.
	Steps uint64
	// Points says before which operations priorities may change.
	Points Points
}

// Points are operations before which [PCT] may change priorities.
type Points uint8

// The choices of points. Fewer points make k smaller, and a bug of depth d that
// needs no others k^(d-1) times as likely as the fewer points are less.
const (
	// AllPoints are all operations.
	AllPoints Points = iota
	// InterestingPoints are those that take, pass on or change something that
	// tasks share: locks, channels, selects, semaphores, signals, resources. The
	// rest is yields, starts, spawns, joins, sleeps, timers, cancellations, and
	// giving back.
	InterestingPoints
	// ResourcePoints are reads and writes of resources, and external calls: what goes
	// out of a node.
	ResourcePoints
)

// has reports whether an operation is one of the points.
func (p Points) has(kind runtime.OpKind) bool {
	switch kind {
	case runtime.OpRead, runtime.OpWrite, runtime.OpExternal:
		return true
	case runtime.OpSend, runtime.OpRecv, runtime.OpClose, runtime.OpSelect,
		runtime.OpLock, runtime.OpTryLock, runtime.OpRLock, runtime.OpTryRLock,
		runtime.OpAcquire, runtime.OpTryAcquire, runtime.OpOnce, runtime.OpSignal, runtime.OpBroadcast:
		return p != ResourcePoints
	}
	return p == AllPoints
}

// Guesses of k are at least 2^guessMin and less than 2^guessMax.
const (
	guessMin = 3
	guessMax = 16
)

// guess returns a k: each range between two powers of two has the same chance.
func guess(r *runtime.Rand) uint64 {
	k := uint64(1) << runtime.Between(r, guessMin, guessMax-1)
	return runtime.Between(r, k, 2*k-1)
}

// PCT returns the strategy of Burckhardt, Kothari, Musuvathi and Nagarakatte ("A
// Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS
// 2010). Each task gets a random priority, and the highest one goes on; at depth-1
// random points of the run the task that is about to go on falls below all others.
// A bug that depends on the order of d pairs of operations, among n tasks and k
// decisions, shows in at least one of n·k^(d-1) runs under PCT(d). A depth below 1
// is taken as 1.
//
// Seeds share nothing, so none can learn k from another. Without a PCTConfig.Steps
// each seed guesses k between 8 and 65,535, and its logarithm is uniform. So guesses
// around k are one in thirteen for each power of two, and for a k well below the
// largest one the bound holds but for a factor of about 10·(d-1), for a d above 1.
//
// A task that the strategy starves for more than 10,000 steps, or Steps if that is
// more, makes it fair for a while.
func PCT(depth int, config PCTConfig) func(seed uint64) Strategy {
	depth = max(depth, 1)
	return func(seed uint64) Strategy { return newPCT(seed, depth, config) }
}

type pct struct {
	draws
	fair     tail
	depth    int
	config   PCTConfig
	schedule *runtime.Rand
	changes  []change // those to come, in order of their steps
	counted  uint64   // decisions so far, before operations that are points
}

// change is a point at which a priority falls.
type change struct{ step, priority uint64 }

func newPCT(seed uint64, depth int, config PCTConfig) *pct {
	p := &pct{
		draws: newDraws(seed), fair: newTail(seed, config.Steps), depth: depth, config: config,
		schedule: runtime.NewRand(streamSeed(seed, "pct")),
	}
	k := config.Steps
	if k == 0 {
		k = guess(p.schedule)
	}
	for i := 1; i < depth; i++ {
		p.changes = append(p.changes, change{runtime.Between(p.schedule, 1, k), uint64(i)})
	}
	slices.SortFunc(p.changes, func(a, b change) int { return cmp.Compare(a.step, b.step) })
	return p
}

func (p *pct) Pick(d *Decision) int {
	if p.fair.isFair(d) {
		return p.fair.pick(d)
	}
	for {
		i := p.highest(d)
		if !p.config.Points.has(d.Op(i).Kind) {
			return i
		}
		if len(p.changes) == 0 || p.changes[0].step > p.counted+1 {
			p.counted++
			return i
		}
		d.standing(i).rank = p.changes[0].priority
		p.changes = p.changes[1:]
	}
}

// highest returns the candidate of the highest priority.
func (p *pct) highest(d *Decision) int {
	k := d.kernel
	best, highest, i := 0, uint64(0), 0
	if d.stay {
		highest, i = p.priority(&k.cur.standing), 1
	}
	for _, t := range k.runnable {
		if x := p.priority(&t.standing); x > highest {
			best, highest = i, x
		}
		i++
	}
	for _, a := range k.due {
		if x := p.priority(&a.standing); x > highest {
			best, highest = i, x
		}
		i++
	}
	return best
}

// priority returns that of a candidate. Who is new draws one, which is above all
// that changes give.
func (p *pct) priority(s *standing) uint64 {
	if s.rank == 0 {
		p.draw(s)
	}
	return s.rank
}

func (p *pct) draw(s *standing) { s.rank = p.schedule.Uint64() | 1<<63 }

func (p *pct) String() string {
	text := "pct:" + strconv.Itoa(p.depth)
	switch p.config.Points {
	case InterestingPoints:
		text += ":interesting"
	case ResourcePoints:
		text += ":resources"
	}
	if p.config.Steps > 0 {
		text += ":steps=" + strconv.FormatUint(p.config.Steps, 10)
	}
	return text
}
