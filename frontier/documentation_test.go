package frontier_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// The examples are the manual, and run: no exported function or method may go
// without a comment and an example that has its output checked.
func TestEveryExportedFunctionHasACommentAndAnExample(t *testing.T) {
	reference, examples := documentation(t)
	functions := map[string]*doc.Func{}
	for _, function := range reference.Funcs {
		functions[function.Name] = function
	}
	for _, declared := range reference.Types {
		for _, function := range declared.Funcs {
			functions[function.Name] = function
		}
		for _, method := range declared.Methods {
			functions[declared.Name+"_"+method.Name] = method
		}
	}
	if len(functions) < 40 {
		t.Fatalf("found only %d exported functions", len(functions))
	}
	for name, function := range functions {
		if function.Doc == "" {
			t.Errorf("no comment on %s", name)
		}
		if !examples[name] {
			t.Errorf("no Example%s with output", name)
		}
	}
}

// documentation parses this folder and returns what go doc would show, and the
// names of the examples whose output is checked.
func documentation(t *testing.T) (reference *doc.Package, examples map[string]bool) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	var code, tests []*ast.File
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		file, err := parser.ParseFile(files, entry.Name(), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(entry.Name(), "_test.go") {
			tests = append(tests, file)
		} else {
			code = append(code, file)
		}
	}
	reference, err = doc.NewFromFiles(files, code, "github.com/tidemarkdb/tidemark/frontier")
	if err != nil {
		t.Fatal(err)
	}
	examples = map[string]bool{}
	for _, example := range doc.Examples(tests...) {
		examples[example.Name] = example.Output != ""
	}
	return reference, examples
}
