package cli

import (
	"path/filepath"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// readCorpus returns the runs of a scenario that have failed before, which come first in
// a sweep: the artefacts in FOLDER/SCENARIO.
func readCorpus(folder, scenario string, base sim.Config) ([]sim.Config, error) {
	if folder == "" {
		return nil, nil
	}
	kept, err := sweep.ReadCorpus(filepath.Join(folder, scenario), scenario, base)
	if err != nil {
		return nil, usageError{err}
	}
	all := make([]sim.Config, len(kept))
	for i, k := range kept {
		all[i] = k.Config
	}
	return all, nil
}
