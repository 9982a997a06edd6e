package sweep

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidemarkdb/tidemark/sim"
)

// The suffixes of artefacts.
const (
	ScriptSuffix = ".json"
	TapeSuffix   = ".tape"
)

// Kept is a run that has failed before.
type Kept struct {
	// Path is that of its artefact.
	Path string
	// Config repeats it: by the script, or by the seed, the limits and the plan of a tape.
	Config sim.Config
}

// ErrCorpus is wrapped by the errors about artefacts that cannot be used.
var ErrCorpus = errors.New("sweep: corpus")

// ReadCorpus returns the runs that are kept in a folder, sorted by the names of their
// files: scripts, which can still be followed after the program has changed, and the seeds
// of tapes. Other files, and a folder that is not there, mean nothing; an artefact that is
// damaged, or of another scenario, is an ErrCorpus.
func ReadCorpus(folder, scenario string, base sim.Config) ([]Kept, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorpus, err)
	}
	var all []Kept
	for _, entry := range entries {
		k, name := Kept{filepath.Join(folder, entry.Name()), base}, ""
		switch {
		case entry.IsDir():
			continue
		case strings.HasSuffix(k.Path, ScriptSuffix):
			name, err = k.readScript()
		case strings.HasSuffix(k.Path, TapeSuffix):
			name, err = k.readTape()
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCorpus, err)
		}
		if name != scenario {
			return nil, fmt.Errorf("%w: %s is of %q, not of %q", ErrCorpus, k.Path, name, scenario)
		}
		all = append(all, k)
	}
	return all, nil
}

// readScript takes a script to follow, and returns the name of its scenario.
func (k *Kept) readScript() (string, error) {
	script, err := sim.ReadScript(k.Path)
	if err != nil {
		return "", err
	}
	k.Config.Script, k.Config.Strategy, k.Config.Plan = script, nil, nil
	return script.Scenario, nil
}

// readTape takes the seed, the limits and the plan of a tape, and returns the name of its
// scenario.
func (k *Kept) readTape() (string, error) {
	tape, err := sim.ReadTape(k.Path)
	if err != nil {
		return "", err
	}
	c := &k.Config
	c.Seed, c.StepsMax, c.TimeMax, c.StepCost = tape.Seed, tape.StepsMax, tape.TimeMax, tape.StepCost
	c.LeaksAfter, c.Plan = tape.LeaksAfter, tape.Plan
	return tape.Scenario, nil
}
