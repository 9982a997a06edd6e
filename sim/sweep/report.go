package sweep

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Report is what a sweep found.
type Report struct {
	Scenario string
	// Total is the number of seeds asked for, 0 if time was the limit; Done of
	// them were run.
	Total, Done uint64
	// OK, Failed and Inconclusive add up to Done.
	OK, Failed, Inconclusive uint64
	// Checked seeds were run twice.
	Checked uint64
	// Failures are ordered by seed, one for each failure id.
	Failures []Failure
	// Divergences are seeds whose two runs differed.
	Divergences []Divergence
	// Races are the seeds during whose runs the race detector reported, in order. What
	// it reported stands in its own output; other seeds that ran at the same time are
	// here, too.
	Races []uint64
	// InconclusiveMessage is that of the inconclusive run with the lowest seed.
	InconclusiveMessage string
	// Assertions are the counts of all runs together, faults included. What
	// the scenario lists and no run evaluated is there with a count of 0.
	Assertions []runtime.Assertion
	// Interrupted is set if the context ended before the sweep.
	Interrupted bool
	// Shard is the part of the seeds that were asked for.
	Shard Shard
	// MemoryExceeded is the size of the heap that ended the sweep; 0 if none did.
	MemoryExceeded uint64

	Steps, Switches uint64
	// Virtual is simulated time, Real is wall time, in which Cores ran seeds.
	Virtual, Real time.Duration
	Cores         int

	handedOut        uint64
	inconclusiveSeed uint64
}

// Failure is one way in which runs failed.
type Failure struct {
	// Result is that of the lowest seed.
	Result sim.Result
	// Count is the number of seeds that failed in this way.
	Count uint64
}

// Divergence is a seed that did not repeat.
type Divergence struct {
	Seed          uint64
	First, Second uint64 // hashes
	// Where says which was the first decision that differed; empty if only
	// the outcome did, or if nobody remembers.
	Where string
}

func (r *Report) add(one sim.Result) {
	r.Done++
	r.Steps += one.Steps
	r.Switches += one.Switches
	r.Virtual += one.Time
	switch {
	case one.Verdict.Failed():
		r.Failed++
	case one.Verdict.Kind == sim.Inconclusive:
		r.Inconclusive++
		if r.InconclusiveMessage == "" || one.Seed < r.inconclusiveSeed {
			r.inconclusiveSeed = one.Seed
			r.InconclusiveMessage = "seed " + Format(one.Seed) + ": " + one.Verdict.Message
		}
	default:
		r.OK++
	}
	if one.Races > 0 {
		r.Races = append(r.Races, one.Seed)
	}
	for _, a := range one.Assertions {
		r.count(a)
	}
}

// count adds to the counts of one assertion; the list stays sorted.
func (r *Report) count(a runtime.Assertion) {
	i, found := slices.BinarySearchFunc(r.Assertions, a, func(x, y runtime.Assertion) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), strings.Compare(x.ID, y.ID))
	})
	if !found {
		r.Assertions = slices.Insert(r.Assertions, i, a)
		return
	}
	r.Assertions[i].Evaluated += a.Evaluated
	r.Assertions[i].Held += a.Held
}

// missing adds what the scenario asks for and no run has evaluated.
func (r *Report) missing(scenario sim.Scenario) {
	for _, kind := range scenario.Faults {
		r.count(runtime.Assertion{Kind: runtime.KindFault, ID: kind})
	}
	for _, id := range scenario.Goals {
		if !slices.ContainsFunc(r.Assertions, func(a runtime.Assertion) bool {
			return a.ID == id && (a.Kind == runtime.KindSometimes || a.Kind == runtime.KindReachable)
		}) {
			r.count(runtime.Assertion{Kind: runtime.KindSometimes, ID: id})
		}
	}
}

// CoreSeconds returns what the sweep cost, if each of its workers had a core of its own.
func (r *Report) CoreSeconds() float64 { return r.Real.Seconds() * float64(max(r.Cores, 1)) }

// Merge adds the report of another part of the same sweep. The parts have run on machines
// of their own, so their core-seconds add up, and their wall time is the longest.
func (r *Report) Merge(other Report) {
	seconds := r.CoreSeconds() + other.CoreSeconds()
	r.Total, r.Done, r.OK = r.Total+other.Total, r.Done+other.Done, r.OK+other.OK
	r.Failed, r.Inconclusive = r.Failed+other.Failed, r.Inconclusive+other.Inconclusive
	r.Checked, r.Steps, r.Switches = r.Checked+other.Checked, r.Steps+other.Steps, r.Switches+other.Switches
	r.Virtual, r.Real = r.Virtual+other.Virtual, max(r.Real, other.Real)
	r.Cores = int(math.Ceil(seconds / max(r.Real.Seconds(), 1e-9)))
	r.Interrupted = r.Interrupted || other.Interrupted
	r.MemoryExceeded = max(r.MemoryExceeded, other.MemoryExceeded)
	r.InconclusiveMessage = cmp.Or(r.InconclusiveMessage, other.InconclusiveMessage)
	r.Divergences = append(r.Divergences, other.Divergences...)
	for _, a := range other.Assertions {
		r.count(a)
	}
	for _, f := range other.Failures {
		r.mergeFailure(f)
	}
	r.sort()
}

func (r *Report) mergeFailure(f Failure) {
	for i := range r.Failures {
		own := &r.Failures[i]
		if own.Result.Verdict.FailureID() != f.Result.Verdict.FailureID() {
			continue
		}
		own.Count += f.Count
		if f.Result.Seed < own.Result.Seed {
			own.Result = f.Result
		}
		return
	}
	r.Failures = append(r.Failures, f)
}

func (r *Report) sort() {
	slices.SortFunc(r.Failures, func(a, b Failure) int { return cmp.Compare(a.Result.Seed, b.Result.Seed) })
	slices.SortFunc(r.Divergences, func(a, b Divergence) int { return cmp.Compare(a.Seed, b.Seed) })
}

// Obligations returns the goals and faults among the assertions.
func (r *Report) Obligations() []runtime.Assertion {
	var all []runtime.Assertion
	for _, a := range r.Assertions {
		switch a.Kind {
		case runtime.KindSometimes, runtime.KindReachable, runtime.KindFault:
			all = append(all, a)
		}
	}
	return all
}

// Unmet returns the obligations that no run has met.
func (r *Report) Unmet() []runtime.Assertion {
	return slices.DeleteFunc(r.Obligations(), func(a runtime.Assertion) bool { return a.Held > 0 })
}
