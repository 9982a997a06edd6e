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
	return goTestIn(t, "", name, settings...)
}

// goTestIn is goTest in a folder that takes the place of the package's.
func goTestIn(t *testing.T, folder, name string, settings ...string) (output string, passed bool) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles the fixture with the go tool")
	}
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, "-test.v", "-test.run", "^"+name+"$")
	command.Dir = folder
	command.Env = append(os.Environ(), "SIM_SEED=", "SIM_SEEDS=", "SIM_FOR=", "SIM_STORY=")
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
	different := len(slices.Compact(slices.Clone(seeds)))
	if len(worlds) == 0 || len(worlds) != len(seeds) || different != len(seeds)-1 { // the first one is run twice
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
		`^          shrunk to 1 preemption, \d+ operations$`,
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
		{nil, `: 100 seeds, 101 runs$`},
		{[]string{"-test.short"}, `: 10 seeds, 11 runs$`},
		{[]string{"-sim.seed=7"}, `: 1 seeds, 2 runs$`},
		{[]string{"-sim.seeds=1-20,0x2a"}, `: 21 seeds, 22 runs$`},
		{[]string{"SIM_SEED=7"}, `: 1 seeds, 2 runs$`},
		{[]string{"SIM_SEEDS=1-20"}, `: 20 seeds, 21 runs$`},
		{[]string{"SIM_SEEDS=1-20", "-sim.seed=random"}, `: 1 seeds, 2 runs$`},
		{[]string{"-sim.for=100ms"}, `: \d{3,} seeds, `},
		{[]string{"SIM_FOR=100ms"}, `: \d{3,} seeds, `},
		{[]string{"SIM_FOR=1h", "-sim.seeds=1-3"}, `: 3 seeds, `},
		{[]string{"-sim.check-determinism=10"}, `: 100 seeds, 110 runs$`},
		{[]string{"-sim.check-determinism=50%"}, `: 100 seeds, 150 runs$`},
		{[]string{"SIM_CHECK_DETERMINISM=0"}, `: 100 seeds, 100 runs$`},
		{[]string{"-sim.seeds=x"}, `simtest: -sim\.seeds or SIM_SEEDS: .*"x" is not`},
		{[]string{"-sim.seed=1-2"}, `simtest: -sim\.seed or SIM_SEED: "1-2" is more than one seed; use -sim\.seeds$`},
		{[]string{"-sim.seed=1", "-sim.for=1s"}, `simtest: -sim\.seed and -sim\.for exclude each other$`},
		{[]string{"SIM_FOR=soon"}, `simtest: -sim\.for or SIM_FOR: "soon" is not a time such as 10m$`},
		{[]string{"-sim.strategy=best"}, `simtest: -sim\.strategy or SIM_STRATEGY: sim: strategy "best": unknown; there are`},
		{[]string{"SIM_FAULTS=missing"}, `simtest: -sim\.faults or SIM_FAULTS: .*missing: no such file`},
		{[]string{"-sim.trace=some"}, `simtest: -sim\.trace or SIM_TRACE: "some" is not never, failed or always$`},
		{[]string{"-sim.check-determinism=0%"}, `simtest: -sim\.check-determinism or SIM_\w+: "0%" is not a share`},
		{[]string{"SIM_CHECK_DETERMINISM=often"}, `simtest: .*SIM_CHECK_DETERMINISM: "often" is not a number of seeds`},
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

// TestSettingsReachTheRun protects what is not about seeds: the strategy and the faults
// are those that were asked for, and the command that repeats a failure says so.
func TestSettingsReachTheRun(t *testing.T) {
	output, passed := goTest(t, "TestViolation", "-sim.strategy=sticky:0.5", "-sim.faults=calm")
	wantLines(t, output, `again: go test .* -sim\.seed=\d+ -sim\.strategy=sticky:0\.5 -sim\.faults=calm$`)
	if passed {
		t.Error("sticky does not find it")
	}
	if output, passed := goTest(t, "TestDraw", "SIM_FAULTS=calm"); !passed {
		t.Errorf("a plan that was given is not there:\n%s", output)
	}
	plan := filepath.Join(t.TempDir(), "a plan")
	if err := os.WriteFile(plan, []byte("# nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, passed := goTest(t, "TestDraw", "-sim.faults="+plan); !passed {
		t.Errorf("a plan of a file is not there:\n%s", output)
	}
	output, _ = goTest(t, "TestDraw")
	wantLines(t, output, ` planned$`)
}

// TestSeedsAreRunTwice protects against what a seed does not decide: the first seed and
// every hundredth from there on has to repeat.
func TestSeedsAreRunTwice(t *testing.T) {
	output, passed := goTest(t, "TestDiverges")
	wantLines(t, output,
		`fixture_test\.go:\d+: seed 1 does not repeat: hash [0-9a-f]{16}, then [0-9a-f]{16}; the first difference is at step`)
	if passed {
		t.Error("the test has passed")
	}
}

// TestTraceSaysWhatIsTold protects disks and time: no story on request, or one of each run.
func TestTraceSaysWhatIsTold(t *testing.T) {
	output, _ := goTest(t, "TestViolation", "-sim.trace=never")
	wantLines(t, output, `the last \d+ decisions:$`, `files: with -artifacts, \S+\.tape, \S+\.json$`)
	for _, name := range []string{"TestPass", "TestScenarioMet"} {
		folder := t.TempDir()
		output, passed := goTestIn(t, folder, name, "-sim.trace=always", "-test.artifacts", "-sim.seeds=5-6")
		stories, err := filepath.Glob(filepath.Join(folder, "_artifacts", "*", "0x[56]-story.txt"))
		if err != nil || len(stories) != 2 || !passed {
			t.Errorf("%s: stories %v, error %v\n%s", name, stories, err, output)
		}
	}
}
