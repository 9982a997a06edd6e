package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidemarkdb/tidemark/sim"
)

// readCorpus returns the runs of a scenario that have failed before: the scripts in
// FOLDER/SCENARIO, which can still be followed after the program has changed, and the
// seeds of the tapes. They come first in a sweep.
func readCorpus(folder, scenario string, base sim.Config) ([]sim.Config, error) {
	if folder == "" {
		return nil, nil
	}
	folder = filepath.Join(folder, scenario)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []sim.Config
	for _, entry := range entries { // sorted by name
		path, c := filepath.Join(folder, entry.Name()), base
		switch {
		case strings.HasSuffix(path, scriptSuffix):
			if c.Script, err = sim.ReadScript(path); err == nil && c.Script.Scenario != scenario {
				err = fmt.Errorf("%s is of scenario %s", path, c.Script.Scenario)
			}
			c.Strategy = nil
		case strings.HasSuffix(path, tapeSuffix):
			var tape *sim.Tape
			if tape, err = sim.ReadTape(path); err == nil {
				c.Seed, c.StepsMax, c.TimeMax, c.StepCost = tape.Seed, tape.StepsMax, tape.TimeMax, tape.StepCost
				c.LeaksAfter, c.Plan = tape.LeaksAfter, tape.Plan
			}
		default:
			continue
		}
		if err != nil {
			return nil, usageError{err}
		}
		all = append(all, c)
	}
	return all, nil
}
