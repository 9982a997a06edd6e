package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/mutation"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// Main runs one command on the process's streams and returns its exit code.
// The first interrupt lets running seeds stop and prints the summary; the
// second one ends the process at once.
func Main(args []string, scenarios []sim.Scenario, mutants ...mutation.Mutant) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // back to the default action
	e := &environment{
		scenarios: scenarios, mutants: mutants, out: os.Stdout, err: os.Stderr, getenv: os.Getenv,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	return int(e.main(ctx, args))
}

// environment is what the commands know of the world outside.
type environment struct {
	scenarios []sim.Scenario
	mutants   []mutation.Mutant
	out, err  io.Writer
	getenv    func(string) string
	terminal  bool // err is one
	code      sweep.Code

	reports        []sweep.Report // of the sweeps so far
	neverEvaluated int            // assertions
}

// usageError is an error for which the exit code is 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func (e *environment) main(ctx context.Context, args []string) sweep.Code {
	if err := validate(e.scenarios); err != nil {
		fmt.Fprintln(e.err, "simrun:", err)
		return sweep.CodeHarness
	}
	root := e.rootCommand()
	root.SetArgs(args)
	root.SetOut(e.out)
	root.SetErr(e.err)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return e.code
	case errors.As(err, &usage):
		fmt.Fprintf(e.err, "simrun: %v\n"+
			"Run \"simrun help\" for the commands, \"simrun COMMAND --help\" for flags.\n", err)
		return sweep.CodeUsage
	}
	fmt.Fprintln(e.err, "simrun:", err)
	return sweep.CodeHarness
}

func (e *environment) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "simrun",
		Short: "Sweep seeds over scenarios in the deterministic simulator",
		Long: `Simrun runs scenarios in the deterministic simulator: one seed decides every
interleaving, every fault and every random number of a run, and repeats it.

  simrun run                      every scenario, some seeds
  simrun run NAME --seeds 1-1000  one scenario, these seeds
  simrun replay NAME --seed 42    one run, told as a story
  simrun check --seeds 1-100      every seed twice, the hashes compared
  simrun inspect file://DIR       what is in a store: shards, versions, objects

Exit codes, those of the built program ("go run" turns every failure into 1):
  0 everything asked for ran and held    1 something was found wrong
  2 usage    3 inconclusive, or an obligation not met    4 a seed did not repeat
  5 the harness failed    130 interrupted before anything was found`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetHelpCommand(helpCommand(root))
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(e.listCommand(), e.runCommand(), e.checkCommand(), e.replayCommand(), e.shrinkCommand())
	root.AddCommand(e.zooCommand(), e.mergeCommand(), e.inspectCommand())
	if len(e.mutants) > 0 {
		root.AddCommand(e.mutantsCommand())
	}
	return root
}

// helpCommand is cobra's, but for a command that does not exist: that is an error of usage.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Tell about a command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("there is no help about %q", strings.Join(args, " "))
			}
			return cmd.Help()
		},
	}
}

// validate looks for scenarios that do not fit their list.
func validate(scenarios []sim.Scenario) error {
	names := make(map[string]bool)
	for _, s := range scenarios {
		if err := s.Validate(); err != nil {
			return err
		}
		if names[s.Name] {
			return fmt.Errorf("scenario %s is registered twice", s.Name)
		}
		names[s.Name] = true
	}
	return nil
}

// choose returns the scenarios of the names; of none, all that do not have to
// be named.
func (e *environment) choose(names []string) ([]sim.Scenario, error) {
	if len(names) == 0 {
		return slices.DeleteFunc(slices.Clone(e.scenarios), func(s sim.Scenario) bool { return s.Named }), nil
	}
	var chosen []sim.Scenario
	for _, name := range names {
		i := slices.IndexFunc(e.scenarios, func(s sim.Scenario) bool { return s.Name == name })
		if i < 0 {
			return nil, usagef("unknown scenario %q%s", name, e.suggest(name))
		}
		chosen = append(chosen, e.scenarios[i])
	}
	return chosen, nil
}

// suggest names scenarios that look like a name that does not exist.
func (e *environment) suggest(name string) string {
	var alike []string
	for _, s := range e.scenarios {
		if strings.HasPrefix(s.Name, name) || strings.Contains(s.Name, name) || distance(s.Name, name) <= 2 {
			alike = append(alike, s.Name)
		}
	}
	if len(alike) == 0 {
		return `; "simrun list" prints them`
	}
	return "; did you mean " + strings.Join(alike, " or ") + "?"
}

// distance is the number of edits between two words (Levenshtein, 1965).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
