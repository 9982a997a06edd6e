package sim

import (
	"math/bits"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Strategy makes the choices of a run. All its methods are called by one
// goroutine at a time.
type Strategy interface {
	// Pick returns the index of the candidate that goes on.
	Pick(d *Decision) int

	// Draw answers a choice of the program or of a fault: a number in [0, n),
	// n at least 2, where 0 means that nothing bad happens.
	Draw(stream, site string, n int) int
}

// Decision is a scheduling decision with two candidates or more. Candidate 0
// is the current task if it can go on, and otherwise the task that has been
// ready longest; alarms that are due come last. A Decision is valid only
// during Pick.
type Decision struct {
	kernel *kernel
	stay   bool
	n      int
}

// Len returns the number of candidates.
func (d *Decision) Len() int { return d.n }

// Continues reports whether candidate 0 is the task that ran last.
func (d *Decision) Continues() bool { return d.stay }

// Task returns candidate i; nil if it is an alarm.
func (d *Decision) Task(i int) *runtime.Task {
	if t := d.kernel.candidate(i, d.stay); t != nil {
		return t.runtime
	}
	return nil
}

// Op returns what candidate i is about to do; for an alarm, that of a timer.
func (d *Decision) Op(i int) runtime.Op {
	if t := d.kernel.candidate(i, d.stay); t != nil {
		return t.op
	}
	return runtime.Op{Kind: runtime.OpTimer}
}

// Random returns the strategy that gives every candidate the same chance. A
// stream's choices depend on the seed and on nothing drawn from other streams.
func Random(seed uint64) Strategy {
	return &random{draws: newDraws(seed), schedule: runtime.NewRand(streamSeed(seed, "schedule"))}
}

type random struct {
	draws
	schedule *runtime.Rand
}

func (r *random) Pick(d *Decision) int { return below(r.schedule, d.n) }

func (r *random) String() string { return "random" }

// below returns a number in [0, n). It multiplies and shifts: with so few
// candidates the bias is below 2^-50.
func below(r *runtime.Rand, n int) int {
	i, _ := bits.Mul64(r.Uint64(), uint64(n))
	return int(i)
}

// draws answers the choices of the program and of faults in the same way under
// every strategy that samples, so that these differ in interleavings only.
type draws struct {
	seed    uint64
	streams map[string]*runtime.Rand
}

func newDraws(seed uint64) draws { return draws{seed, make(map[string]*runtime.Rand)} }

func (r *draws) Draw(stream, _ string, n int) int {
	s := r.streams[stream]
	if s == nil {
		s = runtime.NewRand(streamSeed(r.seed, "draw/"+stream))
		r.streams[stream] = s
	}
	return s.IntN(n)
}
