package shrink

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/sim"
)

// Options limit the work. The zero value of each field is its default.
type Options struct {
	// Jobs is how many candidates run at the same time; the default is one for each
	// processor.
	Jobs int
	// TimeMax is the real time that it may take; the default is ten seconds. The best
	// that was found until then counts.
	TimeMax time.Duration
	// Progress is told of each smaller run, by the task that called Run.
	Progress func(Result)
}

// Result is the smallest run that was found.
type Result struct {
	// Script is what it does out of the ordinary; followed, it gives the same run.
	Script *sim.Script
	// Run is what came of it.
	Run sim.Result
	// Before is how many deviations the run had that was to be shrunk.
	Before int
	// Runs counts the candidates that were tried.
	Runs int
	// IsComplete says that nothing more could be taken out; otherwise time was up.
	IsComplete bool
}

// Summary says in a few words what is left: "2 preemptions, 1 fault, 9 operations". The
// operations are those of [sim.Result].
func (r Result) Summary() string {
	var parts []string
	for _, kind := range []struct {
		kind sim.DeviationKind
		one  string
	}{{sim.Preemption, "preemption"}, {sim.Order, "choice of order"}, {sim.Drawn, "draw"}, {sim.Delivered, "fault"}} {
		if n := r.Script.Count(kind.kind); n > 0 {
			parts = append(parts, count(n, kind.one))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing out of the ordinary")
	}
	return strings.Join(append(parts, count(int(r.Run.Operations), "operation")), ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if head, tail, ok := strings.Cut(what, " of "); ok {
		return fmt.Sprintf("%d %ss of %s", n, head, tail)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// ErrNotRepeated is wrapped by the error that a run does not fail again as it did.
var ErrNotRepeated = errors.New("shrink: the run does not fail again in the same way")

// Run shrinks a failing run of a scenario, given by the configuration to repeat it:
// one with a tape or a script, or just the seed and the strategy of the run. The
// error wraps [ErrNotRepeated], or is one of [sim.Run]. When ctx ends, the best that
// was found until then is returned.
func Run(ctx context.Context, scenario sim.Scenario, config sim.Config, o Options) (Result, error) {
	if o.Jobs <= 0 {
		o.Jobs = goruntime.GOMAXPROCS(0)
	}
	if o.TimeMax <= 0 {
		o.TimeMax = 10 * time.Second
	}
	config.Transcribe = true
	first, err := sim.Run(ctx, config, scenario.Run)
	if err != nil {
		return Result{}, err
	}
	if !first.Verdict.Failed() || first.Verdict.Kind == sim.Diverged {
		return Result{}, fmt.Errorf("%w: it ends with %v", ErrNotRepeated, first.Verdict)
	}
	s := &search{ctx: ctx, scenario: scenario, base: config, options: o, failure: first.Verdict.FailureID()}
	s.base.Replay, s.base.Strategy, s.base.Script, s.base.Trace = nil, nil, nil, nil
	s.base.StepsMax = 2*first.Steps + 1000
	first.Script.Scenario = scenario.Name
	again, ok := s.try(first.Script)
	if !ok {
		return Result{}, fmt.Errorf("%w: followed by its script it ends with %v, not with %s",
			ErrNotRepeated, again.Verdict, s.failure)
	}
	s.best, s.before = again, len(first.Script.Deviations)
	ctx, cancel := context.WithTimeout(ctx, o.TimeMax)
	defer cancel()
	s.ctx = ctx
	s.reduce()
	isComplete := ctx.Err() == nil && !s.isHurried
	s.ctx = context.WithoutCancel(ctx)
	if err := s.verify(); err != nil {
		return Result{}, err
	}
	r := s.result()
	r.IsComplete = isComplete
	return r, nil
}
