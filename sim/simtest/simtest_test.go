package simtest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// folder takes the compiled fixture.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "simtest"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(folder)
		os.Exit(code)
	}))
}

const fixture = "github.com/tidemarkdb/tidemark/sim/simtest/testdata/fixture"

// build compiles the fixture once and returns the program.
var build = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(folder, "fixture.test")
	output, err := exec.Command("go", "test", "-c", "-o", binary, fixture).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, output)
	}
	return binary, nil
})

// goTest runs one test of the fixture, with flags and variables of the
// environment, and returns what it says and whether it passed.
func goTest(t *testing.T, name string, settings ...string) (output string, passed bool) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles the fixture with the go tool")
	}
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, "-test.v", "-test.run", "^"+name+"$")
	command.Env = append(os.Environ(), "SIM_SEED=", "SIM_SEEDS=", "SIM_STORY=")
	for _, s := range settings {
		if strings.HasPrefix(s, "-") {
			command.Args = append(command.Args, s)
		} else {
			command.Env = append(command.Env, s)
		}
	}
	text, err := command.CombinedOutput()
	return string(text), err == nil
}

// wantLines demands that each expression matches in the output.
func wantLines(t *testing.T, output string, expressions ...string) {
	t.Helper()
	for _, e := range expressions {
		if !regexp.MustCompile("(?m)" + e).MatchString(output) {
			t.Errorf("nothing matches %s in\n%s", e, output)
		}
	}
}

// TestEachSeedGetsAWorld protects the loop itself: the body runs in a fresh
// world per seed, one after the other.
func TestEachSeedGetsAWorld(t *testing.T) {
	worlds := make(map[*runtime.Runtime]bool)
	simtest.Run(t, func(_ context.Context, rt *runtime.Runtime) { worlds[rt] = true })
	var seeds []uint64
	simtest.RunWorld(t, func(_ context.Context, w *sim.World) error {
		seeds = append(seeds, w.Seed())
		return nil
	})
	if len(worlds) == 0 || len(worlds) != len(seeds) || len(slices.Compact(slices.Clone(seeds))) != len(seeds) {
		t.Errorf("%d worlds, seeds %v", len(worlds), seeds)
	}
}

// TestFailureIsToldWithItsCommand protects the first screen of the README: what
// broke, the seed, the story with lines of the program, the command.
func TestFailureIsToldWithItsCommand(t *testing.T) {
	output, passed := goTest(t, "TestViolation")
	if passed {
		t.Error("the test has passed")
	}
	wantLines(t, output,
		`^    fixture_test\.go:\d+: no-overdraft balance=-20$`,
		`^          seed \d+, \d+ of 100; \d+ steps, \d+µs of virtual time$`,
		`^          in main, step \d+$`,
		`^          shrunk to 1 preemption, \d+ steps$`,
		`^          story of the smaller run:$`,
		`^        >  +\d+ +\+0\.\d+s  main/(alice|bob)  +starts$`,
		`VERDICT violation no-overdraft balance=-20$`,
		`^          again: go test `+fixture+` -run '\^TestViolation\$' -sim\.seed=\d+$`,
		`^--- FAIL: TestViolation`,
	)
}

// TestCommandRepeatsTheFailure protects the last line of a report: given to a
// shell, also for a test with an odd name, it fails in the same way.
func TestCommandRepeatsTheFailure(t *testing.T) {
	for _, name := range []string{"TestViolation", "TestSub"} {
		output, _ := goTest(t, name)
		again := regexp.MustCompile(`again: (.*-sim\.seed=(\d+))`).FindStringSubmatch(output)
		if again == nil {
			t.Fatalf("no command in\n%s", output)
		}
		text, err := exec.CommandContext(t.Context(), "sh", "-c", again[1]).CombinedOutput()
		if err == nil {
			t.Errorf("%s has passed:\n%s", again[1], text)
		}
		wantLines(t, string(text), `no-overdraft balance=-20$`, `seed `+again[2]+`, 1 of 1;`)
	}
}

