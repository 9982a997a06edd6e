package cli

import (
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// TestCheckLocatesWhatDoesNotRepeat protects the way from exit code 4 to the line that
// escapes the simulator.
func TestCheckLocatesWhatDoesNotRepeat(t *testing.T) {
	fickle := sim.Scenario{Name: "fickle", Doc: "uses the global random source", Run: func(_ context.Context, w *sim.World) error {
		rt := w.Runtime()
		mu := rt.NewMutex()
		for range 64 {
			if rand.IntN(2) == 0 {
				mu.Lock()
				mu.Unlock() //nolint:staticcheck // an operation is all that is needed
			}
			rt.Yield()
		}
		return nil
	}}
	var out strings.Builder
	e := &environment{
		scenarios: []sim.Scenario{fickle}, out: &out, err: io.Discard, getenv: func(string) string { return "" },
	}
	if code := e.main(t.Context(), []string{"check", "fickle", "--seeds", "1-2", "--out", t.TempDir()}); code != sweep.CodeNondeterminism {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"does not repeat: hash ", "two runs of seed 1 part here, after", "one goes on with", "the other goes on with",
		"cli/check_test.go:", "lock ", "yield",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
