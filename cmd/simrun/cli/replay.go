package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/fate"
	"github.com/tidemarkdb/tidemark/sim/sweep"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// replayFlags are the flags of replay.
type replayFlags struct {
	configFlags
	seed  string
	until uint64
	last  int
	lost  bool
	as    string
	file  string
	again string // what repeats it, without "simrun replay"
}

func (e *environment) replayCommand() *cobra.Command {
	f := &replayFlags{}
	cmd := &cobra.Command{
		Use:   "replay (SCENARIO --seed S | TAPE | SCRIPT)",
		Short: "Run one seed, tape or script again and tell it as a story",
		Long: `Replay runs one seed again, or follows a tape or script that "run" or "shrink"
has written, and prints what happened: step, virtual time, task, line of the
program, event. A line that begins with ">" comes after a preemption. The exit
code is that of the run: 1 if it fails again, 4 if it does not follow its tape.

A tape is followed to the letter. A script (.json) says what was out of the
ordinary, in terms of the program: it can still be followed when the program has
changed a little, and what does not fit any more is counted.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("replay takes one scenario or one tape")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			scenario, config, err := e.planReplay(args[0], f)
			if err != nil {
				return err
			}
			if f.lost {
				return e.findFate(cmd.Context(), scenario, config)
			}
			return e.replay(cmd.Context(), scenario, config, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.seed, "seed", "", "the seed of the run")
	f.register(cmd)
	flags.Uint64Var(&f.until, "until", 0, "tell the story up to this step; 0 to the end")
	flags.BoolVar(&f.lost, "lost", false, "instead of the story, find the step from which on the run fails however it goes on")
	flags.StringVar(&f.as, "as", "text", "the form of the story: text, html (a space-time diagram) or jsonl")
	flags.StringVarP(&f.file, "output", "o", "", "file for the story instead of standard output")
	flags.IntVar(&f.last, "last", 0, "tell only so many last events; 0 all")
	return cmd
}

// seedFlag is the flag that names the seed, if one was given.
func (f *replayFlags) seedFlag() string {
	if f.seed == "" {
		return ""
	}
	return "--seed " + f.seed
}

// planReplay finds out what to run: a scenario with a seed, or a tape.
func (e *environment) planReplay(name string, f *replayFlags) (sim.Scenario, sim.Config, error) {
	config, err := f.config()
	if err != nil {
		return sim.Scenario{}, config, err
	}
	isTape := strings.ContainsAny(name, `/\.`)
	switch {
	case f.as != "text" && f.as != "html" && f.as != "jsonl":
		return sim.Scenario{}, config, usagef("unknown form of story %q: there are text, html and jsonl", f.as)
	case f.lost && f.as+f.file != "text":
		return sim.Scenario{}, config, usagef("--lost tells no story")
	case f.last < 0:
		return sim.Scenario{}, config, usagef("--last %d is negative", f.last)
	case isTape && f.seed != "":
		return sim.Scenario{}, config, usagef("a tape has its own seed; --seed goes with a scenario")
	case isTape && f.strategy != "random":
		return sim.Scenario{}, config, usagef("a tape has its own choices; --strategy goes with a scenario")
	case isTape && f.faults != "" && !strings.HasSuffix(name, sweep.ScriptSuffix):
		return sim.Scenario{}, config, usagef("a tape has its own plan; --faults goes with a scenario or a script")
	case !isTape && f.seed == "":
		return sim.Scenario{}, config, usagef("replay of scenario %s needs --seed", name)
	}
	f.again = strings.TrimSpace(name + " " + f.seedFlag() + f.configFlags.again())
	if isTape && strings.HasSuffix(name, sweep.ScriptSuffix) {
		script, err := sim.ReadScript(name)
		if err != nil {
			return sim.Scenario{}, config, usageError{err}
		}
		config.Script, config.Strategy, name = script, nil, script.Scenario
	} else if isTape {
		tape, err := sim.ReadTape(name)
		if err != nil {
			return sim.Scenario{}, config, usageError{err}
		}
		config.Replay, config.Strategy, name = tape, nil, tape.Scenario
		e.warnRevision(tape.Revision)
	} else {
		seeds, err := sweep.ParseSeeds(f.seed, rand.Uint64)
		if err != nil {
			return sim.Scenario{}, config, usageError{err}
		}
		if seeds.Count() != 1 {
			return sim.Scenario{}, config, usagef("--seed %s is more than one seed", f.seed)
		}
		config.Seed = seeds[0].First
	}
	chosen, err := e.choose([]string{name})
	if err != nil {
		return sim.Scenario{}, config, err
	}
	return chosen[0], chosen[0].Config(config), nil
}

// warnRevision says that a tape is of another program, which may do something else.
func (e *environment) warnRevision(revision string) {
	if own := sweep.Revision(); revision != "" && own != "" && revision != own {
		fmt.Fprintf(e.err, "the tape is of revision %s, this program of %s\n", revision, own)
	}
}

func (e *environment) replay(ctx context.Context, scenario sim.Scenario, config sim.Config, f *replayFlags) error {
	story, err := e.newTelling(f)
	if err != nil {
		return err
	}
	config.Trace = story.add
	r, err := sim.Run(ctx, config, scenario.Run)
	title := fmt.Sprintf("%s @ %s", scenario.Name, sweep.Format(r.Seed))
	err = errors.Join(err, story.end(trace.Page{
		Title: title, Verdict: r.Verdict.String(), Failed: r.Verdict.Failed(), Again: "simrun replay " + f.again,
	}))
	if err != nil {
		return err
	}
	out := e.out
	if f.as != "text" && f.file == "" {
		out = e.err
	}
	fmt.Fprintf(out, "%s: %s\n", title, r.Verdict)
	fmt.Fprintf(out, "%d steps, %v of virtual time, %d choices, hash %016x\n", r.Steps, r.Time, r.Tape.Len(), r.Hash)
	e.tellLeft(out, r.Left, config.Script)
	e.code = codeOf(ctx, r.Verdict)
	return nil
}

// tellLeft says where a script was left.
func (e *environment) tellLeft(out io.Writer, left []sim.Deviation, script *sim.Script) {
	if len(left) == 0 {
		return
	}
	fmt.Fprintf(out, "%d of %d deviations of the script did not fit any more:\n", len(left), len(script.Deviations))
	for i, d := range left {
		if i == leftMax {
			fmt.Fprintf(out, "  and %d more\n", len(left)-i)
			return
		}
		fmt.Fprintf(out, "  %s\n", d)
	}
}

// leftMax is how many deviations are named that did not fit.
const leftMax = 10

// findFate prints from which step on a run fails, whatever is chosen.
func (e *environment) findFate(ctx context.Context, scenario sim.Scenario, config sim.Config) error {
	r, err := fate.Find(ctx, scenario, config, fate.Options{})
	if err != nil {
		return usageError{err}
	}
	fmt.Fprintf(e.out, "%s @ %s: %s\n", scenario.Name, sweep.Format(r.Run.Seed), r.Run.Verdict)
	fmt.Fprintf(e.out, "%8s  fails, when chance goes on from there\n", "step")
	for _, s := range r.Shares {
		fmt.Fprintf(e.out, "%8d  %3d%%\n", s.Step, s.Percent())
	}
	fmt.Fprintf(e.out, "lost at step %d: %d%% fail from step %d on, %d%% from step %d on\n",
		r.After.Step, r.Before.Percent(), r.Before.Step, r.After.Percent(), r.After.Step)
	e.code = sweep.CodeViolation
	return nil
}

func codeOf(ctx context.Context, v sim.Verdict) sweep.Code {
	switch {
	case v.Kind == sim.OK:
		return sweep.CodeOK
	case v.Kind == sim.Diverged:
		return sweep.CodeNondeterminism
	case v.Failed():
		return sweep.CodeViolation
	case ctx.Err() != nil:
		return sweep.CodeInterrupted
	}
	return sweep.CodeInconclusive
}
