package determinism

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

// checkRange looks at ranges over channels and maps.
func (c *checker) checkRange(n *ast.RangeStmt) {
	switch t := typeOf(c.pass.TypesInfo, n.X).(type) {
	case *types.Chan:
		c.found("chan", n.Pos(), "range over a channel: use ch.All(ctx)")
	case *types.Map:
		if c.ordered(n) {
			c.found("map-range", n.Pos(), "the order of a range over a map differs between runs: "+
				"sort the keys, as in slices.Sorted(maps.Keys(m))", c.sortKeys(n, t)...)
		}
	case *types.Signature:
		if call, ok := ast.Unparen(n.X).(*ast.CallExpr); ok && !c.ordered(n) {
			c.wrapped[ast.Unparen(call.Fun)] = true
		}
	}
}

// ordered reports whether the order of the iterations can matter.
func (c *checker) ordered(n *ast.RangeStmt) bool {
	if isBlank(n.Key) && isBlank(n.Value) {
		return false // the iterations are all alike
	}
	body := loop{
		info: c.pass.TypesInfo, key: objectOf(c.pass.TypesInfo, n.Key), value: objectOf(c.pass.TypesInfo, n.Value),
		after: c.after[n], outside: n,
	}
	return !body.indifferentAll(n.Body.List) || body.leaves && body.accumulates
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return e == nil || ok && id.Name == "_"
}

func objectOf(info *types.Info, e ast.Expr) types.Object {
	if id, ok := e.(*ast.Ident); ok {
		return info.ObjectOf(id)
	}
	return nil
}

// sortKeys is the fix: range over the sorted keys instead.
func (c *checker) sortKeys(n *ast.RangeStmt, t *types.Map) []analysis.SuggestedFix {
	key, ok := n.Key.(*ast.Ident)
	basic, isBasic := t.Key().Underlying().(*types.Basic)
	if !ok || n.Tok != token.DEFINE || !isBasic || basic.Info()&types.IsOrdered == 0 || !isSimple(n.X) {
		return nil
	}
	name, first := key.Name, ""
	if name == "_" {
		name = "key"
	}
	subject := types.ExprString(n.X)
	if !isBlank(n.Value) {
		first = n.Value.(*ast.Ident).Name + " := " + subject + "[" + name + "]\n"
	}
	header := "_, " + name + " := range slices.Sorted(maps.Keys(" + subject + "))"
	edits := []analysis.TextEdit{
		{Pos: key.Pos(), End: n.X.End(), NewText: []byte(header)},
		{Pos: n.Body.List[0].Pos(), End: n.Body.List[0].Pos(), NewText: []byte(first)},
	}
	file := c.fileOf(n.Pos())
	for _, path := range []string{"maps", "slices"} {
		edits = append(edits, addImport(file, path)...)
	}
	return []analysis.SuggestedFix{{Message: "range over the sorted keys", TextEdits: edits}}
}

func (c *checker) fileOf(pos token.Pos) *ast.File {
	for _, file := range c.pass.Files {
		if file.FileStart <= pos && pos <= file.FileEnd {
			return file
		}
	}
	return nil
}

// addImport imports a package of the standard library, unless the file does.
func addImport(file *ast.File, path string) []analysis.TextEdit {
	for _, spec := range file.Imports {
		if spec.Path.Value == `"`+path+`"` {
			return nil
		}
	}
	text, pos := "\n\nimport \""+path+"\"\n", file.Name.End()
	if len(file.Imports) > 0 {
		if declaration, ok := file.Decls[0].(*ast.GenDecl); ok && declaration.Lparen.IsValid() {
			text, pos = "\n\""+path+"\"", declaration.Lparen+1
		}
	}
	return []analysis.TextEdit{{Pos: pos, End: pos, NewText: []byte(text)}}
}

// isSimple reports whether an expression can be evaluated twice.
func isSimple(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return true
	case *ast.SelectorExpr:
		return isSimple(e.X)
	}
	return false
}
