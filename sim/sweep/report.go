package sweep

import (
	"cmp"
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
	// InconclusiveMessage is that of the inconclusive run with the lowest seed.
	InconclusiveMessage string
	// Assertions are the counts of all runs together, faults included. What
	// the scenario lists and no run evaluated is there with a count of 0.
	Assertions []runtime.Assertion
	// Interrupted is set if the context ended before the sweep.
	Interrupted bool

	Steps, Switches uint64
	// Virtual is simulated time, Real is wall time.
	Virtual, Real time.Duration

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
