package simtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFuzzRunsItsSeeds protects the plain go test: the random runs that a fuzzer starts
// from are run, and one that fails is told like any other.
func TestFuzzRunsItsSeeds(t *testing.T) {
	output, passed := goTest(t, "FuzzNothing")
	wantLines(t, output, `--- PASS: FuzzNothing/seed#9`)
	if !passed {
		t.Error("a fuzz test without a bug has failed")
	}
	output, passed = goTest(t, "FuzzOverdraft")
	wantLines(t, output, ` no-overdraft balance=-20$`, `seed \d+, from an input of bytes;`,
		`shrunk to 1 preemption, \d+ operations$`,
		`again: go test `+fixture+` -run '\^FuzzOverdraft\$/\^seed#\d+\$'$`)
	if passed {
		t.Error("a fuzz test with a bug has passed")
	}
}

// TestFuzzingFindsPreemptionsAtTheRightPoints protects the bridge between the Go tool's fuzzer and the
// choices of a run: it finds what needs preemptions at exactly the
// right points, which random runs hardly ever have, tells the smaller run, and what it
// keeps fails again.
func TestFuzzingFindsPreemptionsAtTheRightPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the fixture for fuzzing")
	}
	work := t.TempDir()
	binary := filepath.Join(work, "fuzz.test")
	compile := exec.CommandContext(t.Context(), "go", "test", "-c", "-fuzz=FuzzTwice", "-o", binary, fixture)
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(arguments ...string) (string, bool) {
		command := exec.CommandContext(t.Context(), binary, arguments...)
		command.Dir = work
		command.Env = append(os.Environ(), "SIM_SEED=", "SIM_SEEDS=", "SIM_FOR=", "SIM_STORY=")
		out, err := command.CombinedOutput()
		return string(out), err == nil
	}
	output, passed := run("-test.run=^$", "-test.fuzz=^FuzzTwice$", "-test.fuzzcachedir="+filepath.Join(work, "cache"),
		"-test.fuzztime=40s", "-test.fuzzminimizetime=20x", "-test.parallel=2")
	if passed {
		t.Fatalf("nothing was found:\n%s", output)
	}
	wantLines(t, output, ` never-twice$`, `shrunk to 3 preemptions, \d+ operations$`, `preempted: main/`,
		`VERDICT violation never-twice$`)
	again := regexp.MustCompile(`-run=(FuzzTwice/\w+)`).FindStringSubmatch(output)
	if again == nil {
		t.Fatalf("no input was kept:\n%s", output)
	}
	output, passed = run("-test.run=^" + strings.ReplaceAll(again[1], "/", "$/^") + "$")
	wantLines(t, output, ` never-twice$`)
	if passed {
		t.Error("the input that was kept passes")
	}
}
