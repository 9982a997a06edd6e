package determinism

import (
	"go/ast"
	"go/types"
	"strings"
)

func isMapsPackage(path string) bool { return path == "maps" || path == "golang.org/x/exp/maps" }

// checkKeys looks at maps.Keys and its relatives.
func (c *checker) checkKeys(n *ast.SelectorExpr, object types.Object) {
	switch object.Name() {
	case "Keys", "Values", "All":
		if !c.wrapped[n] {
			c.found("map-keys", n.Pos(), "maps."+object.Name()+" has no order: use slices.Sorted(maps.Keys(m))")
		}
	}
}

// noteSorted remembers the maps.Keys(m) in slices.Sorted(maps.Keys(m)), and in
// what does not care: collecting into a map.
func (c *checker) noteSorted(n *ast.CallExpr) {
	name := qualified(c.pass.TypesInfo, n.Fun)
	if strings.HasPrefix(name, "slices.Sorted") || name == "maps.Collect" || name == "maps.Insert" {
		for _, argument := range n.Args {
			c.wrap(argument)
		}
	}
}

// wrap marks the function of a call as one whose order does not matter.
func (c *checker) wrap(e ast.Expr) {
	if call, ok := ast.Unparen(e).(*ast.CallExpr); ok {
		c.wrapped[ast.Unparen(call.Fun)] = true
	}
}

// checkSorting finds keys that are collected by one statement and sorted by a
// later one of the same list, and remembers what follows each range.
func (c *checker) checkSorting(list []ast.Stmt) {
	for i, statement := range list {
		if loop, ok := statement.(*ast.RangeStmt); ok {
			c.after[loop] = list[i+1:]
		}
		assign, ok := statement.(*ast.AssignStmt)
		if !ok || len(assign.Lhs) != 1 || len(assign.Rhs) != 1 {
			continue
		}
		call, ok := assign.Rhs[0].(*ast.CallExpr)
		if !ok || !sortedIn(c.pass.TypesInfo, list[i+1:], types.ExprString(assign.Lhs[0])) {
			continue
		}
		c.wrap(call) // x/exp/maps.Keys returns a slice
		for _, argument := range call.Args {
			c.wrap(argument) // slices.Collect, slices.AppendSeq
		}
	}
}

// sortedIn reports whether one of the statements sorts a slice.
func sortedIn(info *types.Info, list []ast.Stmt, slice string) bool {
	for _, statement := range list {
		expression, ok := statement.(*ast.ExprStmt)
		if !ok {
			continue
		}
		call, ok := expression.X.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 || types.ExprString(call.Args[0]) != slice {
			continue
		}
		name := qualified(info, call.Fun)
		if strings.HasPrefix(name, "slices.Sort") || strings.HasPrefix(name, "sort.") {
			return true
		}
	}
	return false
}

// qualified returns "package.Name" for a member of a package, or "".
func qualified(info *types.Info, fun ast.Expr) string {
	fun = ast.Unparen(fun)
	if index, ok := fun.(*ast.IndexExpr); ok {
		fun = index.X
	}
	selector, ok := fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	object := info.Uses[selector.Sel]
	if object == nil || object.Pkg() == nil || object.Parent() != object.Pkg().Scope() {
		return ""
	}
	return object.Pkg().Name() + "." + object.Name()
}
