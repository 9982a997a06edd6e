package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// loop decides whether the iterations of a range over a map may run in any
// order: collecting what is sorted afterwards, deleting, counting and adding
// up, filling another map under the same keys, looking for the greatest,
// asking whether there is one. What it does not know it takes for ordered.
type loop struct {
	info    *types.Info
	key     types.Object
	value   types.Object
	after   []ast.Stmt // what follows the loop
	outside ast.Node
	// leaves says that an iteration may be the last one; accumulates that it
	// matters how many there were.
	leaves, accumulates bool
}

func (l *loop) indifferentAll(list []ast.Stmt) bool {
	for _, statement := range list {
		if !l.indifferent(statement) {
			return false
		}
	}
	return true
}

func (l *loop) indifferent(statement ast.Stmt) bool {
	switch s := statement.(type) {
	case nil, *ast.EmptyStmt:
		return true
	case *ast.AssignStmt:
		return l.assignment(s)
	case *ast.IncDecStmt:
		l.accumulates = true
		return l.harmless(s.X)
	case *ast.DeclStmt:
		return true
	case *ast.BlockStmt:
		return l.indifferentAll(s.List)
	case *ast.IfStmt:
		return l.isGreatest(s) ||
			l.indifferent(s.Init) && l.harmless(s.Cond) && l.indifferent(s.Body) && l.indifferent(s.Else)
	case *ast.RangeStmt:
		return l.harmless(s.X) && l.indifferentAll(s.Body.List)
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		return ok && builtin(l.info, call.Fun) == "delete" && l.harmless(call.Args[1])
	case *ast.ReturnStmt:
		l.leaves = true
		return !slices.ContainsFunc(s.Results, func(e ast.Expr) bool { return !l.isConstant(e) })
	case *ast.BranchStmt:
		l.leaves = l.leaves || s.Tok != token.CONTINUE
		return s.Tok != token.GOTO
	}
	return false
}

func (l *loop) assignment(s *ast.AssignStmt) bool {
	for _, e := range s.Rhs {
		if !l.harmless(e) {
			return false
		}
	}
	switch s.Tok {
	case token.DEFINE:
		return true
	case token.ADD_ASSIGN, token.SUB_ASSIGN, token.OR_ASSIGN, token.AND_ASSIGN, token.XOR_ASSIGN, token.MUL_ASSIGN:
		l.accumulates = true
		basic, ok := typeOf(l.info, s.Lhs[0]).(*types.Basic)
		return ok && basic.Info()&types.IsInteger != 0
	case token.ASSIGN:
		for i, target := range s.Lhs {
			if !l.store(target, s.Rhs[min(i, len(s.Rhs)-1)]) {
				return false
			}
		}
		return true
	}
	return false
}

// store looks at one target = value.
func (l *loop) store(target, value ast.Expr) bool {
	if isBlank(target) || l.isConstant(value) || l.isOwn(target) {
		return true
	}
	if index, ok := target.(*ast.IndexExpr); ok {
		l.accumulates = true
		place := objectOf(l.info, index.Index) // another one in each iteration, or for each value
		return place != nil && (place == l.key || place == l.value && !l.mentions(value, l.key))
	}
	call, ok := value.(*ast.CallExpr)
	if !ok {
		return false
	}
	l.accumulates = true
	switch builtin(l.info, call.Fun) {
	case "append":
		name := types.ExprString(target)
		return types.ExprString(call.Args[0]) == name && sortedIn(l.info, l.after, name)
	case "min", "max":
		return slices.ContainsFunc(call.Args, func(e ast.Expr) bool {
			return types.ExprString(e) == types.ExprString(target)
		})
	}
	return false
}

// isGreatest recognizes if v > best { best = v }.
func (l *loop) isGreatest(s *ast.IfStmt) bool {
	condition, ok := s.Cond.(*ast.BinaryExpr)
	if !ok || s.Init != nil || s.Else != nil || len(s.Body.List) != 1 {
		return false
	}
	assign, ok := s.Body.List[0].(*ast.AssignStmt)
	if !ok || assign.Tok != token.ASSIGN || len(assign.Lhs) != 1 || !l.harmless(s.Cond) {
		return false
	}
	l.accumulates = true
	switch condition.Op {
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		x, y := types.ExprString(condition.X), types.ExprString(condition.Y)
		left, right := types.ExprString(assign.Lhs[0]), types.ExprString(assign.Rhs[0])
		return x == left && y == right || x == right && y == left
	}
	return false
}

// isOwn reports whether a variable belongs to one iteration.
func (l *loop) isOwn(e ast.Expr) bool {
	object := objectOf(l.info, e)
	return object != nil && l.outside.Pos() <= object.Pos() && object.Pos() < l.outside.End()
}

func (l *loop) mentions(e ast.Expr, object types.Object) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && object != nil && l.info.Uses[id] == object
		return !found
	})
	return found
}

func (l *loop) isConstant(e ast.Expr) bool {
	value := l.info.Types[e]
	return value.Value != nil || value.IsNil()
}

// pure are packages whose functions, and methods whose names, have no effects.
var (
	pure = []string{
		"strings", "bytes", "slices", "maps", "cmp", "math", "bits", "sort", "strconv", "unicode", "utf8", "errors",
		"len", "cap", "min", "max", "append", "make", "new",
	}
	pureMethods = []string{
		"String", "Len", "Compare", "Equal", "Less", "Cmp", "Before", "After", "IsZero", "Clone", "Check", "Sub",
	}
)

// harmless reports whether an expression does nothing but give a value.
func (l *loop) harmless(e ast.Expr) bool {
	harmless := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			harmless = harmless && l.harmlessCall(n)
		case *ast.UnaryExpr:
			harmless = harmless && n.Op != token.ARROW
		case *ast.FuncLit:
			return false
		}
		return harmless
	})
	return harmless
}

func (l *loop) harmlessCall(n *ast.CallExpr) bool {
	if l.info.Types[n.Fun].IsType() {
		return true
	}
	if name := builtin(l.info, n.Fun); name != "" {
		return slices.Contains(pure, name)
	}
	if name := qualified(l.info, n.Fun); name != "" {
		home, member, _ := strings.Cut(name, ".")
		return slices.Contains(pure, home) || home == "fmt" && strings.HasPrefix(member, "Sprint")
	}
	selector, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr)
	return ok && slices.Contains(pureMethods, selector.Sel.Name)
}
