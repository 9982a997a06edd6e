package simtest

import (
	"path/filepath"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// corpusFolder returns where the failures of a test are kept, relative to the folder of
// its package; empty if its name is none for a folder.
func corpusFolder(test string) string {
	name := filepath.FromSlash(test)
	if !filepath.IsLocal(name) {
		return ""
	}
	return filepath.Join("testdata", "sim", name)
}

// readCorpus returns the runs that are kept for a test.
func readCorpus(test, scenario string, base sim.Config) ([]sweep.Kept, error) {
	folder := corpusFolder(test)
	if folder == "" {
		return nil, nil
	}
	return sweep.ReadCorpus(folder, scenario, base)
}
