package port

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Mark begins the lines that are left for work by hand.
const Mark = "// sim:port "

// runtimePath is the package that the code is rewritten to.
const runtimePath = "github.com/tidemarkdb/tidemark/runtime"

// Rewrite returns the edits that carry the files of a package over to package
// runtime. Places for which keep reports true stay as they are. The edits of a
// file are ordered and do not overlap.
func Rewrite(pass *analysis.Pass, files []*ast.File, keep func(token.Pos) bool) []analysis.TextEdit {
	p := &packageInfo{pass: pass, keep: keep}
	p.collect(files)
	var edits []analysis.TextEdit
	for _, file := range files {
		edits = append(edits, p.rewriteFile(file)...)
	}
	return edits
}

// rewriter works on one file.
type rewriter struct {
	*packageInfo
	file  *ast.File
	src   []byte
	edits []analysis.TextEdit
	marks []analysis.TextEdit
	// done are the nodes that a surrounding node has taken care of; results the
	// return statements of functions that return an error now.
	done    map[ast.Node]bool
	results map[*ast.ReturnStmt]bool
	needs   map[string]bool // import paths
	taken   map[string]bool // names of variables that were added
	// runtimeName is how the file imports package runtime: as runtime, unless it
	// imports Go's own under that name.
	runtimeName string
}

func (p *packageInfo) rewriteFile(file *ast.File) []analysis.TextEdit {
	src, err := p.pass.ReadFile(p.pass.Fset.File(file.FileStart).Name())
	if err != nil {
		return nil
	}
	r := &rewriter{
		packageInfo: p, file: file, src: src,
		done: make(map[ast.Node]bool), results: make(map[*ast.ReturnStmt]bool), needs: make(map[string]bool),
		taken: make(map[string]bool),
	}
	r.runtimeName = "runtime"
	for _, spec := range file.Imports {
		if spec.Path.Value == `"runtime"` && spec.Name == nil {
			r.runtimeName = "simruntime"
		}
	}
	r.walk(file)
	edits := append(r.edits, r.marks...)
	if len(edits) > 0 {
		edits = append(edits, r.imports()...)
	}
	slices.SortStableFunc(edits, func(a, b analysis.TextEdit) int {
		return cmp.Or(cmp.Compare(a.Pos, b.Pos), cmp.Compare(a.End, b.End))
	})
	for i := 1; i < len(edits); i++ {
		if edits[i].Pos < edits[i-1].End {
			return nil // better no fix than a broken file
		}
	}
	return edits
}

func (r *rewriter) walk(n ast.Node) {
	ast.Inspect(n, r.visit)
}

func (r *rewriter) walkAll(list []ast.Stmt) {
	for _, s := range list {
		r.walk(s)
	}
}

// visit rewrites a node, and reports whether its children are still to be
// looked at.
func (r *rewriter) visit(n ast.Node) bool {
	if n == nil || r.done[n] || isComment(n) {
		return false
	}
	if r.keep(n.Pos()) {
		return r.isContainer(n)
	}
	switch n := n.(type) {
	case *ast.GoStmt:
		return r.goStatement(n)
	case *ast.SelectStmt:
		return r.selectStatement(n)
	case *ast.SendStmt:
		return r.send(n)
	case *ast.RangeStmt:
		return r.rangeStatement(n)
	case *ast.IfStmt:
		return r.ifStatement(n)
	case *ast.AssignStmt:
		return r.assignment(n)
	case *ast.ReturnStmt:
		return r.returnStatement(n)
	case *ast.DeclStmt:
		return r.declaration(n)
	case *ast.GenDecl:
		r.markPackageVariables(n)
	case *ast.ExprStmt:
		if receive := receiveOf(n.X); receive != nil {
			return r.bareReceive(receive)
		}
	case *ast.UnaryExpr:
		return r.unary(n)
	case *ast.CallExpr:
		return r.call(n)
	case *ast.TypeSpec:
		r.namedChannel(n)
	case *ast.ChanType:
		return r.chanType(n)
	case *ast.StarExpr, *ast.SelectorExpr:
		return r.typeName(n)
	case *ast.CompositeLit:
		return r.literal(n)
	}
	return true
}

func isComment(n ast.Node) bool {
	switch n.(type) {
	case *ast.CommentGroup, *ast.Comment:
		return true
	}
	return false
}

// isContainer reports whether a node that stays may contain others that do not.
func (r *rewriter) isContainer(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.SelectStmt:
		for _, clause := range n.Body.List {
			r.done[clause.(*ast.CommClause).Comm] = true
		}
		return true
	case *ast.GoStmt, *ast.RangeStmt, *ast.File, *ast.FuncDecl, *ast.GenDecl, *ast.BlockStmt, *ast.IfStmt,
		*ast.ForStmt, *ast.FuncLit, *ast.CallExpr, *ast.FuncType, *ast.TypeSpec, *ast.StructType, *ast.FieldList,
		*ast.DeferStmt, *ast.ExprStmt:
		return true
	}
	return false
}

func (r *rewriter) replace(pos, end token.Pos, text string) {
	r.edits = append(r.edits, analysis.TextEdit{Pos: pos, End: end, NewText: []byte(text)})
}

func (r *rewriter) insert(pos token.Pos, text string) { r.replace(pos, pos, text) }

// text returns the rewritten text of a node that moves to another place.
func (r *rewriter) text(n ast.Node) string {
	saved := r.edits
	r.edits = nil
	r.walk(n)
	inner := r.edits
	r.edits = saved
	slices.SortStableFunc(inner, func(a, b analysis.TextEdit) int { return cmp.Compare(a.Pos, b.Pos) })
	var b strings.Builder
	at := n.Pos()
	for _, e := range inner {
		b.WriteString(r.source(at, e.Pos))
		b.Write(e.NewText)
		at = e.End
	}
	b.WriteString(r.source(at, n.End()))
	return b.String()
}

func (r *rewriter) source(pos, end token.Pos) string {
	tokens := r.pass.Fset.File(r.file.FileStart)
	return string(r.src[tokens.Offset(pos):tokens.Offset(end)])
}

// primary is the rewritten text of an expression to which ".Method()" can be
// appended.
func (r *rewriter) primary(e ast.Expr) string {
	text := r.text(e)
	switch e.(type) {
	case *ast.Ident, *ast.SelectorExpr, *ast.CallExpr, *ast.IndexExpr, *ast.ParenExpr:
		return text
	}
	return "(" + text + ")"
}

// runtimePackage and contextPackage return how the file calls these packages,
// and see to it that they are imported. The second result is false if another
// object has that name at the place.
func (r *rewriter) runtimePackage(pos token.Pos) (string, bool) {
	return r.importedAs(pos, runtimePath, r.runtimeName)
}

func (r *rewriter) contextPackage(pos token.Pos) (string, bool) {
	return r.importedAs(pos, "context", "context")
}

func (r *rewriter) importedAs(pos token.Pos, path, name string) (string, bool) {
	for _, spec := range r.file.Imports {
		if strings.Trim(spec.Path.Value, "`\"") == path && spec.Name != nil {
			name = spec.Name.Name
		}
	}
	if _, object := r.scopeAt(pos).LookupParent(name, pos); object != nil {
		imported, ok := object.(*types.PkgName)
		if !ok || imported.Imported().Path() != path {
			return name, false
		}
	}
	r.needs[path] = true
	return name, true
}
