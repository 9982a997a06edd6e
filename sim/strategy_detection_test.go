// Not with the race detector: what is explored here races on purpose.

//go:build !race

package sim_test

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/sim"
)

// seedsOfDetection is how many fixed seeds each program runs under each strategy: what
// SIM_DETECTION says, otherwise few.
func seedsOfDetection(t *testing.T) int {
	t.Helper()
	text := os.Getenv("SIM_DETECTION")
	switch {
	case text == "" && (testing.Short() || sim.RaceDetector):
		return 50
	case text == "":
		return 200
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("SIM_DETECTION=%q is not a number of seeds", text)
	}
	return n
}

// seedsMany are so many that hardly anything is left to chance.
const seedsMany = 20_000

// detection is how often each strategy has found the bug of a program.
type detection struct {
	program
	seeds   int
	hits    map[string]int
	longest uint64 // steps of a run that has found nothing
}

var detectors = []string{"random", "sticky:0.9", "pct:1", "pct:2", "pct:3", "pos", "pos:after=0", "portfolio"}

// detect runs a program under all strategies. PCT knows the number of its steps, but for
// the members of the portfolio.
func detect(t *testing.T, p program, seeds int) detection {
	t.Helper()
	d := detection{program: p, seeds: seeds, hits: make(map[string]int)}
	for _, name := range detectors {
		text := name
		if strings.HasPrefix(name, "pct") {
			text += fmt.Sprint(":steps=", p.k())
		}
		strategy, err := sim.ParseStrategy(text)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(seeds) {
			found, r, err := p.finds(t.Context(), seed, strategy)
			if err != nil {
				t.Fatal(err)
			}
			if found {
				d.hits[name]++
			} else {
				d.longest = max(d.longest, r.Steps)
			}
		}
	}
	return d
}

func (d detection) share(name string) float64 { return float64(d.hits[name]) / float64(d.seeds) }

// upper returns the upper end of the 95 % interval of Wilson (1927) for a share.
func (d detection) upper(name string) float64 {
	const z = 1.96
	n, p := float64(d.seeds), d.share(name)
	return (p + z*z/(2*n) + z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))) / (1 + z*z/n)
}

// posIsLower reports whether POS finds the bug less often than Random, beyond the 95 %
// interval of the difference.
func (d detection) posIsLower() bool {
	n, pos, random := float64(d.seeds), d.share("pos"), d.share("random")
	pooled := (pos + random) / 2
	return pos < random-1.96*math.Sqrt(2*pooled*(1-pooled)/n)
}

// bound is what PCT of a depth promises, 0 if the bug is deeper.
func (d detection) bound(depth int) float64 {
	if depth < d.depth {
		return 0
	}
	return 1 / (float64(d.tasks) * math.Pow(float64(d.k()), float64(depth-1)))
}

// String returns a line of a table in Markdown.
func (d detection) String() string {
	line := fmt.Sprintf("| `%s` | %d | %d | %d |", d.name, d.tasks, d.k(), d.depth)
	for _, name := range detectors {
		line += fmt.Sprintf(" %.4f", d.share(name))
		if depth := strings.TrimPrefix(name, "pct:"); depth != name {
			n, _ := strconv.Atoi(depth)
			if bound := d.bound(n); bound > 0 {
				line += fmt.Sprintf(" (%.4f)", bound)
			}
		}
		line += " |"
	}
	return line
}

// check asserts what is known of one program.
func (d detection) check(t *testing.T) {
	for depth := d.depth; depth <= 3; depth++ {
		name := fmt.Sprint("pct:", depth)
		if d.upper(name) < d.bound(depth) {
			t.Errorf("%s finds it in %.5f of the runs, the bound is %.5f", name, d.share(name), d.bound(depth))
		}
	}
	if k := uint64(d.k()); d.longest > k || d.longest < k && d.seeds >= seedsMany {
		t.Errorf("the longest run has %d steps, not %d", d.longest, k)
	}
	if d.posIsLower() && !d.posIsBelow[d.column()] && d.seeds >= seedsMany {
		t.Errorf("POS finds it in %.4f of the runs, Random in %.4f", d.share("pos"), d.share("random"))
	}
}

// TestDetection protects what the strategies promise, on programs whose n, k and d are
// known: PCT of a depth finds bugs of that depth at least as often as its theorem says;
// POS is below Random where that is known and nowhere else, and twice as good in half of
// the programs that do other work. It logs the tables of docs/detection.md.
func TestDetection(t *testing.T) {
	seeds := seedsOfDetection(t)
	detectAll(t, "bare", seeds, false)
	if twice, of := detectAll(t, "with other work", seeds, true); 2*twice < of {
		t.Errorf("POS is twice as good as Random in %d of %d programs", twice, of)
	}
}

// detectAll logs one table, and returns in how many of the programs that were run POS is
// twice as good as Random.
func detectAll(t *testing.T, name string, seeds int, hasWork bool) (twice, of int) {
	t.Helper()
	all := make([]detection, len(programs))
	t.Run(name, func(t *testing.T) {
		for i, p := range programs {
			p.hasWork = hasWork
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				all[i] = detect(t, p, seeds)
				all[i].check(t)
			})
		}
	})
	var table strings.Builder
	below := 0
	for _, d := range all {
		if d.seeds == 0 { // left out by -run
			continue
		}
		of++
		fmt.Fprintln(&table, d)
		if d.posIsLower() {
			below++
		}
		if d.hits["pos"] > 0 && d.hits["pos"] >= 2*d.hits["random"] {
			twice++
		}
	}
	t.Logf("%s, %d seeds: POS is below Random in %d of %d, twice as good in %d\n%s",
		name, seeds, below, of, twice, table.String())
	return twice, of
}
