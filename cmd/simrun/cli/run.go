package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/report"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// runFlags are the flags of run and check.
type runFlags struct {
	configFlags
	seed, seeds string
	duration    time.Duration
	jobs        int
	failures    int
	keepGoing   bool
	every       int
	wallMax     time.Duration
	out         string
	quiet       bool
	table       bool
	shrink      time.Duration
	shard       string
	memory      uint64 // MiB
	format      string
	reports     []string
	corpus      string
}

// defaultSeeds is how many seeds each scenario gets when nobody says.
const defaultSeeds = 100

func (e *environment) runCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run [SCENARIO...]",
		Short: "Run scenarios, one seed or many",
		Long: `Run runs each scenario once per seed, on all cores, and stops at the first
failure. Without names it runs every scenario but those that have to be named.

A seed is a number, decimal or hexadecimal. --seeds takes a list of numbers
and ranges: 1-1000,2000,0x2a; random; commit:<hash>. Without it each scenario
gets ` + strconv.Itoa(defaultSeeds) + ` seeds from a random one on, which is printed first.

SIM_SEED, SIM_SEEDS, SIM_JOBS, SIM_FOR and SIM_OUT stand in for flags that are
not given.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := e.fromEnvironment(cmd); err != nil {
				return err
			}
			return e.sweepAll(cmd.Context(), f, names)
		},
	}
	f.register(cmd)
	cmd.Flags().IntVar(&f.every, "check-determinism", 100, "run every n-th seed twice and compare; 0 never")
	return cmd
}

func (e *environment) checkCommand() *cobra.Command {
	f := &runFlags{every: 1}
	cmd := &cobra.Command{
		Use:   "check [SCENARIO...]",
		Short: "Run every seed twice and compare the hashes",
		Long: `Check runs every seed of the scenarios twice. Two runs of one seed make the
same decisions at the same virtual times on the same objects, or something in
the program escapes the simulator's control: exit code 4 then.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := e.fromEnvironment(cmd); err != nil {
				return err
			}
			return e.sweepAll(cmd.Context(), f, names)
		},
	}
	f.register(cmd)
	return cmd
}

func (f *runFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.configFlags.register(cmd)
	flags.StringVar(&f.seed, "seed", "", "one seed")
	flags.StringVar(&f.seeds, "seeds", "", "a list of seeds and ranges")
	flags.DurationVar(&f.duration, "for", 0, "draw seeds until this much time has passed")
	flags.IntVar(&f.jobs, "jobs", 0, "seeds run at once (default: the number of cores)")
	flags.IntVar(&f.failures, "max-failures", 1, "stop after so many distinct failures")
	flags.BoolVar(&f.keepGoing, "keep-going", false, "do not stop at failures")
	flags.DurationVar(&f.wallMax, "wall-max", 0, "real time after which a single step counts as stuck (default 10s)")
	flags.StringVar(&f.out, "out", "simruns", "folder for the artefacts of failures")
	flags.BoolVar(&f.quiet, "quiet", false, "no progress")
	flags.DurationVar(&f.shrink, "shrink", 10*time.Second, "real time for shrinking the first failure; 0 for none")
	flags.StringVar(&f.shard, "shard", "", "run part I/N of the seeds only; merge adds the parts up")
	flags.Uint64Var(&f.memory, "memory", 0, "end a sweep when the heap has more MiB; 0 for no limit")
	flags.StringVar(&f.format, "format", "human", "what goes to standard output: human, jsonl or junit")
	flags.StringArrayVar(&f.reports, "report", nil, "write a report to a file besides, FORM=FILE; may be repeated")
	flags.StringVar(&f.corpus, "corpus", "", "folder with artefacts of earlier failures, which are run first")
	flags.BoolVar(&f.table, "obligations", false, "print the table of goals and delivered faults")
}

// mirrored are the flags with a variable each.
var mirrored = map[string]string{
	"seed": "SIM_SEED", "seeds": "SIM_SEEDS", "jobs": "SIM_JOBS", "for": "SIM_FOR", "out": "SIM_OUT",
}

// fromEnvironment sets the flags that are not given from their variables. One that is given as
// empty is a mistake: random seeds would come in the place of those that were meant.
func (e *environment) fromEnvironment(cmd *cobra.Command) error {
	flags := cmd.Flags()
	for _, name := range []string{"seed", "seeds"} {
		if flags.Changed(name) && flags.Lookup(name).Value.String() == "" {
			return usagef("--%s is empty", name) // as of a variable that is not set
		}
	}
	for _, name := range []string{"seed", "seeds", "for", "jobs", "out"} {
		value := e.getenv(mirrored[name])
		seedsGiven := flags.Changed("seed") || flags.Changed("seeds") || flags.Changed("for")
		if value == "" || flags.Changed(name) || seedsGiven && (name == "seed" || name == "seeds" || name == "for") {
			continue
		}
		if err := flags.Set(name, value); err != nil {
			return usagef("%s: %w", mirrored[name], err)
		}
	}
	return nil
}

