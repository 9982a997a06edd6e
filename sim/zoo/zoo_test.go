package zoo_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/zoo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestTheZooIsComplete protects the size of the benchmark: enough programs in every
// category, enough of them modelled on published bugs, enough of some depth.
func TestTheZooIsComplete(t *testing.T) {
	measured, cited, deep := 0, 0, 0
	inCategory := make(map[zoo.Category]int)
	for _, p := range zoo.All() {
		inCategory[p.Category]++
		if p.Source != "" {
			cited++
		}
		if p.Depth >= 3 {
			deep++
		}
		if !p.NeedsRace {
			measured++
		}
	}
	for name, pair := range map[string][2]int{
		"programs measured": {measured, 60}, "modelled on published bugs": {cited, 20}, "of depth 3 or more": {deep, 5},
		"categories": {len(zoo.Categories()), 21},
	} {
		if pair[0] < pair[1] {
			t.Errorf("%s: %d, want at least %d", name, pair[0], pair[1])
		}
	}
	for _, c := range zoo.Categories() {
		if inCategory[c] < 3 {
			t.Errorf("%s: %d programs, want at least 3", c, inCategory[c])
		}
	}
}

var programName = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// TestEveryProgramIsDescribed protects those who read tables: a name that is found
// again, a sentence, a verdict, both twins.
func TestEveryProgramIsDescribed(t *testing.T) {
	seen := make(map[string]bool)
	for _, p := range zoo.All() {
		found, ok := zoo.Find(p.Name)
		switch {
		case !programName.MatchString(p.Name):
			t.Errorf("%q is not lower-case words joined by hyphens", p.Name)
		case seen[p.Name]:
			t.Errorf("%s: twice in the zoo", p.Name)
		case !ok || found.Doc != p.Doc:
			t.Errorf("%s: Find does not find it", p.Name)
		case len(p.Doc) < 40 || strings.HasSuffix(p.Doc, "."):
			t.Errorf("%s: doc %q", p.Name, p.Doc)
		case p.Bug == nil || p.Fixed == nil:
			t.Errorf("%s: a twin is missing", p.Name)
		case (p.Verdict == sim.OK) != p.NeedsRace:
			t.Errorf("%s: verdict %v, NeedsRace %v", p.Name, p.Verdict, p.NeedsRace)
		}
		seen[p.Name] = true
	}
	if _, ok := zoo.Find("no-such-program"); ok {
		t.Error("Find found no-such-program")
	}
}

var bugMark = regexp.MustCompile("// Bug[:,]")

// TestEveryBugIsMarked protects readers of the source: each program says in one
// comment what is wrong with it.
func TestEveryBugIsMarked(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	marks, programs := 0, 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "doc.go" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, p := len(bugMark.FindAll(data, -1)), strings.Count(string(data), "\t\t\tName: ")
		marks, programs = marks+m, programs+p
		if m != p {
			t.Errorf("%s: %d bugs are marked in %d programs", file, m, p)
		}
	}
	if all := len(zoo.All()); programs != all || marks != all {
		t.Errorf("%d programs and %d marks in the files, %d in the zoo", programs, marks, all)
	}
}
