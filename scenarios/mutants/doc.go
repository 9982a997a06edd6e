// Package mutants has the bugs that the scenarios have to find, each a small edit
// of our own code in a file of its own. The command "simrun mutants" plants them
// one by one; docs/mutants.md says what found them, and in which seed.
package mutants

import (
	"embed"

	"github.com/tidemarkdb/tidemark/sim/mutation"
)

//go:embed *.txtar
var files embed.FS

// All returns the mutants in the order of their names.
func All() ([]mutation.Mutant, error) { return mutation.Load(files) }
