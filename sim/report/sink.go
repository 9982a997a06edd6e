package report

import (
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// Sink receives what a program that sweeps finds, in order: Start, then for each scenario
// its seeds and its Sweep, then End. It is called by one goroutine at a time. After its
// first error a sink does nothing but return it again.
type Sink interface {
	Start(Start) error
	Seed(scenario string, r sim.Result) error
	Sweep(r *sweep.Report, failures []Told) error
	End(code sweep.Code) error
}

// Start says what runs.
type Start struct {
	// Revision is that of the source; empty if nobody knows.
	Revision string
	// Seeds are those of every scenario, Strategy is what makes the choices.
	Seeds, Strategy string
}

// Told is a failure as it was told to people.
type Told struct {
	sweep.Failure
	// Text is the whole block, Rerun the command that repeats the run.
	Text, Rerun string
	// Shrunk says in a few words what is left of the run; empty if it was not shrunk.
	Shrunk string
	// Files are the artefacts.
	Files []string
}
