package cli

import (
	"os"
	"path/filepath"
	"strconv"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// scriptPath is where the script of a run is kept: <out>/<scenario>/<seed>.json.
func scriptPath(out string, s *sim.Script) string {
	return artefactPath(out, s.Scenario, s.Seed, sweep.ScriptSuffix)
}

// tapePath is where its tape is.
func tapePath(out string, t *sim.Tape) string {
	return artefactPath(out, t.Scenario, t.Seed, sweep.TapeSuffix)
}

func artefactPath(out, scenario string, seed uint64, suffix string) string {
	return filepath.Join(out, scenario, "0x"+strconv.FormatUint(seed, 16)+suffix)
}

// writeScript saves a script, and returns the path.
func writeScript(out string, script *sim.Script) (string, error) {
	data, err := script.MarshalText()
	if err != nil {
		return "", err
	}
	return writeArtefact(scriptPath(out, script), data)
}

// writeTape saves a tape, and returns the path.
func writeTape(out string, tape *sim.Tape) (string, error) {
	data, err := tape.MarshalBinary()
	if err != nil {
		return "", err
	}
	return writeArtefact(tapePath(out, tape), data)
}

func writeArtefact(path string, data []byte) (string, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, data, 0o666)
}
