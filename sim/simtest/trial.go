package simtest

import (
	"testing"

	"github.com/tidemarkdb/tidemark/sim"
)

// Trial is one run, for those who choose their runs themselves, as package rapidtest
// does.
type Trial struct {
	// Result is what came of it.
	Result sim.Result

	runner *runner
	config sim.Config
}

// Try runs main once, under a seed, with the strategy and the faults of the settings.
// Unlike Run it leaves the judgement to the caller; only settings that make no sense
// fail the test, and t.Skip in main skips it.
func Try(t *testing.T, seed uint64, main sim.Main) *Trial {
	t.Helper()
	s, err := settingsOf(testing.Short())
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{t: t, settings: s, scenario: sim.Scenario{Name: t.Name(), Run: main}, jobs: 1}
	config := s.config
	config.Seed = seed
	return &Trial{Result: r.run(config), runner: r, config: config}
}

// Describe tells a trial that has failed as Run does: the seed and where that came from,
// such as "drawn by rapid", the story of a smaller run, the artefacts, and the command
// that repeats it, if one is given.
func (t *Trial) Describe(origin, again string) string {
	t.runner.t.Helper()
	return t.runner.describe(t.config, t.Result, telling{place: origin, again: again})
}
