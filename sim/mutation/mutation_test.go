package mutation_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/sim/mutation"
)

const text = `doc: nobody is woken
file: runtime/mutex.go
scenarios: transfer failover

-- old --
	wake()
-- new --
`

// TestMutantsAreRead protects the form in which people write them.
func TestMutantsAreRead(t *testing.T) {
	got, err := mutation.Load(fstest.MapFS{"lost.txtar": {Data: []byte(text)}, "notes.md": {Data: []byte("no mutant")}})
	if err != nil {
		t.Fatal(err)
	}
	want := []mutation.Mutant{{
		Name: "lost", Doc: "nobody is woken", File: "runtime/mutex.go", Scenarios: []string{"transfer", "failover"},
		Old: "\twake()\n",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if room := got[0].Room(); room != "runtime" {
		t.Errorf("room %q", room)
	}
}

// TestAMutantMayNeedTwoRuns protects bugs that no single run can see.
func TestAMutantMayNeedTwoRuns(t *testing.T) {
	for line, want := range map[string]bool{"": false, "repeats: yes\n": true, "repeats: no\n": false} {
		m, err := mutation.Parse("m", []byte("doc: a\nfile: b\nscenarios: c\n"+line+"\n-- old --\nx\n-- new --\ny\n"))
		if err != nil || m.Repeats != want {
			t.Errorf("%q: %v, %v", line, m.Repeats, err)
		}
	}
	maybe := "doc: a\nfile: b\nscenarios: c\nrepeats: maybe\n-- old --\nx\n-- new --\ny\n"
	if _, err := mutation.Parse("m", []byte(maybe)); !errors.Is(err, mutation.ErrMutant) {
		t.Errorf("maybe is no answer: %v", err)
	}
}

// TestBadMutantsAreRefused protects against mutants that prove nothing.
func TestBadMutantsAreRefused(t *testing.T) {
	for name, data := range map[string]string{
		"empty":           "",
		"no sections":     "doc: a\nfile: b\nscenarios: c\n",
		"no change":       "doc: a\nfile: b\nscenarios: c\n-- old --\nx\n-- new --\nx\n",
		"no scenario":     "doc: a\nfile: b\n-- old --\nx\n-- new --\ny\n",
		"unknown line":    "doc: a\nfile: b\nscenarios: c\nseverity: high\n-- old --\nx\n-- new --\ny\n",
		"unknown section": "doc: a\nfile: b\nscenarios: c\n-- old --\nx\n-- newer --\ny\n",
	} {
		if _, err := mutation.Parse("m", []byte(data)); !errors.Is(err, mutation.ErrMutant) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAnEditHasToMatchOnce protects mutants from rotting: when the code moves on,
// the edit is an error.
func TestAnEditHasToMatchOnce(t *testing.T) {
	m := mutation.Mutant{Name: "m", File: "f.go", Old: "a\n", New: "b\n"}
	if got, err := m.Apply("x\na\ny\n"); err != nil || got != "x\nb\ny\n" {
		t.Errorf("%q, %v", got, err)
	}
	for _, text := range []string{"x\n", "a\na\n"} {
		if _, err := m.Apply(text); !errors.Is(err, mutation.ErrMutant) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestRunTellsTheDeadFromTheLiving plants one real mutant, one that changes
// nothing, and one that does not compile.
func TestRunTellsTheDeadFromTheLiving(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program three times")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	o := mutation.Options{
		Root: root, Program: "github.com/tidemarkdb/tidemark/cmd/simrun", SeedsMax: 5, RunMax: time.Minute,
	}
	credit := "\taccounts[to].balance += amount\n"
	real := mutation.Mutant{Name: "m", File: "scenarios/transfer.go", Scenarios: []string{"transfer"}, Old: credit}
	r, err := mutation.Run(t.Context(), real, o)
	if err != nil || r.Killer != "transfer" || r.Seed == 0 || r.Failure == "" {
		t.Errorf("a real mutant: %+v, %v", r, err)
	}
	harmless := real
	harmless.New = credit + "\t// harmless\n"
	if r, err := mutation.Run(t.Context(), harmless, o); err != nil || r.Killer != "" {
		t.Errorf("a harmless one: %+v, %v", r, err)
	}
	fickle := real
	fickle.Repeats = true
	fickle.New = credit + "\tfor moved := range map[bool]int{true: 1, false: 0} {\n\t\tif moved {\n\t\t\tbreak\n\t\t}\n" +
		"\t\taccounts[from].mu.Unlock()\n\t\taccounts[from].mu.Lock()\n\t}\n"
	if r, err := mutation.Run(t.Context(), fickle, o); err != nil || r.Failure != mutation.Nondeterminism || r.Seed == 0 {
		t.Errorf("one that does not repeat: %+v, %v", r, err)
	}
	broken := real
	broken.New = "\tthis is no Go\n"
	if _, err := mutation.Run(t.Context(), broken, o); !errors.Is(err, mutation.ErrMutant) {
		t.Errorf("one that does not compile: %v", err)
	}
}

func ExampleMutant_Apply() {
	m, err := mutation.Parse("lost-wake-up", []byte(text))
	if err != nil {
		fmt.Println(err)
		return
	}
	wrong, err := m.Apply("func unlock() {\n\tfree()\n\twake()\n}\n")
	fmt.Print(wrong, err)
	// Output:
	// func unlock() {
	// 	free()
	// }
	// <nil>
}
