package port

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/astutil"
)

// mark leaves a line above the statement or declaration around a node.
func (r *rewriter) mark(n ast.Node, text string) {
	anchor := r.anchor(n)
	line := Mark + text + "\n"
	before := r.source(r.file.FileStart, anchor)
	if strings.HasSuffix(strings.TrimRight(before, " \t"), line) {
		return
	}
	for _, m := range r.marks {
		if m.Pos == anchor && string(m.NewText) == line {
			return
		}
	}
	r.marks = append(r.marks, analysis.TextEdit{Pos: anchor, End: anchor, NewText: []byte(line)})
}

// noRuntime marks a place at which there is no runtime.
func (r *rewriter) noRuntime(n ast.Node, use string) {
	r.mark(n, "no *runtime.Runtime in scope: "+use)
}

// anchor returns the start of what a line can stand above.
func (r *rewriter) anchor(n ast.Node) token.Pos {
	path, _ := astutil.PathEnclosingInterval(r.file, n.Pos(), n.End())
	for i := 0; i+1 < len(path); i++ {
		switch parent := path[i+1].(type) {
		case *ast.BlockStmt, *ast.File, *ast.CaseClause, *ast.CommClause:
			if clause, ok := parent.(*ast.CommClause); ok && clause.Comm == path[i] {
				continue // a line can stand above the select
			}
			if _, isStatement := path[i].(ast.Stmt); isStatement || isDeclaration(path[i]) {
				return path[i].Pos()
			}
		case *ast.FieldList:
			if _, ok := path[min(i+2, len(path)-1)].(*ast.StructType); ok {
				return path[i].Pos()
			}
		case *ast.GenDecl:
			if parent.Lparen.IsValid() {
				return path[i].Pos()
			}
		}
	}
	return n.Pos()
}

func isDeclaration(n ast.Node) bool {
	_, ok := n.(ast.Decl)
	return ok
}
