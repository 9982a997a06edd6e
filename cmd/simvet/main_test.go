package main_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"

	"github.com/tidemarkdb/tidemark/cmd/simvet/determinism"
)

// optedIn are the packages of this project that have to be deterministic; a
// package that goes missing here has lost its marker.
var optedIn = []string{
	"collections", "collections/catalog", "collections/internal/core", "examples/bank", "examples/janitor",
	"examples/pool", "frontier", "invariants", "persist",
	"persist/faulty", "persist/internal/ordered", "persist/internal/part", "persist/internal/state",
	"persist/internal/wire", "persist/memory", "persist/relation", "persist/s3/internal/head", "scenarios",
}

// TestOwnPackagesAreDeterministic protects the simulations: the packages that
// run in them keep the rules.
func TestOwnPackagesAreDeterministic(t *testing.T) {
	marked := markedPackages(t)
	for _, folder := range optedIn {
		if !slices.Contains(marked, folder) {
			t.Errorf("%s does not say %s", folder, determinism.Marker)
		}
	}
	var patterns []string
	for _, folder := range marked {
		patterns = append(patterns, "./"+folder)
	}
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax, Dir: "../.."}, patterns...)
	if err != nil {
		t.Fatal(err)
	}
	graph, err := checker.Analyze([]*analysis.Analyzer{determinism.Analyzer}, loaded, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range graph.Roots {
		if action.Err != nil {
			t.Errorf("%s: %v", action.Package, action.Err)
		}
		for _, d := range action.Diagnostics {
			t.Errorf("%s: %s", action.Package.Fset.Position(d.Pos), d.Message)
		}
	}
}

// markedPackages finds the packages of the module that have opted in.
func markedPackages(t *testing.T) []string {
	t.Helper()
	var marked []string
	err := filepath.WalkDir("../..", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || len(entry.Name()) > 2 && entry.Name()[0] == '.'):
			return filepath.SkipDir
		case !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		head, _, _ := strings.Cut(string(data), "\npackage ")
		if slices.Contains(strings.Split(head, "\n"), determinism.Marker) {
			folder := strings.TrimPrefix(path.Dir(filepath.ToSlash(name)), "../../")
			if !slices.Contains(marked, folder) {
				marked = append(marked, folder)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return marked
}

// TestRunsUnderGoVet protects the second way to call it.
func TestRunsUnderGoVet(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	vet := exec.Command("go", "vet", "-vettool="+simvet(t), "./cmd/simvet/port/testdata/names")
	vet.Dir = "../.."
	out, err := vet.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "names.go:10:5: sync.Mutex: use *runtime.Mutex from rt.NewMutex()") {
		t.Errorf("%v\n%s", err, out)
	}
}

// simvet builds the program.
func simvet(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "simvet")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}
