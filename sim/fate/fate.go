package fate

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tidemarkdb/tidemark/sim"
)

// Options limit the work. The zero value of each field is its default.
type Options struct {
	// Suffixes is how often each prefix is gone on from; the default is 20.
	Suffixes int
	// Places is at how many places, evenly spread, the run is looked at before the
	// largest jump is narrowed down; the default is 10.
	Places int
	// Jobs is how many runs are made at the same time; the default is one for each
	// processor.
	Jobs int
}

// Share says how many of the suffixes that leave a run at a step fail as it did.
type Share struct {
	Step         uint64
	Failed, Runs int
}

// Percent returns the share in percent.
func (s Share) Percent() int { return 100 * s.Failed / max(s.Runs, 1) }

// Result says when a run was lost.
type Result struct {
	// Run is the failing run.
	Run sim.Result
	// Shares are what was measured, by step.
	Shares []Share
	// Before and After are next to each other, and the share jumps between them.
	Before, After Share
}

// ErrNoFailure is wrapped by the error about a run that does not fail.
var ErrNoFailure = errors.New("fate: the run does not fail")

// Find follows a failing run of a scenario, given by the configuration to repeat it,
// to places where it leaves it. The error wraps [ErrNoFailure], or is one of [sim.Run].
func Find(ctx context.Context, scenario sim.Scenario, config sim.Config, o Options) (Result, error) {
	o = o.withDefaults()
	run, err := sim.Run(ctx, config, scenario.Run)
	if err != nil {
		return Result{}, err
	}
	if !run.Verdict.Failed() || run.Verdict.Kind == sim.Diverged || run.Tape == nil {
		return Result{}, fmt.Errorf("%w: it ends with %v", ErrNoFailure, run.Verdict)
	}
	f := &finder{ctx: ctx, scenario: scenario, options: o, run: run, config: config}
	f.config.Strategy, f.config.Script, f.config.Replay, f.config.Trace = nil, nil, run.Tape, nil
	f.config.StepsMax = 2*run.Steps + 1000
	last := max(run.Steps, 2)
	for i := range o.Places + 1 {
		if err := f.measure(max(1, last*uint64(i)/uint64(o.Places))); err != nil {
			return Result{}, err
		}
	}
	return f.narrow()
}

func (o Options) withDefaults() Options {
	if o.Suffixes <= 0 {
		o.Suffixes = 20
	}
	if o.Places <= 0 {
		o.Places = 10
	}
	if o.Jobs <= 0 {
		o.Jobs = goruntime.GOMAXPROCS(0)
	}
	return o
}

// finder is the work of one Find.
type finder struct {
	ctx      context.Context
	scenario sim.Scenario
	config   sim.Config
	options  Options
	run      sim.Result
	shares   []Share // by step
}

// measure goes on from a step in many ways.
func (f *finder) measure(step uint64) error {
	i, isKnown := slices.BinarySearchFunc(f.shares, step, func(s Share, step uint64) int {
		return int(int64(s.Step) - int64(step))
	})
	if isKnown {
		return nil
	}
	var failed atomic.Int64
	var workers sync.WaitGroup
	var firstError atomic.Pointer[error]
	seeds := make(chan uint64, f.options.Suffixes)
	for seed := range uint64(f.options.Suffixes) {
		seeds <- seed
	}
	close(seeds)
	for range f.options.Jobs {
		workers.Go(func() {
			for seed := range seeds {
				config := f.config
				config.LeaveAt, config.LeaveSeed = step, step<<16+seed
				r, err := sim.Run(f.ctx, config, f.scenario.Run)
				if err != nil {
					firstError.CompareAndSwap(nil, &err)
				} else if r.Verdict.FailureID() == f.run.Verdict.FailureID() {
					failed.Add(1)
				}
			}
		})
	}
	workers.Wait()
	if err := firstError.Load(); err != nil {
		return *err
	}
	f.shares = slices.Insert(f.shares, i, Share{Step: step, Failed: int(failed.Load()), Runs: f.options.Suffixes})
	return f.ctx.Err()
}

// narrow halves the interval of the largest jump until it cannot be told from chance
// or is one step.
func (f *finder) narrow() (Result, error) {
	for {
		at := f.jump()
		before, after := f.shares[at], f.shares[at+1]
		if after.Step-before.Step <= 1 || len(f.shares) > f.options.Places+16 {
			return Result{Run: f.run, Shares: f.shares, Before: before, After: after}, nil
		}
		if err := f.measure(before.Step + (after.Step-before.Step)/2); err != nil {
			return Result{}, err
		}
	}
}

// jump returns the place before the largest jump; of equal ones, the last.
func (f *finder) jump() int {
	best := 0
	for i := range f.shares[1:] {
		if f.rise(i) >= f.rise(best) {
			best = i
		}
	}
	return best
}

func (f *finder) rise(i int) int { return f.shares[i+1].Failed - f.shares[i].Failed }
