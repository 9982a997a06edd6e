package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
)

// checkChannel looks at channel types, sends and receives.
func (c *checker) checkChannel(n ast.Node) {
	if c.wrapped[n] {
		return
	}
	switch n := n.(type) {
	case *ast.ChanType:
		c.found("chan", n.Pos(), "channel type: use *runtime.Chan[T]")
	case *ast.SendStmt:
		c.found("chan", n.Arrow, "send: use ch.Send(ctx, v)")
	case *ast.UnaryExpr:
		if n.Op != token.ARROW {
			return
		}
		if isDone(c.pass.TypesInfo, n.X) {
			c.found("chan", n.Pos(), "receive from ctx.Done(): give ctx to the operation that waits, or ask ctx.Err()")
			return
		}
		c.found("chan", n.Pos(), "receive: use ch.Recv(ctx)")
	}
}

// skipComms keeps the cases of a select from being findings of their own.
func (c *checker) skipComms(n *ast.SelectStmt) {
	for _, clause := range n.Body.List {
		switch comm := clause.(*ast.CommClause).Comm.(type) {
		case *ast.SendStmt:
			c.wrapped[comm] = true
		case *ast.ExprStmt:
			c.wrapped[ast.Unparen(comm.X)] = true
		case *ast.AssignStmt:
			c.wrapped[ast.Unparen(comm.Rhs[0])] = true
		}
	}
}

// checkCall looks at the builtins on channels, at formats and at conversions.
func (c *checker) checkCall(n *ast.CallExpr) {
	if name := builtin(c.pass.TypesInfo, n.Fun); name != "" && len(n.Args) > 0 {
		if _, ok := typeOf(c.pass.TypesInfo, n.Args[0]).(*types.Chan); ok {
			c.checkBuiltin(n, name)
		}
		return
	}
	c.checkFormat(n)
	c.checkConversion(n)
	c.noteSorted(n)
}

func (c *checker) checkBuiltin(n *ast.CallExpr, name string) {
	switch name {
	case "make":
		c.wrapped[n.Args[0]] = true
		c.found("chan", n.Pos(), "make(chan T, n): use runtime.NewChan[T](rt, n)")
	case "close":
		c.found("chan", n.Pos(), "close: use ch.Close()")
	case "len", "cap":
		c.found("chan", n.Pos(), name+" of a channel: use ch.Len(), ch.Cap()")
	}
}

func builtin(info *types.Info, fun ast.Expr) string {
	if id, ok := ast.Unparen(fun).(*ast.Ident); ok {
		if b, ok := info.Uses[id].(*types.Builtin); ok {
			return b.Name()
		}
	}
	return ""
}

// typeOf returns the underlying type of an expression, or nil.
func typeOf(info *types.Info, e ast.Expr) types.Type {
	t := info.TypeOf(e)
	if t == nil {
		return nil
	}
	return t.Underlying()
}

// isDone recognizes ctx.Done().
func isDone(info *types.Info, e ast.Expr) bool {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return false
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "Done" {
		return false
	}
	t := info.TypeOf(selector.X)
	return t != nil && t.String() == "context.Context"
}
