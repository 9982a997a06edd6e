package rapidtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const fixture = "github.com/tidemarkdb/tidemark/sim/simtest/rapidtest/testdata/fixture"

// build compiles the fixture, and returns what runs one of its tests in a folder.
func build(t *testing.T) func(name string, flags ...string) (output string, passed bool) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles the fixture with the go tool")
	}
	folder := t.TempDir()
	binary := filepath.Join(folder, "fixture.test")
	compile := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, fixture)
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return func(name string, flags ...string) (string, bool) {
		command := exec.CommandContext(t.Context(), binary, append([]string{"-test.run=^" + name + "$"}, flags...)...)
		command.Dir = folder
		command.Env = append(os.Environ(), "SIM_SEED=", "SIM_SEEDS=", "SIM_FOR=", "SIM_STORY=")
		out, err := command.CombinedOutput()
		return string(out), err == nil
	}
}

var (
	firstFailure = regexp.MustCompile(`\[rapid\] test #\d+ failed: (\S+)`)
	lastFailure  = regexp.MustCompile(`\[rapid\] failed after \d+ tests: (\S+)`)
)

// slides counts the seeds of rapid, of some, under which shrinking ends at another bug
// than it began with, and those that began with a lost update.
func slides(t *testing.T, run func(string, ...string) (string, bool), name string) (slid, lost int) {
	t.Helper()
	for seed := 1; seed <= 16; seed++ {
		output, passed := run(name, "-rapid.seed="+strconv.Itoa(seed),
			"-rapid.v", "-rapid.nofailfile", "-rapid.shrinktime=5s")
		first, last := firstFailure.FindStringSubmatch(output), lastFailure.FindStringSubmatch(output)
		if passed || first == nil || last == nil {
			t.Fatalf("%s under seed %d: passed %v\n%s", name, seed, passed, output)
		}
		if first[1] != last[1] {
			slid++
		}
		if first[1] == "no-lost-update" {
			lost++
		}
	}
	return slid, lost
}

// TestShrinkingKeepsTheFailure protects from the report of another bug than the one that
// was found: with two bugs in one program, the smaller plan shows the one that the first
// plan has shown. Rapid alone, with one place that fails, does not.
func TestShrinkingKeepsTheFailure(t *testing.T) {
	run := build(t)
	slid, lost := slides(t, run, "TestTwoBugs")
	if slid > 0 || lost < 4 {
		t.Errorf("%d of 16 slid to another failure, %d began with a lost update", slid, lost)
	}
	if slid, _ := slides(t, run, "TestNaive"); slid == 0 {
		t.Error("nothing slides with rapid alone: the fixture proves nothing")
	}
}

// TestFailureIsToldAndRepeated protects the report: rapid's plan, the simulator's story,
// the other bug by its name, and a fail file of rapid that leads there again.
func TestFailureIsToldAndRepeated(t *testing.T) {
	run := build(t)
	seed := 1
	for ; ; seed++ {
		output, _ := run("TestTwoBugs", "-rapid.seed="+strconv.Itoa(seed), "-rapid.nofailfile", "-sim.shrink=0")
		if m := lastFailure.FindStringSubmatch(output); m != nil && m[1] == "no-lost-update" {
			break
		}
		if seed > 16 {
			t.Fatal("no lost update")
		}
	}
	output, _ := run("TestTwoBugs", "-rapid.seed="+strconv.Itoa(seed), "-rapid.shrinktime=5s")
	for _, want := range []string{
		`draw plan: \[\]int\{`, `(?m)^    no-lost-update sum=\d+ want=\d+$`,
		`seed \d+, drawn by rapid; `, `shrunk to [12] preemptions?, \d+ operations`,
		`VERDICT violation no-lost-update`, `(?m)^      besides: no-large-addition, \d+ times, is another failure$`,
	} {
		if !regexp.MustCompile(want).MatchString(output) {
			t.Errorf("nothing matches %s in\n%s", want, output)
		}
	}
	again, passed := run("TestTwoBugs") // the fail file comes first
	if m := lastFailure.FindStringSubmatch(again); passed || m == nil || m[1] != "no-lost-update" {
		t.Errorf("with the fail file: passed %v\n%s", passed, again)
	}
}

// TestVerdictsReachTheTest protects everything else: what passes passes, and what ends a
// task in another way fails the test.
func TestVerdictsReachTheTest(t *testing.T) {
	run := build(t)
	for name, want := range map[string]string{
		"TestPass":        `PASS`,
		"TestFatalInTask": `fatal in a task[\s\S]*goexit: task main ended`,
		"TestDrawInTask":  `panic: by rapid, in a task`,
	} {
		output, passed := run(name, "-test.v", "-rapid.nofailfile")
		if !regexp.MustCompile(want).MatchString(output) || passed != (name == "TestPass") {
			t.Errorf("%s: passed %v, want %s\n%s", name, passed, want, output)
		}
	}
}