// plan turns the flags into the options of a sweep.
func (f *runFlags) plan() (sweep.Options, error) {
	o := sweep.Options{
		For: f.duration, Jobs: f.jobs, Check: f.every, FailuresMax: f.failures, MemoryMax: f.memory << 20,
	}
	if f.keepGoing {
		o.FailuresMax = 0
	}
	switch {
	case f.seed != "" && f.seeds != "", f.duration != 0 && f.seed+f.seeds != "":
		return o, usagef("--seed, --seeds and --for exclude each other")
	case f.jobs < 0:
		return o, usagef("--jobs %d is negative", f.jobs)
	case f.every < 0:
		return o, usagef("--check-determinism %d is negative", f.every)
	case f.failures < 1:
		return o, usagef("--max-failures %d is less than 1", f.failures)
	case f.duration < 0:
		return o, usagef("--for %v is negative", f.duration)
	case f.keepGoing && f.failures != 1:
		return o, usagef("--keep-going and --max-failures exclude each other")
	case f.wallMax < 0:
		return o, usagef("--wall-max %v is negative", f.wallMax)
	case f.shrink < 0:
		return o, usagef("--shrink %v is negative", f.shrink)
	}
	var err error
	if o.Config, err = f.config(); err != nil {
		return o, err
	}
	o.Config.StuckAfter = f.wallMax
	if f.shard != "" {
		if o.Shard, err = sweep.ParseShard(f.shard); err != nil {
			return o, usageError{err}
		}
		if f.seed+f.seeds == "" {
			return o, usagef("--shard needs --seeds, the same ones for every shard")
		}
	}
	switch base := rand.Uint64(); {
	case f.seed != "":
		o.Seeds, err = sweep.ParseSeeds(f.seed, rand.Uint64)
		if err == nil && o.Seeds.Count() != 1 {
			return o, usagef("--seed %s is more than one seed; use --seeds", f.seed)
		}
	case f.seeds != "":
		o.Seeds, err = sweep.ParseSeeds(f.seeds, rand.Uint64)
	case f.duration > 0:
		o.Seeds = sweep.Seeds{{First: base >> 1, Last: ^uint64(0)}}
	default:
		base >>= 1
		o.Seeds = sweep.Seeds{{First: base, Last: base + defaultSeeds - 1}}
	}
	if err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// sweepAll runs the scenarios one after the other.
func (e *environment) sweepAll(ctx context.Context, f *runFlags, names []string) error {
	options, err := f.plan()
	if err != nil {
		return err
	}
	chosen, err := e.choose(names)
	if err != nil {
		return err
	}
	if options.For > 0 {
		options.For /= time.Duration(max(len(chosen), 1))
	}
	out, err := e.openSinks(f.format, f.reports)
	if err != nil {
		return err
	}
	if f.seed == "" && f.seeds == "" {
		fmt.Fprintf(e.err, "seeds %s\n", options.Seeds)
	}
	out.each(func(s report.Sink) error {
		return s.Start(report.Start{Revision: sweep.Revision(), Seeds: options.Seeds.String(), Strategy: f.strategy})
	})
	codes := make([]sweep.Code, 0, len(chosen))
	for _, scenario := range chosen {
		code, err := e.sweepOne(ctx, f, scenario, options, out)
		if err != nil {
			return errors.Join(err, out.end(sweep.CodeHarness))
		}
		codes = append(codes, code)
		if ctx.Err() != nil || code == sweep.CodeViolation && !f.keepGoing {
			break
		}
	}
	if err := e.tellCatalogue(f.table); err != nil {
		return errors.Join(err, out.end(sweep.CodeHarness))
	}
	e.code = sweep.Worst(codes...)
	if e.neverEvaluated > 0 {
		e.code = sweep.Worst(e.code, sweep.CodeInconclusive)
	}
	return errors.Join(e.summarise(ctx, codes, len(chosen)), out.end(e.code))
}

func (e *environment) sweepOne(
	ctx context.Context, f *runFlags, scenario sim.Scenario, options sweep.Options, out *sinks,
) (sweep.Code, error) {
	var err error
	if options.First, err = readCorpus(f.corpus, scenario.Name, scenario.Config(options.Config)); err != nil {
		return 0, err
	}
	options.Each = out.seed(scenario.Name)
	progress := e.newProgress(scenario.Name, options, f.quiet)
	options.Progress = progress.update
	r, err := sweep.Run(ctx, scenario, options)
	progress.finish()
	if err != nil {
		return 0, err
	}
	e.reports = append(e.reports, r)
	report.Sweep(e.out, &r)
	if f.table {
		if err := report.Obligations(e.out, &r); err != nil {
			return 0, err
		}
	}
	if len(r.Divergences) > 0 {
		if err := e.locate(ctx, scenario, options, r.Divergences[0].Seed); err != nil {
			return 0, err
		}
	}
	var all []report.Told
	for _, failure := range r.Failures {
		told, err := e.tellFailure(ctx, f, scenario, options, failure)
		if err != nil {
			return 0, err
		}
		all = append(all, told)
	}
	out.each(func(s report.Sink) error { return s.Sweep(&r, all) })
	return r.Code(), nil
}

// summarise writes the last line.
func (e *environment) summarise(ctx context.Context, codes []sweep.Code, all int) error {
	bad := 0
	for _, c := range codes {
		if c != sweep.CodeOK {
			bad++
		}
	}
	text := fmt.Sprintf("%d of %d scenarios ran", len(codes), all)
	switch {
	case ctx.Err() != nil:
		text = "interrupted, " + text
	case bad == 0 && e.neverEvaluated == 0:
		text = "ok, " + text
	case bad > 0:
		text += fmt.Sprintf(", %d not green", bad)
	}
	if e.neverEvaluated > 0 {
		text += fmt.Sprintf(", %d of their assertions never evaluated", e.neverEvaluated)
	}
	var virtual, passed time.Duration
	for _, r := range e.reports {
		virtual, passed = virtual+r.Virtual, passed+r.Real
	}
	_, err := fmt.Fprintf(e.out, "%s, %s simulated in %s\n", text, report.Round(virtual), report.Round(passed))
	return err
}
