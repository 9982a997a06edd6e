package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
	"github.com/tidemarkdb/tidemark/sim/zoo"
)

// zooFlags are the flags of zoo.
type zooFlags struct {
	strategies []string
	effort     zoo.Effort
	twins      bool
	list       bool
	format     string
}

func (e *environment) zooCommand() *cobra.Command {
	f := &zooFlags{}
	cmd := &cobra.Command{
		Use:   "zoo [PROGRAM...]",
		Short: "Measure how many seeds it takes to find known bugs",
		Long: `Zoo runs small programs with known bugs under one or several strategies, and prints
how many seeds each needs: the median of some trials, and what is enough for 95 % of
them. The exit code is 1 if a trial does not find its bug, or a twin, which has no
bug, reports one.

  simrun zoo                                    all programs, the random strategy
  simrun zoo --strategy random,pos --twins      two strategies, the twins as well
  simrun zoo --strategy portfolio:random,pct:2  a portfolio of two; repeat the flag for more`,
		RunE: func(cmd *cobra.Command, names []string) error {
			programs, err := chooseZoo(names)
			if err != nil {
				return err
			}
			if f.list {
				return e.listZoo(programs)
			}
			return e.zoo(cmd.Context(), f, programs)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.strategies, "strategy", []string{"random"}, "strategies, separated by commas")
	flags.IntVar(&f.effort.Trials, "trials", 20, "searches for each bug, each over seeds of its own")
	flags.IntVar(&f.effort.SeedsMax, "seeds-max", 1000, "seeds after which a trial gives up, and that twins run")
	flags.BoolVar(&f.twins, "twins", false, "look for reports of the twins, too")
	flags.BoolVar(&f.list, "list", false, "list the programs, one line each")
	flags.StringVar(&f.format, "format", "human", "human or markdown")
	return cmd
}

// chooseZoo returns the programs of the names; of none, all.
func chooseZoo(names []string) ([]zoo.Program, error) {
	if len(names) == 0 {
		return zoo.All(), nil
	}
	var chosen []zoo.Program
	for _, name := range names {
		p, ok := zoo.Find(name)
		if !ok {
			return nil, usagef("unknown program %q; \"simrun zoo --list\" prints them", name)
		}
		chosen = append(chosen, p)
	}
	return chosen, nil
}

func (e *environment) listZoo(programs []zoo.Program) error {
	table := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	for _, p := range programs {
		doc := p.Doc
		if p.Source != "" {
			doc += " [" + p.Source + "]"
		}
		if p.NeedsRace {
			doc += " (needs a race detector)"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", p.Name, p.Category, doc)
	}
	return table.Flush()
}

// namedStrategy is a strategy as it was asked for.
type namedStrategy struct {
	name string
	make func(seed uint64) sim.Strategy
}

// parseStrategies splits texts at commas, but not those of a portfolio.
func parseStrategies(texts []string) ([]namedStrategy, error) {
	var all []namedStrategy
	for _, text := range texts {
		names := strings.Split(text, ",")
		if strings.HasPrefix(text, "portfolio:") {
			names = []string{text}
		}
		for _, name := range names {
			strategy, err := sim.ParseStrategy(name)
			if err != nil {
				return nil, usageError{err}
			}
			all = append(all, namedStrategy{name, strategy})
		}
	}
	return all, nil
}

// zooTable is what was measured: a row for each program, a cell for each strategy.
type zooTable struct {
	strategies []string
	effort     zoo.Effort
	rows       [][]zoo.Measurement
	leftOut    []string // programs that need a race detector
	complaints []string
}

func (e *environment) zoo(ctx context.Context, f *zooFlags, programs []zoo.Program) error {
	strategies, err := parseStrategies(f.strategies)
	switch {
	case err != nil:
		return err
	case f.effort.Trials < 1 || f.effort.SeedsMax < 1:
		return usagef("--trials and --seeds-max have to be positive")
	case f.format != "human" && f.format != "markdown":
		return usagef("--format %q is neither human nor markdown", f.format)
	}
	table := &zooTable{effort: f.effort}
	for _, s := range strategies {
		table.strategies = append(table.strategies, s.name)
	}
	interrupted, err := e.measureAll(ctx, table, programs, strategies, f.twins)
	switch {
	case err != nil:
		return err
	case len(table.complaints) > 0:
		e.code = sweep.CodeViolation
	case interrupted:
		e.code = sweep.CodeInterrupted
	case len(table.rows) == 0:
		e.code = sweep.CodeInconclusive
	}
	write := table.human
	if f.format == "markdown" {
		write = table.markdown
	}
	if err := write(e.out); err != nil || !interrupted {
		return err
	}
	_, err = fmt.Fprintf(e.out, "interrupted, %d of %d programs measured\n", len(table.rows), len(programs))
	return err
}

// measureAll measures the programs, until it is interrupted.
func (e *environment) measureAll(
	ctx context.Context, table *zooTable, programs []zoo.Program, strategies []namedStrategy, twins bool,
) (interrupted bool, err error) {
	progress := e.zooProgress(len(programs))
	defer func() { progress(len(programs), "") }()
	for i, p := range programs {
		progress(i, p.Name)
		if err := table.add(ctx, p, strategies, twins); ctx.Err() != nil && err != nil {
			return true, nil
		} else if err != nil {
			return false, err
		}
	}
	return false, nil
}

// add measures a program.
func (t *zooTable) add(ctx context.Context, p zoo.Program, strategies []namedStrategy, twins bool) error {
	if p.NeedsRace {
		t.leftOut = append(t.leftOut, p.Name)
		return nil
	}
	var row []zoo.Measurement
	for _, s := range strategies {
		m, err := zoo.Measure(ctx, p, s.make, t.effort)
		if err != nil {
			return err
		}
		row = append(row, m)
		if m.Missed > 0 {
			t.complain("NOT FOUND  %s under %s: %d of %d trials gave up", p.Name, s.name, m.Missed, t.effort.Trials)
		}
		if m.Strange.Kind != sim.OK {
			t.complain("STRANGE    %s under %s: %v, want %v", p.Name, s.name, m.Strange, p.Verdict)
		}
		if !twins {
			continue
		}
		reports, err := zoo.CheckTwin(ctx, p, s.make, t.effort.SeedsMax)
		if err != nil {
			return err
		}
		if len(reports) > 0 {
			t.complain("FALSE      the twin of %s under %s: %d of %d seeds, the first is %d: %v",
				p.Name, s.name, len(reports), t.effort.SeedsMax, reports[0].Seed, reports[0].Verdict)
		}
	}
	t.rows = append(t.rows, row)
	return nil
}

func (t *zooTable) complain(format string, args ...any) {
	t.complaints = append(t.complaints, fmt.Sprintf(format, args...))
}

// total adds the medians of a strategy up.
func (t *zooTable) total(strategy int) int {
	sum := 0
	for _, row := range t.rows {
		sum += row[strategy].Median()
	}
	return sum
}

// seeds writes a number of seeds that may be beyond the most.
func (t *zooTable) seeds(n int) string {
	if n > t.effort.SeedsMax {
		return fmt.Sprintf(">%d", t.effort.SeedsMax)
	}
	return fmt.Sprint(n)
}

// human writes a table for each category.
func (t *zooTable) human(out io.Writer) error {
	var b strings.Builder
	var category zoo.Category
	for _, row := range t.rows {
		p := row[0].Program
		if p.Category != category {
			if category != "" {
				b.WriteByte('\n')
			}
			category = p.Category
			t.header(&b, string(category))
		}
		fmt.Fprintf(&b, "  %-29s %5d", p.Name, p.Depth)
		for i, m := range row {
			fmt.Fprintf(&b, "  %*s %5s", t.width(i), t.seeds(m.Median()), t.seeds(m.P95()))
		}
		b.WriteByte('\n')
	}
	if len(t.rows) > 1 {
		total := fmt.Sprintf("\n%-37s", "total of the medians")
		for i := range t.strategies {
			total += fmt.Sprintf("  %*d %5s", t.width(i), t.total(i), "")
		}
		b.WriteString(strings.TrimRight(total, " ") + "\n")
	}
	t.end(&b)
	_, err := io.WriteString(out, b.String())
	return err
}

func (t *zooTable) header(b *strings.Builder, category string) {
	fmt.Fprintf(b, "%-31s %5s", category, "depth")
	for i, name := range t.strategies {
		fmt.Fprintf(b, "  %*s %5s", t.width(i), name, "95 %")
	}
	b.WriteByte('\n')
}

// width is that of the median of a strategy.
func (t *zooTable) width(strategy int) int { return max(6, len(t.strategies[strategy])) }

// markdown writes one table with the sources.
func (t *zooTable) markdown(out io.Writer) error {
	var b strings.Builder
	b.WriteString("| category | program | depth | modelled on |")
	rule := "|---|---|--:|---|"
	for _, name := range t.strategies {
		fmt.Fprintf(&b, " %s | 95 %% |", name)
		rule += "--:|--:|"
	}
	b.WriteString("\n" + rule + "\n")
	for _, row := range t.rows {
		p := row[0].Program
		fmt.Fprintf(&b, "| %s | `%s` | %d | %s |", p.Category, p.Name, p.Depth, p.Source)
		for _, m := range row {
			fmt.Fprintf(&b, " %s | %s |", t.seeds(m.Median()), t.seeds(m.P95()))
		}
		b.WriteByte('\n')
	}
	b.WriteString("| total of the medians | | | |")
	for i := range t.strategies {
		fmt.Fprintf(&b, " %d | |", t.total(i))
	}
	b.WriteByte('\n')
	t.end(&b)
	_, err := io.WriteString(out, b.String())
	return err
}

// end writes what is not a table.
func (t *zooTable) end(b *strings.Builder) {
	if len(t.complaints) > 0 {
		b.WriteString("\n" + strings.Join(t.complaints, "\n") + "\n")
	}
	if len(t.leftOut) > 0 {
		fmt.Fprintf(b, "\nLEFT OUT, they need a race detector: %s\n", strings.Join(t.leftOut, ", "))
	}
	fmt.Fprintf(b, "\n%d programs, %d trials of at most %d seeds each; complaints: %d\n",
		len(t.rows), t.effort.Trials, t.effort.SeedsMax, len(t.complaints))
}

// zooProgress shows on standard error how many programs are done.
func (e *environment) zooProgress(total int) func(done int, next string) {
	if !e.terminal {
		start, due := time.Now(), plainEvery
		return func(done int, _ string) {
			if since := time.Since(start); since >= due {
				due = since + plainEvery
				fmt.Fprintf(e.err, "zoo: %d of %d programs\n", done, total)
			}
		}
	}
	bar := progressbar.NewOptions(total,
		progressbar.OptionSetWriter(e.err), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(24), progressbar.OptionShowCount())
	return func(done int, next string) {
		bar.Describe(fmt.Sprintf("%-20s", next))
		bar.Set(done) //nolint:errcheck // a bar that can not be drawn is no reason to stop
		if done == total {
			bar.Finish() //nolint:errcheck // as above
		}
	}
}
