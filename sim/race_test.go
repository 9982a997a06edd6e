//go:build race

package sim_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"

	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/sim"
)

// A report of the race detector fails the process that it is made in. The programs
// of these tests therefore run in a child process, which prints the name of each and
// the seed that reported it.

const raceVariable = "TIDEMARK_RACE_FIXTURES"

func init() { children[raceVariable] = runRacePairs }

// runRacePairs runs what the variable asks for: "racy" or "clean", and then, if only
// one is wanted, the seed and the name of a pair.
func runRacePairs(want string) {
	kind, rest, one := strings.Cut(want, " ")
	first, name, _ := strings.Cut(rest, " ")
	for _, p := range racePairs() {
		main, seeds := p.clean, uint64(30)
		if kind == "racy" {
			main = p.racy
		}
		seed := uint64(0)
		if one {
			if p.name != name {
				continue
			}
			seed, _ = strconv.ParseUint(first, 10, 64)
			seeds = seed + 1
		}
		for ; seed < seeds; seed++ {
			r, err := sim.Run(context.Background(), sim.Config{Seed: seed}, main)
			if err != nil || r.Verdict.Kind != sim.OK {
				fmt.Printf("BROKEN\t%s\t%d: %v %v\n", p.name, seed, r.Verdict, err)
				break
			}
			if r.Races > 0 {
				fmt.Printf("RACE\t%s\t%d\n", p.name, seed)
				break
			}
		}
	}
}

// runPairs runs pairs in a child process, and returns what it printed and what the
// race detector reported.
func runPairs(t *testing.T, want string) (lines [][]string, reports string) {
	t.Helper()
	var out, report bytes.Buffer
	child := exec.Command(os.Args[0])
	// Each run is to report what it finds, also if another one has reported the same lines.
	child.Env = append(os.Environ(), raceVariable+"="+want, "GORACE=exitcode=0 atexit_sleep_ms=0 suppress_equal_stacks=0")
	child.Stdout, child.Stderr = &out, &report
	if err := child.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, out.Bytes(), report.Bytes())
	}
	for scanner := bufio.NewScanner(&out); scanner.Scan(); {
		lines = append(lines, strings.Split(scanner.Text(), "\t"))
	}
	return lines, report.String()
}

// TestEveryPrimitiveOrdersWhatItPromises protects from reports about programs that
// are right: none of the twins without a race is reported, under any of its seeds.
func TestEveryPrimitiveOrdersWhatItPromises(t *testing.T) {
	lines, reports := runPairs(t, "clean")
	for _, line := range lines {
		t.Errorf("%v", line)
	}
	if reports != "" {
		t.Error(reports)
	}
}

// TestNothingElseIsOrdered protects from blindness: for every primitive a race beside
// it is found, by the first seeds.
func TestNothingElseIsOrdered(t *testing.T) {
	lines, reports := runPairs(t, "racy")
	seeds := make(map[string]string)
	for _, line := range lines {
		if line[0] != "RACE" {
			t.Errorf("%v", line)
			continue
		}
		seeds[line[1]] = line[2]
	}
	for _, p := range racePairs() {
		seed, ok := seeds[p.name]
		if !ok {
			t.Errorf("%s: no race in 30 seeds", p.name)
			continue
		}
		t.Logf("%-40s seed %s", p.name, seed)
	}
	if n := strings.Count(reports, "WARNING: DATA RACE"); n < len(seeds) {
		t.Errorf("%d reports for %d races", n, len(seeds))
	}
}

// TestReportsRepeat protects those who look for the cause: a seed makes the same
// report again, in another process, but for addresses and numbers of goroutines.
func TestReportsRepeat(t *testing.T) {
	const pair = "racy 6 exclude by semaphore"
	_, first := runPairs(t, pair)
	for range 3 {
		_, again := runPairs(t, pair)
		if diff := cmp.Diff(withoutNumbers(first), withoutNumbers(again)); diff != "" {
			t.Errorf("reports differ (-first +again):\n%s", diff)
		}
	}
	for _, want := range []string{"WARNING: DATA RACE", "race_fixtures_test.go", "exclusion.program"} {
		if !strings.Contains(first, want) {
			t.Errorf("the report has no %q:\n%s", want, first)
		}
	}
	if lines, reports := runPairs(t, "racy 0 exclude by semaphore"); len(lines) > 0 || reports != "" {
		t.Errorf("seed 0 reports a race that depends on the order: %v\n%s", lines, reports)
	}
}

var reportNumbers = regexp.MustCompile(`0x[0-9a-f]+|goroutine \d+|Goroutine \d+`)

func withoutNumbers(report string) string { return reportNumbers.ReplaceAllString(report, "N") }
