package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// Sweep writes the summary of a sweep: one line, then what needs a word.
func Sweep(w io.Writer, r *sweep.Report) {
	fmt.Fprintf(w, "%-5s %-13s %s\n", Word(r), r.Scenario, figures(r))
	for _, d := range r.Divergences {
		fmt.Fprintf(w, "      seed %s does not repeat: hash %016x, then %016x\n",
			sweep.Format(d.Seed), d.First, d.Second)
		if d.Where != "" {
			fmt.Fprintf(w, "        the first difference is at %s\n", d.Where)
		}
	}
	for _, seed := range r.Races {
		fmt.Fprintf(w, "      the race detector reported while seed %s ran\n", sweep.Format(seed))
	}
	if r.Inconclusive > 0 {
		fmt.Fprintf(w, "      %d runs proved nothing; %s\n", r.Inconclusive, r.InconclusiveMessage)
	}
	if r.MemoryExceeded > 0 {
		fmt.Fprintf(w, "      ended early: %d MiB on the heap\n", r.MemoryExceeded>>20)
	}
	if r.OwesObligations() {
		for _, a := range r.Unmet() {
			fmt.Fprintf(w, "      %s %s: never in %d runs\n", a.Kind, a.ID, r.Done)
		}
	}
}

// Word returns the verdict of a sweep in capitals.
func Word(r *sweep.Report) string {
	switch r.Code() {
	case sweep.CodeOK:
		return "ok"
	case sweep.CodeViolation:
		return "FAIL"
	case sweep.CodeNondeterminism:
		return "DIFF"
	case sweep.CodeInterrupted:
		return "STOP"
	}
	return "?"
}

// figures fit a line of 80 columns with the rest, unless something is wrong.
func figures(r *sweep.Report) string {
	parts := []string{fmt.Sprintf("%d seeds", r.Done)}
	switch {
	case r.Done < r.Total:
		parts[0] = fmt.Sprintf("%d of %d seeds", r.Done, r.Total)
	case r.Done == 1:
		parts[0] = "1 seed"
	}
	if r.Shard.IsPart() {
		parts[0] += " of shard " + r.Shard.String()
	}
	if r.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", r.Failed))
	}
	if r.Checked > 0 {
		parts = append(parts, fmt.Sprintf("%d twice", r.Checked))
	}
	if seconds := r.Real.Seconds(); seconds > 0 && r.Done > 0 {
		parts = append(parts,
			fmt.Sprintf("%.0f runs and %.1f M steps/core-s", float64(r.Done)/r.CoreSeconds(), float64(r.Steps)/r.CoreSeconds()/1e6),
			Round(r.Real).String())
	}
	return strings.Join(parts, ", ")
}

// Obligations writes the table of goals and faults of a sweep.
func Obligations(w io.Writer, r *sweep.Report) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "kind\tid\tevaluated\tmet")
	for _, a := range r.Obligations() {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\n", a.Kind, a.ID, a.Evaluated, a.Held)
	}
	return table.Flush()
}

// Round drops the digits of a duration that nobody reads.
func Round(d time.Duration) time.Duration {
	switch {
	case d > time.Minute:
		return d.Round(time.Second)
	case d > time.Second:
		return d.Round(100 * time.Millisecond)
	case d > time.Millisecond:
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}
