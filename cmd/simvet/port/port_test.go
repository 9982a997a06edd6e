package port_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/go/analysis/analysistest"
	"golang.org/x/tools/go/packages"

	"github.com/tidemarkdb/tidemark/cmd/simvet/determinism"
)

var update = flag.Bool("update", false, "write the golden files")

const root = "../../.."

// TestRewritingIsGolden protects every form of the rewriting: each file of
// testdata becomes the golden file beside it, formatted, with its imports.
func TestRewritingIsGolden(t *testing.T) {
	all := folders(t)
	if *update {
		for _, folder := range all {
			writeGolden(t, folder)
		}
	}
	analysistest.RunWithSuggestedFixes(fixesOnly{t}, root, determinism.Analyzer, all...)
}

// TestExampleIsTheRewriting protects docs/porting.md: the example that people
// read is what the tool makes of the file that they read before.
func TestExampleIsTheRewriting(t *testing.T) {
	example, err := os.ReadFile(filepath.Join(root, "examples", "janitor", "janitor.go"))
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/janitor/janitor.go.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(golden), string(example)); diff != "" {
		t.Errorf("examples/janitor differs (-golden +example):\n%s", diff)
	}
}

// fixesOnly passes on what concerns the fixes: the findings themselves are
// tested in package determinism.
type fixesOnly struct{ *testing.T }

func (f fixesOnly) Errorf(format string, args ...any) {
	if message := fmt.Sprintf(format, args...); !strings.Contains(message, "unexpected diagnostic") {
		f.T.Error(message)
	}
}

// TestRewrittenCodeCompiles protects the claim that what is not marked is done:
// the golden files, put in place of the originals, have the right types.
func TestRewrittenCodeCompiles(t *testing.T) {
	overlay := make(map[string][]byte)
	for _, folder := range folders(t) {
		for _, golden := range goldens(t, folder) {
			content, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			overlay[strings.TrimSuffix(golden, ".golden")] = content
		}
	}
	config := &packages.Config{Mode: packages.LoadSyntax, Dir: root, Overlay: overlay}
	loaded, err := packages.Load(config, folders(t)...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range loaded {
		if isLeft := p.Name == "leftovers"; isLeft != (len(p.Errors) > 0) {
			t.Errorf("%s: %v", p.PkgPath, p.Errors)
		}
	}
}

// folders returns the packages of testdata, as paths from the root.
func folders(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/*")
	if err != nil || len(found) == 0 {
		t.Fatal(err, found)
	}
	for i := range found {
		found[i] = "./cmd/simvet/port/" + filepath.ToSlash(found[i])
	}
	return found
}

func goldens(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, folder, "*.golden"))
	if err != nil || len(found) == 0 {
		t.Fatal(err, found)
	}
	for i := range found {
		if found[i], err = filepath.Abs(found[i]); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// writeGolden lets the tool rewrite a copy, in the same folder because of the
// imports, and keeps the results.
func writeGolden(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	before := make(map[string][]byte)
	for _, file := range files {
		if before[file], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	fix := exec.Command("go", "run", "./cmd/simvet", "-fix", folder)
	fix.Dir = root
	out, _ := fix.CombinedOutput()
	t.Logf("%s", out)
	for _, file := range files {
		after, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for path, content := range map[string][]byte{file + ".golden": after, file: before[file]} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
