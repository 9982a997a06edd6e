package tidemark_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tidemarkdb/tidemark/"

// rooms lists the rooms of the house from the bottom up, each with the rooms
// that its code, tests apart, may import besides itself.
var rooms = []struct {
	name  string
	below []string
}{
	{"runtime", nil},
	{"frontier", nil},
	{"sim", []string{"runtime"}},
	{"persist", []string{"runtime", "frontier"}},
	{"collections", []string{"runtime", "frontier", "persist"}},
	{"invariants", []string{"runtime", "frontier", "persist", "collections"}},
	{"scenarios", []string{"runtime", "frontier", "sim", "persist", "collections", "invariants"}},
	{"examples", []string{"runtime", "frontier", "sim", "persist", "collections", "invariants"}},
	{"cmd", []string{"runtime", "frontier", "sim", "persist", "collections", "invariants", "scenarios"}},
	{"docs", nil},
}

// TestRoomsImportOnlyRoomsBelow protects the walls: data flows one way, the
// library knows no simulator, and the simulator knows no library.
func TestRoomsImportOnlyRoomsBelow(t *testing.T) {
	seen := make(map[string]bool)
	forEachImport(t, func(file, room, imported string, isTest bool) {
		seen[room] = true
		inner, ours := strings.CutPrefix(imported, module)
		if !ours || isTest || roomOf(inner) == room {
			return
		}
		if !allowed(room, roomOf(inner)) {
			t.Errorf("%s imports %s: room %q may not use room %q", file, imported, room, roomOf(inner))
		}
	})
	if !seen["runtime"] || !seen["sim"] {
		t.Fatalf("looked at the wrong folder: found only the rooms %v", seen)
	}
}

// confined lists libraries with the only rooms or packages that may use them. The
// clients of buckets that commands and examples need come from persist/s3/s3env, so
// that none of them has to know the SDK, and there is one reading of its variables.
var confined = map[string][]string{
	"github.com/benbjohnson/clock": {"runtime"},
	"github.com/spf13/cobra":       {"cmd"},
	"golang.org/x/term":            {"cmd"},
	"github.com/parquet-go/":       {"persist"},
	"github.com/aws/":              {"persist/s3"},
	"go.etcd.io/bbolt":             {"persist/file"},
	"golang.org/x/sys":             {"persist/file"},
	"github.com/prometheus/":       {"collections/prommetrics"},
}

// testOnly lists libraries that no code but tests, and packages made for
// tests, may use.
var testOnly = []string{
	"github.com/google/go-cmp", "pgregory.net/rapid", "go.uber.org/goleak", "github.com/cockroachdb/datadriven",
	"github.com/rogpeppe/go-internal", "github.com/stretchr/testify",
}

// TestLibrariesStayInTheirRooms protects users from dependencies that a room
// has no business with.
func TestLibrariesStayInTheirRooms(t *testing.T) {
	forEachImport(t, func(file, _, imported string, isTest bool) {
		for library, homes := range confined {
			if strings.HasPrefix(imported, library) && !isTest && !anyPrefix(file, homes) {
				t.Errorf("%s imports %s, which belongs into %v", file, imported, homes)
			}
		}
		if anyPrefix(imported, testOnly) && !isTest && !strings.HasSuffix(path.Dir(file), "test") {
			t.Errorf("%s imports %s, which is for tests", file, imported)
		}
		for _, retired := range []string{"slices", "maps", "rand", "slog"} {
			if imported == "golang.org/x/exp/"+retired {
				t.Errorf("%s imports %s: the standard library has it", file, imported)
			}
		}
	})
}

// TestEveryPackageHasADocument protects the newcomer.
func TestEveryPackageHasADocument(t *testing.T) {
	packages := make(map[string]bool) // folder to whether it has a doc.go
	forEachFile(t, func(file string) {
		folder := path.Dir(file)
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "examples/") {
			return
		}
		packages[folder] = packages[folder] || path.Base(file) == "doc.go" || path.Base(file) == "main.go"
	})
	for folder, documented := range packages {
		if !documented {
			t.Errorf("package %s has no doc.go", folder)
		}
	}
}

func roomOf(inner string) string {
	room, _, _ := strings.Cut(inner, "/")
	return room
}

func allowed(room, below string) bool {
	for _, r := range rooms {
		if r.name != room {
			continue
		}
		for _, b := range r.below {
			if b == below {
				return true
			}
		}
	}
	return false
}

func anyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// forEachImport calls visit for each import of each Go file of the module.
func forEachImport(t *testing.T, visit func(file, room, imported string, isTest bool)) {
	t.Helper()
	forEachFile(t, func(file string) {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(file), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			visit(file, roomOf(file), imported, strings.HasSuffix(file, "_test.go"))
		}
	})
}

// forEachFile calls visit with the path of each Go file of the module.
func forEachFile(t *testing.T, visit func(file string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && hasModule(name):
			return filepath.SkipDir // a module of its own may use all rooms
		case entry.IsDir() && (entry.Name() == "testdata" || len(entry.Name()) > 1 && entry.Name()[0] == '.'):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go"):
			visit(filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// hasModule reports whether a folder is the root of a module.
func hasModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}
