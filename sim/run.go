package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// Config configures a run. The zero value is seed 0, the random strategy and
// generous limits.
type Config struct {
	// Seed decides every choice that the strategy makes, and every stream of
	// runtime.Rand.
	Seed uint64
	// Strategy makes what makes the choices, for the seed of the run; nil is Random.
	Strategy func(seed uint64) Strategy
	// Replay is followed strictly instead of a strategy: a run that asks for
	// other choices than the tape holds ends as Diverged. Its seed replaces
	// Seed; its limits and its plan stand in for those that are not given.
	Replay *Tape
	// LeaveAt, if not 0, is the step from which on the tape is no longer followed: the
	// random strategy goes on, with the seed LeaveSeed.
	LeaveAt, LeaveSeed uint64
	// Script is followed as far as it fits instead of a strategy, and so are its
	// faults instead of those that the scenario plans. Its seed replaces Seed.
	Script *Script
	// Transcribe writes the script of the run down, in [Result.Script].
	Transcribe bool
	// Chances is how many switches that could have been and were not are written down
	// with the script.
	Chances int
	// Plan, if not nil, is what goes wrong, in the place of the plan that the scenario
	// draws, see [World.Plan].
	Plan *Plan
	// StepsMax ends the run as Inconclusive; 0 is a million.
	StepsMax uint64
	// TimeMax, in virtual time, ends the run as Inconclusive; 0 is 30 days.
	TimeMax time.Duration
	// StepCost is the virtual time that a step takes, so that code which spins
	// cannot stop the clock; 0 is a microsecond.
	StepCost time.Duration
	// StuckAfter is how long, in real time, a step may take before the run
	// ends as Escape; 0 is ten seconds.
	StuckAfter time.Duration
	// ExternalMax is how long, in real time, a function given to Runtime.External may
	// take before its context ends and the run ends as Escape; 0 is a minute.
	ExternalMax time.Duration
	// LeaksAfter, if not 0, lets the world go on when main has returned, for at most
	// this much virtual time. Tasks of the harness that still wait then, for anything
	// but a timer of their own, end the run as Leak.
	LeaksAfter time.Duration
	// Trace receives what happens, in order; nil costs nothing.
	Trace trace.Sink
}

// ErrConfig is wrapped by the errors of Validate.
var ErrConfig = errors.New("sim: configuration")

