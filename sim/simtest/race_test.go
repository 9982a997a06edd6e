//go:build race

package simtest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// racyVariable makes the test binary a child that is meant to fail.
const racyVariable = "TIDEMARK_SIMTEST_RACY"

// unguarded is right but for the lock that it lacks: no assertion could find it.
func unguarded(ctx context.Context, rt *runtime.Runtime) {
	visits := 0
	g := rt.NewGroup(ctx)
	for range 2 {
		g.Go("visitor", func(context.Context) error { visits++; return nil })
	}
	_ = g.Wait()
	rt.Always(visits == 2, "counted")
}

// TestUnguarded is what the tests below run in a child process.
func TestUnguarded(t *testing.T) {
	switch os.Getenv(racyVariable) {
	case "body":
		simtest.Run(t, unguarded)
	case "scenario":
		simtest.RunScenario(t, sim.Scenario{
			Name: "unguarded", Doc: "counts without a lock",
			Run: func(ctx context.Context, w *sim.World) error { unguarded(ctx, w.Runtime()); return nil },
		})
	default:
		t.Skip("fails by itself, so it is the others that run it")
	}
}

func runUnguarded(t *testing.T, how string) string {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run", "^TestUnguarded$", "-test.v")
	child.Env = append(os.Environ(), racyVariable+"="+how, "SIM_SEED=", "SIM_SEEDS=", "SIM_STORY=")
	output, err := child.CombinedOutput()
	if err == nil {
		t.Errorf("%s: passed", how)
	}
	return string(output)
}

// TestRaceFailsTheTestAndNamesTheSeed protects those who rely on -race: a data race
// needs no assertion, and the failure says how to see it again.
func TestRaceFailsTheTestAndNamesTheSeed(t *testing.T) {
	output := runUnguarded(t, "body")
	if n := strings.Count(output, "WARNING: DATA RACE"); n == 0 {
		t.Errorf("no report in\n%s", output)
	}
	wantLines(t, output,
		`data race, as reported above`,
		`seed 1, 1 of`,
		`go test -race \S+/sim/simtest -run '\^TestUnguarded\$' -sim\.seed=1$`)
	output = runUnguarded(t, "scenario")
	wantLines(t, output, `the race detector reported while seed \d+ ran$`)
}
