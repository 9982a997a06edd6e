package sim

import (
	"cmp"
	"context"
	"fmt"
	"strings"
)

// Bound says how far [Explore] goes. The zero value is everything, up to a million
// executions.
type Bound struct {
	// Executions ends the exploration after so many, redundant ones included; 0 is
	// a million.
	Executions int
	// Preemptions is how often one execution may take the processor from a task that
	// could go on; 0 is as often as possible, [NonPreemptive] never. Most bugs need
	// one or two (Musuvathi and Qadeer, PLDI 2007). Executions within such a bound
	// are explored without sleep sets, which could leave some of them out.
	Preemptions int
	// Window, if not nil, is asked before each choice. Where it is false the choice
	// is 0, and its alternatives are not explored: what comes before and after the
	// part in question.
	Window func() bool
	// Everything explores equivalent executions, too: without sleep sets.
	Everything bool
	// KeepGoing does not end the exploration at the first run that fails.
	KeepGoing bool
	// Each, if not nil, is called with the result of each execution that counts.
	Each func(Result)
}

// NonPreemptive is the [Bound.Preemptions] of none at all.
const NonPreemptive = -1

const executionsDefault = 1_000_000

// Exploration is what [Explore] has found.
type Exploration struct {
	// Executions is how many runs came to a verdict.
	Executions int
	// Redundant is how many more were given up, because what was left of them is
	// equivalent to one that was explored.
	Redundant int
	// Complete says that there are no other executions within the bound.
	Complete bool
	// Failures and Inconclusive are how many of the executions failed, and how many
	// reached a limit.
	Failures, Inconclusive int
	// Failure is the first run that failed, with its tape; nil if there is none.
	Failure *Result
	// Preemptions is that of the bound.
	Preemptions int
}

// String returns the finding in one line: "explored 1204 executions, complete".
func (x Exploration) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "explored %d executions, ", x.Executions)
	if !x.Complete {
		b.WriteString("in")
	}
	b.WriteString("complete")
	switch {
	case x.Preemptions == NonPreemptive:
		b.WriteString(" without preemptions")
	case x.Preemptions > 0:
		fmt.Fprintf(&b, " with up to %d preemptions", x.Preemptions)
	}
	if x.Inconclusive > 0 {
		fmt.Fprintf(&b, ", %d reached a limit", x.Inconclusive)
	}
	if x.Failure != nil {
		fmt.Fprintf(&b, ", %d failed: %v", x.Failures, x.Failure.Verdict)
	}
	return b.String()
}

// Explore executes main under every schedule and every outcome of its choices, one
// after the other, each in a new world and along the choices of the one before as far
// as they are the same. It ends at the first run that fails, at the bound, or when
// there is nothing left: a proof for a world of that size. Worlds have to be tiny, two
// or three tasks of a few operations each.
//
// Of executions that differ only in the order of neighbouring operations which
// commute, one is enough: sleep sets (Godefroid, "Partial-Order Methods for the
// Verification of Concurrent Systems", 1996) leave the others out. Operations commute
// if both are known, are on different objects or only read, made different tasks ready,
// and neither drew, cancelled, or looked at the clock or the state of a node. Anything
// else depends on everything. So nothing is lost as long as tasks share state through
// the primitives of their runtimes and [runtime.Resource] only, as programs without data
// races do, and give no meaning to the numbers of runtime.Serial.
//
// The configuration has no strategy, tape or script; a trace gets the events of all
// runs. All runs have its seed. An execution that reaches a limit, such as StepsMax
// in a loop that polls, leaves the exploration incomplete. The error wraps ErrConfig,
// or is that of ctx.
func Explore(ctx context.Context, config Config, bound Bound, main Main) (Exploration, error) {
	x := Exploration{Preemptions: bound.Preemptions}
	switch {
	case config.Strategy != nil || config.Replay != nil || config.Script != nil:
		return x, fmt.Errorf("%w: a strategy, tape or script to explore with", ErrConfig)
	case bound.Executions < 0 || bound.Preemptions < NonPreemptive:
		return x, fmt.Errorf("%w: bound of %d executions and %d preemptions",
			ErrConfig, bound.Executions, bound.Preemptions)
	case main == nil:
		return x, fmt.Errorf("%w: nothing to explore", ErrConfig)
	}
	e := &explorer{bound: bound, reduce: !bound.Everything && bound.Preemptions == 0}
	config.Strategy = func(uint64) Strategy { return e }
	for range cmp.Or(bound.Executions, executionsDefault) {
		result, err := Run(ctx, config, func(ctx context.Context, w *World) error {
			w.kernel.join(func() { e.begin(w.kernel) })
			return main(ctx, w)
		})
		if err != nil {
			return x, err
		}
		if ctx.Err() != nil {
			return x, ctx.Err()
		}
		if !x.add(result, e) {
			return x, nil
		}
	}
	return x, nil
}

// add takes note of an execution, and reports whether there is another one.
func (x *Exploration) add(result Result, e *explorer) bool {
	kind, failed := result.Verdict.Kind, result.Verdict.Failed()
	if kind != Escape { // whose world may still be going on
		e.end()
	}
	if e.redundant && !failed {
		x.Redundant++
		return x.next(e)
	}
	x.Executions++
	if kind == Inconclusive {
		x.Inconclusive++
	}
	if e.bound.Each != nil {
		e.bound.Each(result)
	}
	if failed {
		x.Failures++
		if x.Failure == nil {
			x.Failure = &result
		}
		if !e.bound.KeepGoing || kind == Escape || kind == Diverged {
			return false
		}
	}
	return x.next(e)
}

// next goes to the next execution. If there is none the exploration is complete,
// unless something was cut off.
func (x *Exploration) next(e *explorer) bool {
	if e.backtrack() {
		return true
	}
	x.Complete = x.Inconclusive == 0
	return false
}
