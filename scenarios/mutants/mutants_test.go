package mutants_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tidemarkdb/tidemark/scenarios"
	"github.com/tidemarkdb/tidemark/scenarios/mutants"
	"github.com/tidemarkdb/tidemark/sim"
)

// TestEveryMutantStillFits protects mutants from rotting: its old lines are in the
// tree, once, and its scenarios exist.
func TestEveryMutantStillFits(t *testing.T) {
	all, err := mutants.All()
	if err != nil || len(all) < 12 {
		t.Fatal(len(all), err)
	}
	for _, m := range all {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(m.File)))
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := m.Apply(string(text)); err != nil {
			t.Error(err)
		}
		for _, name := range m.Scenarios {
			if !slices.ContainsFunc(scenarios.All(), func(s sim.Scenario) bool { return s.Name == name }) {
				t.Errorf("%s: there is no scenario %s", m.Name, name)
			}
		}
	}
}
