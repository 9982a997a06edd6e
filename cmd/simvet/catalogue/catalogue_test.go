package catalogue_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/cmd/simvet/catalogue"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

const header = "# Made by \"simvet catalogue\": kind, id, function, file, scenarios that may come to it.\n"

// TestEveryAssertionIsFound protects sweeps from assertions that nobody counts: each kind,
// with ids made of constants, in closures, behind interfaces and in variables, with the
// scenarios that may come to it.
func TestEveryAssertionIsFound(t *testing.T) {
	const want = header + `always	eventually	program.plain	F	large plain
always	eventually-on-a-stage	program.plain	F	large plain
reachable	in-a-closure	program.Large	F	large
unreachable	in-a-variable	program.hook	F	large
always	named-id	program.plain	F	large plain
reachable	reached-by-nobody	program.nobody	F	
sometimes	sometimes-joined	program.plain	F	large plain
always-or-unreachable	through-an-interface	program.(*book).check	F	large
always	two-places	program.(*book).check	F	large
always	two-places	program.assertElsewhere	F	large plain
# not constant: always	id	program.nobody	F
`
	found, err := catalogue.Collect(".", "./testdata/program")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(found.String(), "cmd/simvet/catalogue/testdata/program/program.go", "F")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("catalogue (-want +got):\n%s", diff)
	}
	if again, err := sweep.ParseCatalogue(found.String()); err != nil || again.String() != found.Catalogue.String() {
		t.Errorf("read again: %v\n%s", err, again)
	}
}

// TestOneIDHasOneKind protects tables, and people who talk about an assertion.
func TestOneIDHasOneKind(t *testing.T) {
	var out, errs strings.Builder
	code := catalogue.Main([]string{"./testdata/conflict"}, &out, &errs)
	if want := "both is always in conflict.assert"; code != 1 || !strings.Contains(errs.String(), want) ||
		strings.Contains(errs.String(), "other") {
		t.Errorf("code %d, %s", code, errs.String())
	}
}

// TestCommand protects the ways to call it: a file is written, and mistakes are told.
func TestCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "catalogue.txt")
	var out, errs strings.Builder
	if code := catalogue.Main([]string{"-o", file, "./testdata/program"}, &out, &errs); code != 0 || out.Len() > 0 {
		t.Errorf("code %d, %s%s", code, out.String(), errs.String())
	}
	if text, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(text), header) {
		t.Errorf("%v\n%s", err, text)
	}
	noFile := filepath.Join(file, "x")
	for _, arguments := range [][]string{nil, {"-x"}, {"./testdata/missing"}, {"-o", noFile, "./testdata/program"}} {
		errs.Reset()
		if code := catalogue.Main(arguments, &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%q: code %d, %s", arguments, code, errs.String())
		}
	}
	if code := catalogue.Main([]string{"-h"}, &out, &errs); code != 0 {
		t.Errorf("help: code %d", code)
	}
}

// TestCatalogueOfTheScenariosIsUpToDate protects the sweeps of this project from a list
// that has rotted.
func TestCatalogueOfTheScenariosIsUpToDate(t *testing.T) {
	found, err := catalogue.Collect("../../..", "./scenarios")
	if err != nil {
		t.Fatal(err)
	}
	for _, conflict := range found.Conflicts() {
		t.Error(conflict)
	}
	stored, err := os.ReadFile("../../../scenarios/catalogue.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(found.String(), string(stored)); diff != "" {
		t.Errorf("run \"go generate ./scenarios\" (-source +file):\n%s", diff)
	}
}
