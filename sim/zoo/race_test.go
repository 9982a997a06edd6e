//go:build race

package zoo_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/zoo"
)

// underRace reports whether the race detector is compiled in.
const underRace = true

// racesVariable makes the test binary a child that runs the programs whose bugs only
// a race detector sees: "bugs", or "twins".
const racesVariable = "TIDEMARK_ZOO_RACES"

const raceTrials, raceSeedsMax = 20, 1000

func init() {
	switch os.Getenv(racesVariable) {
	case "bugs":
		runRaces(func(p zoo.Program) zoo.Body { return p.Bug })
		os.Exit(0)
	case "twins":
		runRaces(func(p zoo.Program) zoo.Body { return p.Fixed })
		os.Exit(0)
	}
}

// runRaces prints, for each program and strategy, how many seeds each trial needed
// until the race detector reported.
func runRaces(body func(p zoo.Program) zoo.Body) {
	for _, p := range zoo.All() {
		if !p.NeedsRace {
			continue
		}
		for _, name := range []string{"random", "portfolio", "pos", "sticky"} {
			strategy, err := sim.ParseStrategy(name)
			if err != nil {
				panic(err)
			}
			var needed []int
			for trial := range raceTrials {
				needed = append(needed, untilReported(body(p), strategy, trial*raceSeedsMax))
			}
			slices.Sort(needed)
			fmt.Printf("%s %s %d %d\n", p.Name, name, needed[raceTrials/2-1], needed[raceTrials*95/100-1])
		}
	}
}

// untilReported returns how many seeds it takes; one more than there are if nothing
// is reported. Twins get fewer seeds.
func untilReported(body zoo.Body, strategy func(uint64) sim.Strategy, first int) int {
	seeds := raceSeedsMax
	if os.Getenv(racesVariable) == "twins" {
		seeds = 15
	}
	for i := range seeds {
		r, err := zoo.Run(context.Background(), body, sim.Config{Seed: uint64(first + i), Strategy: strategy})
		if err != nil || r.Verdict.Kind != sim.OK {
			panic(fmt.Sprint(r.Verdict, err))
		}
		if r.Races > 0 {
			return i + 1
		}
	}
	return raceSeedsMax + 1
}

func races(t *testing.T, which string) (table []string, reports string) {
	t.Helper()
	var out, report bytes.Buffer
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), racesVariable+"="+which,
		"GORACE=exitcode=0 atexit_sleep_ms=0 suppress_equal_stacks=0")
	child.Stdout, child.Stderr = &out, &report
	if err := child.Run(); err != nil {
		t.Fatalf("%v\n%s", err, report.Bytes())
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n"), report.String()
}

// TestEveryDataRaceIsReported protects the promise of -race: no assertion is needed,
// and a thousand seeds show every one of these bugs.
func TestEveryDataRaceIsReported(t *testing.T) {
	table, reports := races(t, "bugs")
	if len(table) != 4*4 || reports == "" {
		t.Errorf("%d lines, want one for each program and strategy", len(table))
	}
	for _, line := range table {
		var name, strategy string
		var median, p95 int
		if _, err := fmt.Sscan(line, &name, &strategy, &median, &p95); err != nil || p95 > raceSeedsMax {
			t.Errorf("%s: not in %d seeds (%v)", line, raceSeedsMax, err)
		}
		t.Logf("%-18s %-10s median %3d, 95%% %3d", name, strategy, median, p95)
	}
}

// TestRepairedDataRacesAreSilent protects from false reports.
func TestRepairedDataRacesAreSilent(t *testing.T) {
	if _, reports := races(t, "twins"); reports != "" {
		t.Error(reports)
	}
}