// Validate returns the first thing that is wrong with the configuration.
func (c Config) Validate() error {
	switch {
	case c.TimeMax < 0:
		return fmt.Errorf("%w: TimeMax of %v", ErrConfig, c.TimeMax)
	case c.StepCost < 0:
		return fmt.Errorf("%w: StepCost of %v", ErrConfig, c.StepCost)
	case c.StuckAfter < 0:
		return fmt.Errorf("%w: StuckAfter of %v", ErrConfig, c.StuckAfter)
	case c.ExternalMax < 0:
		return fmt.Errorf("%w: ExternalMax of %v", ErrConfig, c.ExternalMax)
	case c.LeaksAfter < 0:
		return fmt.Errorf("%w: LeaksAfter of %v", ErrConfig, c.LeaksAfter)
	case c.Replay != nil && c.Strategy != nil:
		return fmt.Errorf("%w: both a tape to replay and a strategy", ErrConfig)
	case c.LeaveAt != 0 && c.Replay == nil:
		return fmt.Errorf("%w: LeaveAt without a tape to leave", ErrConfig)
	case c.Script != nil && (c.Replay != nil || c.Strategy != nil):
		return fmt.Errorf("%w: both a script to follow and a tape or a strategy", ErrConfig)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if t := c.Replay; t != nil {
		c.Seed = t.Seed
		c.StepsMax, c.TimeMax = cmp.Or(c.StepsMax, t.StepsMax), cmp.Or(c.TimeMax, t.TimeMax)
		c.StepCost, c.LeaksAfter = cmp.Or(c.StepCost, t.StepCost), cmp.Or(c.LeaksAfter, t.LeaksAfter)
		c.Plan = cmp.Or(c.Plan, t.Plan)
	}
	if c.Script != nil {
		c.Seed, c.Plan = c.Script.Seed, cmp.Or(c.Plan, c.Script.Plan)
	}
	if c.Strategy == nil {
		c.Strategy = Random
	}
	if c.StepsMax == 0 {
		c.StepsMax = 1_000_000
	}
	if c.TimeMax == 0 {
		c.TimeMax = 30 * 24 * time.Hour
	}
	if c.StepCost == 0 {
		c.StepCost = time.Microsecond
	}
	if c.StuckAfter == 0 {
		c.StuckAfter = 10 * time.Second
	}
	if c.ExternalMax == 0 {
		c.ExternalMax = time.Minute
	}
	return c
}

// Result is what a run found.
type Result struct {
	Verdict Verdict
	// Seed is the one of the configuration, or of the tape.
	Seed uint64
	// Hash covers every decision and choice, the answers to External, the counts of assertions and the
	// kind of verdict: equal runs have equal hashes.
	Hash uint64
	// Steps counts the decisions, Switches those that went to another task.
	Steps, Switches uint64
	// Operations counts what the tasks carried out: each lock, send, spawn or sleep,
	// those of the workload and those around it, as they are lines of the story. Starts,
	// ends, waits and timers are no operations. It is 0 after Escape, and unless there is
	// a Trace, or Transcribe.
	Operations uint64
	// Time is the virtual time that passed.
	Time time.Duration
	// Tape holds the choices; nil if it would not repeat the run, because that followed
	// a script which limits numbers.
	Tape *Tape
	// Followed is the script of the configuration.
	Followed *Script
	// Assertions are the counts of all nodes together, faults included, at the
	// time of the verdict. There are none after Escape.
	Assertions []runtime.Assertion
	// Script is what the run did out of the ordinary, if that was asked for.
	Script *Script
	// Plan is what went wrong, or was to; nil if the scenario has no plan.
	Plan *Plan
	// Vetoes counts the faults that a policy was against.
	Vetoes int
	// Races counts what the race detector reported meanwhile. It prints its reports
	// itself, and each race only once in a process; so the count is not part of the
	// verdict, and a second run of the same seed has none. In runs that overlap in time
	// each race counts for all of them. Without -race it is 0.
	Races int
	// Left are the deviations of a script that could not be followed: what they wanted
	// was not there, or nobody has come to their place.
	Left []Deviation

	ring ring
}

// Main is what a run executes as the first task of the harness, a node of its
// own. The run ends when it returns; an error is a violation called "error".
type Main func(ctx context.Context, w *World) error

// Run executes main in a new world and returns the verdict, in every case. The
// world runs on a goroutine of its own; when ctx ends, the run ends as
// Inconclusive at its next step. When Run returns nothing of the world is left,
// except after Escape: what blocks or spins is left behind, and unwound if it
// ever comes to its end. The error is ErrConfig.
func Run(ctx context.Context, config Config, main Main) (Result, error) {
	if err := config.Validate(); err != nil {
		return Result{}, err
	}
	if main == nil {
		return Result{}, fmt.Errorf("%w: nothing to run", ErrConfig)
	}
	before := raceReports()
	r := run(ctx, config.withDefaults(), main)
	r.Races = raceReports() - before
	return r, nil
}

func run(ctx context.Context, config Config, main Main) Result {
	k := newKernel(config, main)
	k.outside.run = ctx
	if ctx.Err() != nil {
		k.signal.Or(interrupted)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.run()
	}()
	if k.watch(ctx, done) {
		return k.escaped()
	}
	return k.replayed(k.result(k.verdict))
}

func newKernel(config Config, main Main) *kernel {
	k := &kernel{
		config: config, now: epoch, observed: config.Trace != nil || config.Transcribe,
		streams: make(map[string]uint64), hash: streamSeed(config.Seed, "hash"),
	}
	k.decision.kernel = k
	switch {
	case config.Script != nil:
		k.guide = newGuide(k, config.Script)
		k.strategy = k.guide
	case config.Replay != nil:
		k.strategy = &replay{
			rest: config.Replay.Choices, kernel: k, until: config.LeaveAt, then: Random(config.LeaveSeed),
			diverged: func(message string) { k.end(Verdict{Kind: Diverged, Message: message}) },
		}
	default:
		k.strategy = config.Strategy(config.Seed)
	}
	if config.Transcribe {
		k.scribe = &scribe{inner: k.strategy, places: newPlaces(k), script: &Script{Seed: config.Seed}, chances: config.Chances}
		k.strategy = k.scribe
	}
	k.outside.prepare(config)
	k.setLimit()
	w := &World{kernel: k}
	k.world = w
	w.harness = w.newNode("", nil)
	w.harness.life = w.newLife(w.harness)
	w.harness.life.runtime.Root("main", func(ctx context.Context) error {
		v := Verdict{}
		if err := main(ctx, w); err != nil {
			v = Verdict{Kind: Violation, ID: "error", Message: err.Error()}
		}
		k.join(func() {
			if v.Kind == OK && config.LeaksAfter > 0 {
				v = w.leakVerdict(config.LeaksAfter)
			}
			k.end(v)
		})
		return nil
	})
	return k
}

// seal takes into the hash what is not a decision.
func (k *kernel) seal() {
	k.assertions = k.world.assertions()
	for _, a := range k.assertions {
		k.hash = mix(k.hash, xxhash.Sum64String(a.ID)^uint64(a.Kind), a.Evaluated<<32^a.Held)
	}
	k.hash = mix(k.hash, uint64(k.verdict.Kind), xxhash.Sum64String(k.verdict.ID))
}

func (k *kernel) result(v Verdict) Result {
	r := Result{
		Verdict: v, Seed: k.config.Seed, Hash: k.hash, Steps: k.steps, Switches: k.switches, Time: k.elapsed(),
		Tape:       k.newTape(v),
		Assertions: k.assertions, Plan: k.planned, Vetoes: k.vetoed, ring: k.ring,
	}
	if k.observed && v.Kind != Escape { // which may come while a task counts
		r.Operations = k.operated
	}
	if k.scribe != nil {
		r.Script = k.scribe.script
		r.Script.Plan = k.config.Plan
		r.Script.Failure = v.FailureID()
		r.Script.Externals = slices.Clone(k.outside.record)
	}
	if k.guide != nil {
		r.Left, r.Followed = k.guide.left(), k.config.Script
		if len(r.Followed.Limits) > 0 {
			r.Tape = nil
		}
	}
	return r
}

// newTape returns the tape of the run.
func (k *kernel) newTape(v Verdict) *Tape {
	c := k.config
	t := &Tape{
		Seed: c.Seed, Hash: k.hash, Choices: slices.Clone(k.tape), StepsMax: c.StepsMax, TimeMax: c.TimeMax,
		StepCost: c.StepCost, LeaksAfter: c.LeaksAfter, Plan: c.Plan, Checkpoints: slices.Clone(k.passed.all),
		Externals: slices.Clone(k.outside.record),
	}
	if v.Failed() {
		t.Failure = v.FailureID()
	}
	return t
}

// replayed finds a replay that left its tape at the very end.
func (k *kernel) replayed(r Result) Result {
	tape := k.config.Replay
	switch {
	case tape == nil, r.Verdict.Kind == Diverged, k.config.LeaveAt != 0:
	case r.Verdict.Kind == Inconclusive && k.signal.Load()&interrupted != 0:
	case len(r.Tape.Choices) != len(tape.Choices):
		r.Verdict = Verdict{Kind: Diverged, Step: r.Steps, Time: r.Time, Message: fmt.Sprintf(
			"the run made %d choices, the tape holds %d", r.Tape.Len(), tape.Len())}
	case r.Hash != tape.Hash:
		r.Verdict = Verdict{Kind: Diverged, Step: r.Steps, Time: r.Time, Message: fmt.Sprintf(
			"the run has hash %016x, the tape %016x%s", r.Hash, tape.Hash, parted(r.Tape.Checkpoints, tape.Checkpoints))}
	}
	return r
}
