package cli

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// TestWhatNobodyEvaluatesIsTold protects against green sweeps of assertions that no run
// comes to: they are named, with their places, and the sweeps are inconclusive.
func TestWhatNobodyEvaluatesIsTold(t *testing.T) {
	asserting := func(name string, assertions ...sim.Assertion) sim.Scenario {
		run := func(_ context.Context, w *sim.World) error {
			w.Runtime().Always(true, "holds")
			return nil
		}
		return sim.Scenario{Name: name, Doc: "asserts", Assertions: assertions, Run: run}
	}
	holds := sim.Assertion{Kind: runtime.KindAlways, ID: "holds", File: "bank/audit.go"}
	first := sim.Assertion{Kind: runtime.KindAlways, ID: "P-99", File: "bank/audit.go"}
	second := sim.Assertion{Kind: runtime.KindAlways, ID: "P-99", File: "bank/transfer.go"}
	never := sim.Assertion{Kind: runtime.KindAlwaysOrUnreachable, ID: "free", File: "bank/transfer.go"}
	run := func(arguments ...string) (sweep.Code, string) {
		var out strings.Builder
		e := &environment{
			scenarios: []sim.Scenario{asserting("a", holds, first, never), asserting("b", second)}, out: &out, err: io.Discard,
			getenv: func(string) string { return "" },
		}
		return e.main(t.Context(), append([]string{"run", "--quiet", "--out", t.TempDir()}, arguments...)), out.String()
	}
	code, text := run("--seeds", "1-100", "--obligations")
	if code != sweep.CodeInconclusive {
		t.Errorf("code %d", code)
	}
	for _, want := range []string{
		"?     never evaluated: P-99 always, bank/audit.go, bank/transfer.go\n" +
			"2 of 2 scenarios ran, 1 of their assertions never evaluated, ",
		"always                 holds  200        200   bank/audit.go\n",
		"always-or-unreachable  free   0          0     bank/transfer.go\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for _, arguments := range [][]string{{"--seeds", "1-99"}, {"a", "--seeds", "1-100"}} {
		if code, text := run(arguments...); code != sweep.CodeOK || strings.Contains(text, "never evaluated") {
			t.Errorf("%q: code %d\n%s", arguments, code, text)
		}
	}
}
