package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemarkdb/tidemark/sim/shrink"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// shrinkFlags are the flags of shrink.
type shrinkFlags struct {
	replayFlags
	timeMax time.Duration
	jobs    int
	out     string
}

func (e *environment) shrinkCommand() *cobra.Command {
	f := &shrinkFlags{replayFlags: replayFlags{as: "text"}}
	cmd := &cobra.Command{
		Use:   "shrink (SCENARIO --seed S | TAPE | SCRIPT)",
		Short: "Look for a smaller run that fails in the same way",
		Long: `Shrink takes a failing run, and takes out of it what it can do without: faults,
choices that were not 0, switches to another task where the same could have gone
on. What is left is written as a script, which "replay" tells as a story. The exit
code is 1 if the run fails, 2 if it does not.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("shrink takes one scenario, tape or script")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return e.shrink(cmd.Context(), args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.seed, "seed", "", "the seed of the run")
	f.register(cmd)
	flags.DurationVar(&f.timeMax, "time", time.Minute, "real time that it may take")
	flags.IntVar(&f.jobs, "jobs", 0, "runs at once (default: the number of cores)")
	flags.StringVar(&f.out, "out", "simruns", "folder for the script")
	return cmd
}

func (e *environment) shrink(ctx context.Context, name string, f *shrinkFlags) error {
	if f.timeMax <= 0 || f.jobs < 0 {
		return usagef("--time and --jobs have to be positive")
	}
	scenario, config, err := e.planReplay(name, &f.replayFlags)
	if err != nil {
		return err
	}
	r, err := shrink.Run(ctx, scenario, config, shrink.Options{
		Jobs: f.jobs, TimeMax: f.timeMax,
		Progress: func(r shrink.Result) { fmt.Fprintf(e.err, "%s after %d runs\n", r.Summary(), r.Runs) },
	})
	if err != nil {
		return usageError{err}
	}
	path, err := writeScript(f.out, r.Script)
	fmt.Fprintf(e.out, "%s @ %s: %s\n", scenario.Name, sweep.Format(r.Run.Seed), r.Run.Verdict)
	fmt.Fprintf(e.out, "shrunk from %d deviations to %s\n", r.Before, r.Summary())
	for _, d := range r.Script.Deviations {
		fmt.Fprintf(e.out, "  %s\n", d)
	}
	for _, n := range r.Script.Limits {
		fmt.Fprintf(e.out, "  %s at most\n", n)
	}
	if !r.IsComplete {
		fmt.Fprintf(e.out, "  (time was up; more may go)\n")
	}
	if err != nil {
		return fmt.Errorf("the script above could not be saved: %w", err)
	}
	fmt.Fprintf(e.out, "story: simrun replay %s\n", path)
	e.code = sweep.CodeViolation
	return nil
}
