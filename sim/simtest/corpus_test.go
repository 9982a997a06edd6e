package simtest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/sim"
)

// seedOf returns the seed of a failure.
func seedOf(t *testing.T, output string) string {
	t.Helper()
	m := regexp.MustCompile(`again: .* -sim\.seed=(\d+)`).FindStringSubmatch(output)
	if m == nil {
		t.Fatalf("no seed in\n%s", output)
	}
	return m[1]
}

func seedOfTape(tape *sim.Tape) string { return strconv.FormatUint(tape.Seed, 10) }

// shell runs a command that a failure shows.
func shell(t *testing.T, command string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// TestArtefactsAreKeptAndNamed protects the way from a failure in CI to a regression: the
// files are where -artifacts puts them, each is readable, and the command that keeps the
// run does so; it then comes first, until it passes.
func TestArtefactsAreKeptAndNamed(t *testing.T) {
	folder := t.TempDir()
	output, _ := goTestIn(t, folder, "TestViolation", "-test.artifacts")
	wantLines(t, output,
		`^=== ATTR  TestViolation sim\.seed \d+$`,
		`^          preempted: main/(alice|bob) at fixture/fixture_test\.go:\d+ \(about to `,
		`^          files: \S+0x\w+\.tape \S+0x\w+\.json \S+story\.txt \S+timeline\.html$`,
		`^          keep:  mkdir -p \S+/testdata/sim/TestViolation && cp \S+\.json \S+/testdata/sim/TestViolation/$`)
	files := strings.Fields(regexp.MustCompile(`files: (.*)`).FindStringSubmatch(output)[1])
	tape, err := sim.ReadTape(files[0])
	if err != nil || tape.Scenario != "TestViolation" || tape.Failure != "no-overdraft" {
		t.Errorf("tape %+v, error %v", tape, err)
	}
	if script, err := sim.ReadScript(files[1]); err != nil || script.Scenario != "TestViolation" {
		t.Errorf("script %+v, error %v", script, err)
	}
	for file, want := range map[string]string{files[2]: "VERDICT violation no-overdraft", files[3]: "<html"} {
		if data, err := os.ReadFile(file); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: error %v, no %q", file, err, want)
		}
	}
	shell(t, regexp.MustCompile(`keep:  (.*)`).FindStringSubmatch(output)[1])
	output, passed := goTestIn(t, folder, "TestViolation", "-sim.seeds=1000-1001")
	wantLines(t, output, `seed `+seedOfTape(tape)+`, kept in testdata/sim/TestViolation/0x\w+\.json;`,
		`again: go test `+fixture+` -run '\^TestViolation\$'$`)
	if passed || strings.Contains(output, "keep:") {
		t.Errorf("a kept failure: passed %v\n%s", passed, output)
	}
	output, _ = goTestIn(t, folder, "TestViolation", "-sim.seed="+seedOfTape(tape))
	wantLines(t, output, `, 1 of 1;`) // one seed is one seed
	wantLines(t, output, `files: with -artifacts, 0x\w+\.tape, 0x\w+\.json, story\.txt, timeline\.html$`,
		`keep:  with -artifacts, then cp 0x\w+\.json testdata/sim/TestViolation/$`)
}

// TestTapeOfACorpusStandsForItsSeed protects those who keep what a run leaves if it was
// not shrunk.
func TestTapeOfACorpusStandsForItsSeed(t *testing.T) {
	folder := t.TempDir()
	output, _ := goTestIn(t, folder, "TestViolation", "-test.artifacts", "-sim.shrink=0")
	wantLines(t, output, `files: \S+\.tape \S+story\.txt \S+timeline\.html$`)
	shell(t, regexp.MustCompile(`keep:  (.*)`).FindStringSubmatch(output)[1])
	seed := seedOf(t, output)
	output, _ = goTestIn(t, folder, "TestViolation", "-sim.seeds=1000-1001")
	wantLines(t, output, `seed `+seed+`, kept in testdata/sim/TestViolation/0x\w+\.tape;`)
}

// TestScenarioHasACorpus protects the same way for scenarios, whose scripts may also come
// from simrun: they are of the scenario, and kept for the test.
func TestScenarioHasACorpus(t *testing.T) {
	folder := t.TempDir()
	output, _ := goTestIn(t, folder, "TestScenarioFails", "-test.artifacts")
	shell(t, regexp.MustCompile(`keep:  (.*)`).FindStringSubmatch(output)[1])
	kept, err := filepath.Glob(filepath.Join(folder, "testdata", "sim", "TestScenarioFails", "*.json"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %v, error %v", kept, err)
	}
	if script, err := sim.ReadScript(kept[0]); err != nil || script.Scenario != "fixture" {
		t.Errorf("script %+v, error %v", script, err)
	}
	output, passed := goTestIn(t, folder, "TestScenarioFails", "-sim.for=1h")
	wantLines(t, output, `no-overdraft balance=-20$`, `, kept in testdata/sim/TestScenarioFails/0x\w+\.json;`)
	if passed {
		t.Error("a kept failure passes")
	}
}

// TestCorpusIsReadOrRefused protects regressions from being silently skipped: what passes
// is silent, and what cannot be used fails the test with the name of the file.
func TestCorpusIsReadOrRefused(t *testing.T) {
	pass, _ := (&sim.Script{Scenario: "TestPass", Seed: 7}).MarshalText()
	foreign, _ := (&sim.Script{Scenario: "TestOther", Seed: 7}).MarshalText()
	tape, _ := (&sim.Tape{Scenario: "TestPass", Seed: 8}).MarshalBinary()
	for _, test := range []struct {
		file    string
		content []byte
		want    string
	}{
		{"a.json", pass, `: 4 seeds, 5 runs$`},
		{"a.tape", tape, `: 4 seeds, 5 runs$`},
		{"notes.txt", []byte("why"), `: 3 seeds, 4 runs$`},
		{"a.json", foreign, `sweep: corpus: testdata/sim/TestPass/a\.json is of "TestOther", not of "TestPass"$`},
		{"a.json", pass[:9], `sweep: corpus: testdata/sim/TestPass/a\.json: sim: script: unexpected end`},
		{"a.json", []byte(`{"tidemark-script": 9}`), `a\.json: sim: script: version 9, this program reads version`},
		{"a.tape", tape[:len(tape)-1], `a\.tape: sim: tape: damaged`},
		{"a.tape", []byte("x"), `a\.tape: sim: tape: not a tape`},
	} {
		folder := t.TempDir()
		corpus := filepath.Join(folder, "testdata", "sim", "TestPass")
		if err := os.MkdirAll(corpus, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(corpus, test.file), test.content, 0o600); err != nil {
			t.Fatal(err)
		}
		output, passed := goTestIn(t, folder, "TestPass", "-sim.seeds=1-3")
		wantLines(t, output, test.want)
		if refused := !strings.Contains(test.want, "runs"); passed == refused {
			t.Errorf("%s: passed %v", test.want, passed)
		}
	}
}
