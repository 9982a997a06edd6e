package sim_test

import (
	"errors"
	"testing"

	"github.com/tidemarkdb/tidemark/sim"
)

// TestScenarioIsChecked protects lists of scenarios: names can be typed, and
// each says what it shows.
func TestScenarioIsChecked(t *testing.T) {
	for name, good := range map[string]bool{
		"failover": true, "two-words": true, "v2-of-3": true,
		"": false, "Upper": false, "two words": false, "-x": false, "x-": false, "a--b": false, "a_b": false, "übung": false,
	} {
		err := sim.Scenario{Name: name, Doc: "a fixture", Run: money}.Validate()
		if good != (err == nil) || !good && !errors.Is(err, sim.ErrScenario) {
			t.Errorf("%q: error %v", name, err)
		}
	}
	for _, s := range []sim.Scenario{{Name: "x", Doc: "x"}, {Name: "x", Run: money}} {
		if err := s.Validate(); !errors.Is(err, sim.ErrScenario) {
			t.Errorf("%+v: error %v", s, err)
		}
	}
}

// TestScenarioHasItsOwnLimits protects scenarios that need more steps than
// others, and the limits of those that do not.
func TestScenarioHasItsOwnLimits(t *testing.T) {
	base := sim.Config{Seed: 7, StepsMax: 10}
	if got := (sim.Scenario{StepsMax: 99}).Config(base); got.StepsMax != 99 || got.Seed != 7 {
		t.Errorf("%+v", got)
	}
	if got := (sim.Scenario{}).Config(base); got.StepsMax != 10 {
		t.Errorf("%+v", got)
	}
}
