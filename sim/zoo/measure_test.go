package zoo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/zoo"
)

// measured returns the programs that the simulator can judge.
func measured() []zoo.Program {
	var programs []zoo.Program
	for _, p := range zoo.All() {
		if !p.NeedsRace {
			programs = append(programs, p)
		}
	}
	return programs
}

// TestEveryBugIsFound protects the promise of the benchmark: a thousand seeds of the
// default strategy, or of the portfolio, show every bug, each with its own verdict.
func TestEveryBugIsFound(t *testing.T) {
	for name, strategy := range map[string]func(uint64) sim.Strategy{"random": sim.Random, "portfolio": sim.Portfolio()} {
		for _, p := range measured() {
			m, err := zoo.Measure(t.Context(), p, strategy, zoo.Effort{Trials: 1, SeedsMax: 1000})
			switch {
			case err != nil:
				t.Fatal(err)
			case m.Missed > 0:
				t.Errorf("%s: not found in 1000 seeds of %s", p.Name, name)
			case m.Strange.Kind != sim.OK:
				t.Errorf("%s under %s: %v %v, want %v", p.Name, name, m.Strange.Kind, m.Strange, p.Verdict)
			}
		}
	}
}

// TestTwinsAreClean protects users from false reports: what is right is never blamed.
func TestTwinsAreClean(t *testing.T) {
	seeds := 300
	if testing.Short() {
		seeds = 60
	}
	for name, strategy := range map[string]func(uint64) sim.Strategy{"random": sim.Random, "portfolio": sim.Portfolio()} {
		for _, p := range zoo.All() {
			reports, err := zoo.CheckTwin(t.Context(), p, strategy, seeds)
			if err != nil {
				t.Fatal(err)
			}
			if len(reports) > 0 {
				r := reports[0]
				t.Errorf("%s under %s: %d reports in %d seeds; seed %d: %v %s",
					p.Name, name, len(reports), seeds, r.Seed, r.Verdict.Kind, r.Verdict.Message)
			}
		}
	}
}

// TestRunsRepeat protects the numbers: a program that depends on anything but its seed
// would be measured differently each time.
func TestRunsRepeat(t *testing.T) {
	for _, p := range zoo.All() {
		for twin, body := range map[string]zoo.Body{"bug": p.Bug, "fixed": p.Fixed} {
			if underRace && p.NeedsRace && twin == "bug" {
				continue // it is reported, and that fails this test
			}
			for seed := range uint64(5) {
				var hashes [2]uint64
				for i := range hashes {
					r, err := zoo.Run(t.Context(), body, sim.Config{Seed: seed})
					if err != nil {
						t.Fatal(err)
					}
					hashes[i] = r.Hash
				}
				if hashes[0] != hashes[1] {
					t.Errorf("%s %s, seed %d: hashes %x and %x", p.Name, twin, seed, hashes[0], hashes[1])
				}
			}
		}
	}
}

// TestTheZooIsHard protects the meaning of the numbers: programs that any strategy
// finds at once tell strategies apart no more than an empty benchmark would.
func TestTheZooIsHard(t *testing.T) {
	if testing.Short() {
		t.Skip("a hundred thousand runs")
	}
	hard, deep, random, portfolio := 0, 0, 0, 0
	for _, p := range measured() {
		effort := zoo.Effort{Trials: 20, SeedsMax: 1000}
		r, err := zoo.Measure(t.Context(), p, sim.Random, effort)
		if err != nil {
			t.Fatal(err)
		}
		s, err := zoo.Measure(t.Context(), p, sim.Portfolio(), effort)
		if err != nil {
			t.Fatal(err)
		}
		random, portfolio = random+r.Median(), portfolio+s.Median()
		if r.Median() > 30 {
			hard++
			if p.Depth >= 3 {
				deep++
			}
		}
	}
	if hard < 20 || deep < 5 {
		t.Errorf("%d programs need more than 30 seeds of random, %d of them are of depth 3; want 20 and 5", hard, deep)
	}
	if 2*portfolio > random {
		t.Errorf("the portfolio needs %d seeds for all, more than half of the %d of random", portfolio, random)
	}
}

// TestMeasureRefuses protects callers from numbers that mean nothing.
func TestMeasureRefuses(t *testing.T) {
	effort := zoo.Effort{Trials: 1, SeedsMax: 1}
	p, _ := zoo.Find("log-rotation")
	race, _ := zoo.Find("lazy-index")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		program zoo.Program
		effort  zoo.Effort
		want    error
	}{
		"no trials": {t.Context(), p, zoo.Effort{Trials: 0, SeedsMax: 1}, zoo.ErrEffort},
		"no seeds":  {t.Context(), p, zoo.Effort{Trials: 1, SeedsMax: 0}, zoo.ErrEffort},
		"race":      {t.Context(), race, effort, zoo.ErrNeedsRace},
		"cancelled": {cancelled, p, effort, context.Canceled},
	} {
		if _, err := zoo.Measure(c.ctx, c.program, sim.Random, c.effort); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := zoo.CheckTwin(cancelled, p, sim.Random, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("CheckTwin: %v", err)
	}
}

// TestMeasureCounts protects the figures: trials that gave up count as one seed more
// than the most, quantiles are those of the trials in order.
func TestMeasureCounts(t *testing.T) {
	p, _ := zoo.Find("log-rotation")
	m, err := zoo.Measure(t.Context(), p, sim.Random, zoo.Effort{Trials: 3, SeedsMax: 5})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 1, 1}, m.Seeds); diff != "" {
		t.Errorf("a bug of every run (-want +got):\n%s", diff)
	}
	p.Bug = p.Fixed
	m, err = zoo.Measure(t.Context(), p, sim.Random, zoo.Effort{Trials: 2, SeedsMax: 5})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{6, 6}, m.Seeds); diff != "" || m.Missed != 2 {
		t.Errorf("no bug: %d missed (-want +got):\n%s", m.Missed, diff)
	}
	m.Seeds = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 50}
	if m.Median() != 5 || m.P95() != 50 || m.Mean() != 9.5 {
		t.Errorf("median %d, 95 %% %d, mean %v", m.Median(), m.P95(), m.Mean())
	}
}

// TestAWrongVerdictIsStrange protects from a bug that hides another: a run that fails
// in a way that is not the program's is told, and does not count.
func TestAWrongVerdictIsStrange(t *testing.T) {
	p, _ := zoo.Find("log-rotation")
	p.Verdict = sim.Panic
	m, err := zoo.Measure(t.Context(), p, sim.Random, zoo.Effort{Trials: 1, SeedsMax: 3})
	if err != nil {
		t.Fatal(err)
	}
	if m.Missed != 1 || m.Strange.Kind != sim.Deadlock {
		t.Errorf("%d missed, strange %v", m.Missed, m.Strange)
	}
}

// How many seeds it takes to see a name that was handed over go to somebody else.
func ExampleMeasure() {
	p, _ := zoo.Find("name-transfer")
	m, err := zoo.Measure(context.Background(), p, sim.Random, zoo.Effort{Trials: 10, SeedsMax: 1000})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("median", m.Median(), "of", m.Seeds)
	// Output: median 44 of [3 21 31 35 44 70 76 78 93 176]
}
