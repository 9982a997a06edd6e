package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tidemarkdb/tidemark/sim/report"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

func (e *environment) mergeCommand() *cobra.Command {
	var table bool
	cmd := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Add up what the shards of a sweep have found",
		Long: `Merge reads what "run --shard I/N --report jsonl=FILE" has written on each machine,
adds it up, and judges the whole: obligations count over all shards. A shard that is
missing, or that has not come to its end, is inconclusive.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("merge takes the files of the shards")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, paths []string) error { return e.merge(paths, table) },
	}
	cmd.Flags().BoolVar(&table, "obligations", false, "print the table of goals and delivered faults")
	return cmd
}

func (e *environment) merge(paths []string, table bool) error {
	var parts []report.Part
	var missing []string
	for _, path := range paths {
		p, err := readPart(path)
		if err != nil {
			return usageError{fmt.Errorf("%s: %w", path, err)}
		}
		if !p.IsWhole {
			missing = append(missing, path+" breaks off")
		}
		parts = append(parts, p)
	}
	all, absent, err := report.Merge(parts...)
	if err != nil {
		return usageError{err}
	}
	var codes []sweep.Code
	for _, r := range all {
		report.Sweep(e.out, &r)
		for _, f := range r.Failures {
			fmt.Fprintf(e.out, "      seed %s, %d of the seeds: %s\n", sweep.Format(f.Result.Seed), f.Count, f.Result.Verdict)
		}
		if table {
			if err := report.Obligations(e.out, &r); err != nil {
				return err
			}
		}
		codes = append(codes, r.Code())
	}
	e.reports = all
	if err := e.tellCatalogue(table); err != nil {
		return err
	}
	if e.neverEvaluated > 0 {
		codes = append(codes, sweep.CodeInconclusive)
	}
	missing = append(missing, absent...)
	for _, m := range missing {
		fmt.Fprintf(e.out, "missing: %s\n", m)
	}
	if len(missing) > 0 {
		codes = append(codes, sweep.CodeInconclusive)
	}
	e.code = sweep.Worst(codes...)
	word := "ok"
	if e.code != sweep.CodeOK {
		word = "not green"
	}
	_, err = fmt.Fprintf(e.out, "%s, %d files merged\n", word, len(paths))
	return err
}

func readPart(path string) (report.Part, error) {
	file, err := os.Open(path)
	if err != nil {
		return report.Part{}, err
	}
	defer file.Close()
	return report.ReadLines(file)
}
