package cli

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
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
	flags.IntVar(&f.last, "last", 0, "tell only so many last events; 0 all")
	return cmd
}

// planReplay finds out what to run: a scenario with a seed, or a tape.
func (e *environment) planReplay(name string, f *replayFlags) (sim.Scenario, sim.Config, error) {
	config, err := f.config()
	if err != nil {
		return sim.Scenario{}, config, err
	}
	isTape := strings.ContainsAny(name, `/\.`)
	switch {
	case f.last < 0:
		return sim.Scenario{}, config, usagef("--last %d is negative", f.last)
	case isTape && f.seed != "":
		return sim.Scenario{}, config, usagef("a tape has its own seed; --seed goes with a scenario")
	case !isTape && f.seed == "":
		return sim.Scenario{}, config, usagef("replay of scenario %s needs --seed", name)
	}
	if isTape && strings.HasSuffix(name, scriptSuffix) {
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
	story := trace.NewStory(e.out)
	limit := f.last
	tail := trace.NewTail(limit)
	config.Trace = func(ev trace.Event) {
		switch {
		case f.until != 0 && ev.Step > f.until:
		case limit > 0:
			tail.Add(ev)
		default:
			story.Add(ev)
		}
	}
	r, err := sim.Run(ctx, config, scenario.Run)
	if err != nil {
		return err
	}
	for _, ev := range tail.Events() {
		story.Add(ev)
	}
	if err := story.Err(); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "%s @ %s: %s\n", scenario.Name, sweep.Format(r.Seed), r.Verdict)
	fmt.Fprintf(e.out, "%d steps, %v of virtual time, %d choices, hash %016x\n", r.Steps, r.Time, r.Tape.Len(), r.Hash)
	if r.Skew > 0 {
		fmt.Fprintf(e.out, "%d of %d deviations of the script did not fit any more\n", r.Skew, len(config.Script.Deviations))
	}
	e.code = codeOf(ctx, r.Verdict)
	return nil
}

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

// The suffixes of artefacts.
const (
	scriptSuffix = ".json"
	tapeSuffix   = ".tape"
)

// writeScript saves a script as <out>/<scenario>/<seed>.json and returns the path.
func writeScript(out string, script *sim.Script) (string, error) {
	data, err := script.MarshalText()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(out, script.Scenario)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return "", err
	}
	path := filepath.Join(folder, "0x"+strconv.FormatUint(script.Seed, 16)+scriptSuffix)
	return path, os.WriteFile(path, data, 0o666)
}

// writeTape saves a tape as <out>/<scenario>/<seed>.tape and returns the path.
func writeTape(out string, tape *sim.Tape) (string, error) {
	data, err := tape.MarshalBinary()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(out, tape.Scenario)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return "", err
	}
	path := filepath.Join(folder, "0x"+strconv.FormatUint(tape.Seed, 16)+tapeSuffix)
	return path, os.WriteFile(path, data, 0o666)
}