// TestSettingsChooseSeedsAndStory protects flags and variables: flags win,
// nonsense is refused with its name.
func TestSettingsChooseSeedsAndStory(t *testing.T) {
	for _, test := range []struct {
		settings []string
		want     string
	}{
		{nil, `: 100 seeds$`},
		{[]string{"-test.short"}, `: 10 seeds$`},
		{[]string{"-sim.seed=7"}, `: 1 seeds$`},
		{[]string{"-sim.seeds=1-20,0x2a"}, `: 21 seeds$`},
		{[]string{"SIM_SEED=7"}, `: 1 seeds$`},
		{[]string{"SIM_SEEDS=1-20"}, `: 20 seeds$`},
		{[]string{"SIM_SEEDS=1-20", "-sim.seed=random"}, `: 1 seeds$`},
		{[]string{"-sim.seeds=x"}, `simtest: -sim\.seed, -sim\.seeds, SIM_SEED or SIM_SEEDS: .*"x" is not`},
		{[]string{"SIM_STORY=many"}, `simtest: -sim\.story or SIM_STORY: "many" is not a number of lines$`},
		{[]string{"-sim.shrink=soon"}, `simtest: -sim\.shrink or SIM_SHRINK: "soon" is not a time such as 5s, or 0$`},
		{[]string{"-sim.story=-1"}, `simtest: -sim\.story or SIM_STORY: "-1" is not a number of lines$`},
	} {
		output, passed := goTest(t, "TestPass", test.settings...)
		wantLines(t, output, test.want)
		if refused := strings.HasPrefix(test.want, "simtest"); passed == refused {
			t.Errorf("%v: passed %v", test.settings, passed)
		}
	}
	for _, setting := range []string{"-sim.story=3", "SIM_STORY=3"} {
		output, _ := goTest(t, "TestViolation", setting)
		wantLines(t, output, `story of the smaller run, the last 3 of \d+ events:$`)
	}
	output, _ := goTest(t, "TestViolation", "-sim.story=0")
	wantLines(t, output, `  story of the smaller run:$`)
	for _, setting := range []string{"-sim.shrink=0", "SIM_SHRINK=0s"} {
		output, _ := goTest(t, "TestViolation", setting)
		wantLines(t, output, `  story:$`)
	}
}

// TestFatalInATaskEndsTheTest protects those who use t as they are used to: the
// world stops, deferred functions of the test run, nothing behind the run does.
func TestFatalInATaskEndsTheTest(t *testing.T) {
	output, passed := goTest(t, "TestFatalInTask")
	wantLines(t, output,
		`: fatal in a task$`, `goexit: task main/asserter ended by runtime\.Goexit$`, `: the deferred function of the test$`,
		`^--- FAIL: TestFatalInTask`,
	)
	if passed || strings.Contains(output, "went on behind") {
		t.Errorf("passed %v:\n%s", passed, output)
	}
}

// TestErrorInATaskFailsTheTest protects t.Error: the run goes on to its end,
// then the seed is told.
func TestErrorInATaskFailsTheTest(t *testing.T) {
	output, passed := goTest(t, "TestErrorInTask")
	wantLines(t, output, `: an error, and on it goes$`, `: the test failed in this run$`, `seed 1, 1 of 100;`)
	if passed {
		t.Error("the test has passed")
	}
}

// TestSkipInATaskSkipsTheTest protects t.Skip: no failure, and no story.
func TestSkipInATaskSkipsTheTest(t *testing.T) {
	output, passed := goTest(t, "TestSkipInTask")
	wantLines(t, output, `: skipped in a task$`, `^--- SKIP: TestSkipInTask`)
	if !passed || strings.Contains(output, "seed") || strings.Count(output, "skipped in a task") != 1 {
		t.Errorf("passed %v:\n%s", passed, output)
	}
}

// TestFailureBeforeTheRunIsNotBlamedOnIt protects seeds from what they did not
// do.
func TestFailureBeforeTheRunIsNotBlamedOnIt(t *testing.T) {
	output, passed := goTest(t, "TestFailedBefore")
	wantLines(t, output, `: failed before the run$`, `: the run itself has passed$`)
	if passed || strings.Contains(output, "seed") {
		t.Errorf("passed %v:\n%s", passed, output)
	}
}

// TestOtherVerdictsFailTheTest protects the rest of the verdicts.
func TestOtherVerdictsFailTheTest(t *testing.T) {
	for name, want := range map[string]string{
		"TestPanic": `: panic: boom$`,
		"TestWorld": `: error: sim: node state: cannot resume n1, it is down$`,
	} {
		output, passed := goTest(t, name)
		wantLines(t, output, want, `again: go test`)
		if passed {
			t.Errorf("%s has passed", name)
		}
	}
}

// TestScenarioIsJudged protects RunScenario: failures, divergences, runs that
// prove nothing and obligations that nobody met all fail the test.
func TestScenarioIsJudged(t *testing.T) {
	for name, want := range map[string]string{
		"TestScenarioFails":        `: no-overdraft balance=-20\n          seed \d+, \d+ of \d+ failed like this;`,
		"TestScenarioUnmet":        `: sometimes goal: never in 100 runs\n.*: fault crash: never in 100 runs$`,
		"TestScenarioInconclusive": `: 100 of 100 runs proved nothing; seed \d+: step limit reached$`,
		"TestScenarioDiverges":     `seed \d+ does not repeat: hash [0-9a-f]{16}, then [0-9a-f]{16}; the first difference`,
	} {
		output, passed := goTest(t, name)
		wantLines(t, output, want)
		if passed {
			t.Errorf("%s has passed", name)
		}
	}
	if output, passed := goTest(t, "TestScenarioMet"); !passed {
		t.Errorf("a scenario that meets its obligations:\n%s", output)
	}
}
