package simtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidemarkdb/tidemark/sim"
)

const (
	scriptSuffix = ".json"
	tapeSuffix   = ".tape"
)

// kept is a run that has failed before, and the file that says so.
type kept struct {
	path   string
	config sim.Config
}

// corpusFolder returns where the failures of a test are kept, relative to the folder of
// its package; empty if its name is none for a folder.
func corpusFolder(test string) string {
	name := filepath.FromSlash(test)
	if !filepath.IsLocal(name) {
		return ""
	}
	return filepath.Join("testdata", "sim", name)
}

// readCorpus returns the runs that are kept in a folder, sorted by the names of their
// files: scripts, which can still be followed after the program has changed, and the
// seeds of tapes. A file that is not one of this scenario is an error.
func readCorpus(folder, scenario string, base sim.Config) ([]kept, error) {
	if folder == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("simtest: corpus: %w", err)
	}
	var all []kept
	for _, entry := range entries {
		k, name := kept{path: filepath.Join(folder, entry.Name()), config: base}, ""
		switch {
		case entry.IsDir(): // of a subtest
			continue
		case strings.HasSuffix(k.path, scriptSuffix):
			name, err = k.readScript()
		case strings.HasSuffix(k.path, tapeSuffix):
			name, err = k.readTape()
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("simtest: corpus: %w", err)
		}
		if name != scenario {
			return nil, fmt.Errorf("simtest: corpus: %s is of %q, not of %q", k.path, name, scenario)
		}
		all = append(all, k)
	}
	return all, nil
}

// readScript takes a script to follow, and returns the name of its scenario.
func (k *kept) readScript() (string, error) {
	script, err := sim.ReadScript(k.path)
	if err != nil {
		return "", err
	}
	k.config.Script, k.config.Strategy, k.config.Plan = script, nil, nil
	return script.Scenario, nil
}

// readTape takes the seed, the limits and the plan of a tape, and returns the name of its
// scenario.
func (k *kept) readTape() (string, error) {
	tape, err := sim.ReadTape(k.path)
	if err != nil {
		return "", err
	}
	c := &k.config
	c.Seed, c.StepsMax, c.TimeMax, c.StepCost = tape.Seed, tape.StepsMax, tape.TimeMax, tape.StepCost
	c.LeaksAfter, c.Plan = tape.LeaksAfter, tape.Plan
	return tape.Scenario, nil
}
