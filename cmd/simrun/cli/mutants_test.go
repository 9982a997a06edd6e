package cli

import (
	"context"
	"io"
	"testing"

	"github.com/tidemarkdb/tidemark/sim/mutation"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// TestAnInterruptOfMutantsIsNoFailure protects the exit code: also an interrupt
// before the first mutant, in the sweep without any, is one.
func TestAnInterruptOfMutantsIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := &environment{
		mutants: []mutation.Mutant{{Name: "none", Scenarios: []string{"none"}}}, out: io.Discard, err: io.Discard,
	}
	if code := e.main(ctx, []string{"mutants", "--all"}); code != sweep.CodeInterrupted {
		t.Errorf("exit code %d", code)
	}
}
