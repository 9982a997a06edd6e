package scenarios_test

import (
	"testing"

	"github.com/tidemarkdb/tidemark/scenarios"
)

// TestScenariosHaveTheirAssertions protects the comparison of what is asserted with what
// the sweeps evaluate: without the list it would find nothing wrong.
func TestScenariosHaveTheirAssertions(t *testing.T) {
	for _, s := range scenarios.All() {
		if len(s.Assertions) == 0 {
			t.Errorf("%s asserts nothing: run \"go generate ./scenarios\"", s.Name)
		}
	}
}
