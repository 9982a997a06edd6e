package port

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// imports adds what the rewritten code needs. What it needs no longer is
// removed by whoever applies the edits.
func (r *rewriter) imports() []analysis.TextEdit {
	var edits []analysis.TextEdit
	if r.needs["context"] && !r.imported("context") {
		edits = append(edits, r.addImport(`"context"`, true))
	}
	if r.needs[runtimePath] && !r.imported(runtimePath) {
		name := ""
		if r.runtimeName != "runtime" {
			name = r.runtimeName + " "
		}
		edits = append(edits, r.addImport(name+`"`+runtimePath+`"`, false))
	}
	return edits
}

func (r *rewriter) imported(path string) bool {
	for _, spec := range r.file.Imports {
		if strings.Trim(spec.Path.Value, "`\"") == path && (spec.Name == nil || spec.Name.Name != "_") {
			return true
		}
	}
	return false
}

// addImport writes one import: first, as one of the standard library, or last,
// in a group of its own unless the last group has others like it.
func (r *rewriter) addImport(spec string, first bool) analysis.TextEdit {
	at := func(pos token.Pos, text string) analysis.TextEdit {
		return analysis.TextEdit{Pos: pos, End: pos, NewText: []byte(text)}
	}
	if len(r.file.Imports) == 0 {
		return at(r.file.Name.End(), "\n\nimport "+spec+"\n")
	}
	declaration := r.file.Decls[0].(*ast.GenDecl)
	if !declaration.Lparen.IsValid() {
		return at(declaration.End(), "\nimport "+spec)
	}
	if first {
		return at(declaration.Lparen+1, "\n"+spec)
	}
	last := declaration.Specs[len(declaration.Specs)-1].(*ast.ImportSpec)
	if !strings.Contains(last.Path.Value, ".") {
		spec = "\n" + spec
	}
	return at(declaration.Rparen, spec+"\n")
}
