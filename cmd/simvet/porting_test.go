package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A module that other people wrote is fetched, rewritten, completed by hand and
// simulated. What it says about the numbers is in docs/porting.md.
const (
	pondModule  = "github.com/alitto/pond"
	pondBroken  = "v1.9.1" // StopAndWait panics, and tasks get lost
	pondMended  = "v1.9.2" // the last of v1
	portingData = "testdata/porting"
)

// TestPondIsPorted protects the way from ordinary Go to the simulator, on a
// package of more than 500 lines: what the tool does by itself, what is left,
// and what comes out.
func TestPondIsPorted(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches a module and builds it against the tree")
	}
	for _, test := range []struct {
		version string
		seeds   string
		want    map[string]string // test to what it finds
	}{
		{pondBroken, "1-3000", map[string]string{
			"TestAcceptedTasksRun": "still-at-it: reached",
			"TestPoolStops":        "panic: s(end on closed channel|ync: negative WaitGroup counter)",
		}},
		{pondMended, "1-3000", map[string]string{
			"TestAcceptedTasksRun": "still-at-it: reached",
			"TestPoolStops":        "still-at-it: reached",
			"TestOneWorkerStays":   "",
		}},
	} {
		t.Run(test.version, func(t *testing.T) {
			folder := port(t, test.version)
			for name, want := range test.want {
				out := run(t, folder, "go", "test", "-count=1", "-run", "^"+name+"$", "-sim.seeds="+test.seeds, ".")
				failed := strings.Contains(out, "--- FAIL: "+name)
				if failed != (want != "") || !regexp.MustCompile(want).MatchString(out) || strings.Contains(out, "build failed") {
					t.Errorf("%s: want %q, got\n%s", name, want, out)
				}
				if failed && !strings.Contains(out, "shrunk to") {
					t.Errorf("%s: not shrunk:\n%s", name, out)
				}
			}
		})
	}
}

// port fetches a version into a folder and carries it over.
func port(t *testing.T, version string) string {
	t.Helper()
	source := fetch(t, pondModule+"@"+version)
	folder := t.TempDir()
	for _, name := range []string{"pond.go", "group.go", "worker.go", "resizer.go", "LICENSE"} {
		write(t, filepath.Join(folder, name), read(t, filepath.Join(source, name)))
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	const tidemark = "github.com/tidemarkdb/tidemark"
	write(t, filepath.Join(folder, "go.mod"), fmt.Sprintf(
		"module %s\n\ngo 1.26\n\nrequire %s v0.0.0\n\nreplace %[2]s => %s\n", pondModule, tidemark, root))
	write(t, filepath.Join(folder, "go.sum"), read(t, filepath.Join(root, "go.sum")))

	byHand := apply(t, folder, "before.diff")
	given := snapshot(t, folder)
	findings := strings.Count(run(t, folder, simvet(t), "."), "\n")
	out := run(t, folder, simvet(t), "-fix", ".")
	if strings.Contains(out, "could not") || strings.Contains(out, "skipped") {
		t.Fatal(out)
	}
	rewritten := snapshot(t, folder)
	byHand += apply(t, folder, "after.diff")
	if left := run(t, folder, simvet(t), "."); left != "" {
		t.Errorf("findings are left:\n%s", left)
	}
	mechanical := 0
	for name := range given {
		mechanical += changedLines(given[name], rewritten[name])
	}
	write(t, filepath.Join(folder, "sim_test.go"), read(t, filepath.Join(portingData, "sim_test.go.txt")))
	numbers := fmt.Sprintf("%d findings; %d lines by the tool, %d by hand", findings, mechanical, byHand)
	if guide := read(t, filepath.Join(root, "docs", "porting.md")); !strings.Contains(guide, numbers) {
		t.Errorf("docs/porting.md does not say: %s", numbers)
	}
	return folder
}

// fetch returns the folder of a module version, from the cache or the proxy.
func fetch(t *testing.T, module string) string {
	t.Helper()
	command := exec.Command("go", "mod", "download", "-json", module)
	command.Dir = t.TempDir() // outside of any module
	command.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var answer struct{ Dir, Error string }
	if decodeErr := json.Unmarshal(stdout.Bytes(), &answer); err == nil && decodeErr == nil && answer.Dir != "" {
		return answer.Dir
	}
	reason := fmt.Sprintf("%s cannot be fetched: %v %s %s", module, err, answer.Error, stderr.String())
	if os.Getenv("REQUIRE_MODULES") == "1" {
		t.Fatal(reason)
	}
	t.Skip("LEFT OUT: " + reason)
	return ""
}

// apply makes the edits of a diff, found by their old lines and not by line
// numbers, and returns how many lines it adds.
func apply(t *testing.T, folder, diff string) (added int) {
	t.Helper()
	for part := range strings.SplitSeq(read(t, filepath.Join(portingData, diff)), "--- a/") {
		if part == "" {
			continue
		}
		name, rest, _ := strings.Cut(part, "\n")
		path := filepath.Join(folder, name)
		content := read(t, path)
		for _, hunk := range regexp.MustCompile(`(?m)^@@.*\n`).Split(rest, -1)[1:] {
			var before, after strings.Builder
			for line := range strings.Lines(hunk) {
				if line[0] != '+' {
					before.WriteString(line[1:])
				}
				if line[0] != '-' {
					after.WriteString(line[1:])
				}
				if line[0] == '+' {
					added++
				}
			}
			if strings.Count(content, before.String()) != 1 {
				t.Fatalf("%s: these lines are not there exactly once in %s:\n%s", diff, name, before.String())
			}
			content = strings.Replace(content, before.String(), after.String(), 1)
		}
		write(t, path, content)
	}
	return added
}

// changedLines counts the lines of after that are not in before, in order.
func changedLines(before, after string) int {
	x, y := strings.Split(before, "\n"), strings.Split(after, "\n")
	common := make([][]int, len(x)+1)
	for i := range common {
		common[i] = make([]int, len(y)+1)
	}
	for i := range x {
		for j := range y {
			if strings.TrimSpace(x[i]) == strings.TrimSpace(y[j]) {
				common[i+1][j+1] = common[i][j] + 1
			} else {
				common[i+1][j+1] = max(common[i][j+1], common[i+1][j])
			}
		}
	}
	return len(y) - common[len(x)][len(y)]
}

func snapshot(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, file := range files {
		all[file] = read(t, file)
	}
	return all
}

// run returns what a command prints; failing is what some are for.
func run(t *testing.T, folder, name string, arguments ...string) string {
	t.Helper()
	command := exec.Command(name, arguments...)
	command.Dir = folder
	command.Env = append(os.Environ(),
		"GOFLAGS=-mod=mod", "GOWORK=off", "SIM_SEED=", "SIM_SEEDS=", "SIM_STORY=", "SIM_OUT=")
	out, _ := command.CombinedOutput()
	return string(out)
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
