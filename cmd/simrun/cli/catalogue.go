package cli

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// tellCatalogue compares what the scenarios assert with what their sweeps have evaluated.
func (e *environment) tellCatalogue(table bool) error {
	if table {
		if err := e.writeCatalogue(); err != nil {
			return err
		}
	}
	var last sim.Assertion
	for _, a := range sweep.NeverEvaluated(e.scenarios, e.reports) {
		if a.Kind == last.Kind && a.ID == last.ID {
			fmt.Fprintf(e.out, ", %s", a.File)
			continue
		}
		if e.neverEvaluated > 0 {
			fmt.Fprintln(e.out)
		}
		fmt.Fprintf(e.out, "?     never evaluated: %s %s, %s", a.ID, a.Kind, a.File)
		e.neverEvaluated, last = e.neverEvaluated+1, a
	}
	if e.neverEvaluated > 0 {
		fmt.Fprintln(e.out)
	}
	return nil
}

// writeCatalogue writes the table of all assertions of the scenarios that ran, goals
// included, with their counts in all sweeps together.
func (e *environment) writeCatalogue() error {
	var all []sim.Assertion
	for _, s := range e.scenarios {
		if slices.ContainsFunc(e.reports, func(r sweep.Report) bool { return r.Scenario == s.Name }) {
			all = append(all, s.Assertions...)
		}
	}
	slices.SortFunc(all, sweep.CompareAssertions)
	table := tabwriter.NewWriter(e.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "kind\tid\tevaluated\theld\tplaces")
	for len(all) > 0 {
		first, files := all[0], []string(nil)
		for len(all) > 0 && all[0].Kind == first.Kind && all[0].ID == first.ID {
			files, all = append(files, all[0].File), all[1:]
		}
		evaluated, held := e.counts(first.Kind, first.ID)
		places := strings.Join(slices.Compact(files), ", ")
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\n", first.Kind, first.ID, evaluated, held, places)
	}
	return table.Flush()
}

// counts adds up how often an assertion was evaluated, and how often it held.
func (e *environment) counts(kind runtime.AssertionKind, id string) (evaluated, held uint64) {
	for _, r := range e.reports {
		for _, a := range r.Assertions {
			if a.Kind == kind && a.ID == id {
				evaluated, held = evaluated+a.Evaluated, held+a.Held
			}
		}
	}
	return evaluated, held
}
