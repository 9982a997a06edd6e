package cli

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemarkdb/tidemark/sim/mutation"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// mutantsFlags are the flags of mutants.
type mutantsFlags struct {
	all      bool
	list     bool
	some     int
	rotation string
	seedsMax int
	runMax   time.Duration
	story    int
}

func (e *environment) mutantsCommand() *cobra.Command {
	f := &mutantsFlags{}
	cmd := &cobra.Command{
		Use:   "mutants (NAME... | --all | --some N | --list)",
		Short: "Plant known bugs and see that the scenarios find them",
		Long: `Mutants builds this program once for each known bug, a small edit laid over the
source tree, and sweeps scenarios until one fails. It needs the Go tool and has
to run inside the source tree. The exit code is 1 if a mutant survives its seeds,
and 5 if one proves nothing: it does not compile, hangs, or its old lines are no
longer there.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if f.list {
				return e.listMutants(names)
			}
			chosen, err := e.chooseMutants(f, names)
			if err != nil {
				return err
			}
			return e.runMutants(cmd.Context(), f, chosen)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.all, "all", false, "all of them")
	flags.BoolVar(&f.list, "list", false, "list them, one line each")
	flags.IntVar(&f.some, "some", 0, "so many of them, chosen by --rotation")
	flags.StringVar(&f.rotation, "rotation", "", "any text, such as a commit hash")
	flags.IntVar(&f.seedsMax, "seeds-max", 300, "seeds within which each has to be found")
	flags.IntVar(&f.story, "story", 0, "tell so many last events of the failing run")
	flags.DurationVar(&f.runMax, "run-max", 5*time.Minute, "real time that one sweep may take")
	return cmd
}

func (e *environment) listMutants(names []string) error {
	if len(names) > 0 {
		return usagef("--list takes no names")
	}
	for _, m := range e.mutants {
		scenarios := strings.Join(m.Scenarios, " ")
		if _, err := fmt.Fprintf(e.out, "%-28s %-12s %s [%s]\n", m.Name, m.Room(), m.Doc, scenarios); err != nil {
			return err
		}
	}
	return nil
}

func (e *environment) chooseMutants(f *mutantsFlags, names []string) ([]mutation.Mutant, error) {
	ways := 0
	for _, given := range []bool{f.all, f.some > 0, len(names) > 0} {
		if given {
			ways++
		}
	}
	switch {
	case f.some < 0 || f.seedsMax < 1 || f.runMax <= 0 || f.story < 0:
		return nil, usagef("a limit is not positive, or --story is negative")
	case ways != 1:
		return nil, usagef("name mutants, or say --all, or --some N")
	case f.all:
		return e.mutants, nil
	case f.some > 0:
		return rotate(e.mutants, f.some, f.rotation), nil
	}
	var chosen []mutation.Mutant
	for _, name := range names {
		i := slices.IndexFunc(e.mutants, func(m mutation.Mutant) bool { return m.Name == name })
		if i < 0 {
			return nil, usagef("unknown mutant %q; \"simrun mutants --list\" prints them", name)
		}
		chosen = append(chosen, e.mutants[i])
	}
	return chosen, nil
}

// rotate returns n mutants in a row from a place that the text decides.
func rotate(all []mutation.Mutant, n int, text string) []mutation.Mutant {
	if len(all) == 0 {
		return nil
	}
	first := int(crc32.ChecksumIEEE([]byte(text)) % uint32(len(all)))
	var chosen []mutation.Mutant
	for i := range min(n, len(all)) {
		chosen = append(chosen, all[(first+i)%len(all)])
	}
	return chosen
}

func (e *environment) runMutants(ctx context.Context, f *mutantsFlags, chosen []mutation.Mutant) error {
	options, err := mutationOptions(ctx, f)
	if err != nil {
		return e.unlessInterrupted(ctx, err)
	}
	var scenarios []string
	for _, m := range chosen {
		scenarios = append(scenarios, m.Scenarios...)
	}
	slices.Sort(scenarios)
	if err := mutation.Baseline(ctx, slices.Compact(scenarios), options); err != nil {
		return e.unlessInterrupted(ctx, err)
	}
	survivors := 0
	for _, m := range chosen {
		r, err := mutation.Run(ctx, m, options)
		switch {
		case err != nil:
			return e.unlessInterrupted(ctx, err)
		case r.Killer == "":
			survivors++
			fmt.Fprintf(e.out, "SURVIVES  %-28s %d seeds of %s\n", m.Name, f.seedsMax, strings.Join(m.Scenarios, ", "))
			continue
		}
		fmt.Fprintf(e.out, "killed    %-28s seed %-4d %s: %s\n", m.Name, r.Seed, r.Killer, r.Failure)
		fmt.Fprint(e.out, r.Story)
	}
	if survivors > 0 {
		e.code = sweep.CodeViolation
	}
	_, err = fmt.Fprintf(e.out, "%d mutants, %d survive\n", len(chosen), survivors)
	return err
}

// unlessInterrupted returns an error, unless it comes from an interrupt, which has
// an exit code of its own.
func (e *environment) unlessInterrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	e.code = sweep.CodeInterrupted
	return nil
}

// mutationOptions finds the source tree and this program in it.
func mutationOptions(ctx context.Context, f *mutantsFlags) (mutation.Options, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return mutation.Options{}, errors.New("this program does not know its import path")
	}
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return mutation.Options{}, fmt.Errorf("mutants needs the Go tool and the source tree: %w", err)
	}
	root := strings.TrimSpace(string(out))
	if root == "" {
		return mutation.Options{}, usagef("mutants has to run inside the source tree of %s", info.Path)
	}
	return mutation.Options{Root: root, Program: info.Path, SeedsMax: f.seedsMax, RunMax: f.runMax, StoryLast: f.story}, nil
}
