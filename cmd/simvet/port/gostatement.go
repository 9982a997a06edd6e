package port

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// goStatement: go f(x) becomes rt.Go(ctx, "f", func(context.Context) error {
// f(x); return nil }).
func (r *rewriter) goStatement(n *ast.GoStmt) bool {
	rt, reached := r.reach(n.Pos())
	if !reached {
		r.noRuntime(n, "use rt.Go(ctx, name, fn)")
		return true
	}
	ctx, ok := r.reachContext(n.Pos())
	home, known := r.contextPackage(n.Pos())
	if !ok || !known {
		r.mark(n, "the name context is taken here: use rt.Go(ctx, name, func(ctx context.Context) error)")
		return true
	}
	head := rt + ".Go(" + ctx + ", \"" + r.taskName(n.Call.Fun) + "\", func(" + home + ".Context) error {"
	literal, ok := n.Call.Fun.(*ast.FuncLit)
	if ok && len(n.Call.Args) == 0 && literal.Type.Results.NumFields() == 0 {
		r.goLiteral(n, literal, head)
		return false
	}
	if _, known := functions[r.qualified(n.Call.Fun)]; known || r.builtin(n.Call.Fun) != "" {
		r.replace(n.Pos(), n.End(), head+"\n"+r.text(n.Call)+"\nreturn nil\n})") // the call is rewritten itself
		return false
	}
	var before strings.Builder
	fun := r.hoist(n.Call.Fun, &before, "f")
	arguments := make([]string, 0, len(n.Call.Args))
	for _, argument := range n.Call.Args {
		arguments = append(arguments, r.hoist(argument, &before, "argument"))
	}
	call := fun + "(" + strings.Join(arguments, ", ")
	if n.Call.Ellipsis.IsValid() {
		call += "..."
	}
	r.replace(n.Pos(), n.End(), before.String()+head+"\n"+call+")\nreturn nil\n})")
	return false
}

// goLiteral keeps the body where it is.
func (r *rewriter) goLiteral(n *ast.GoStmt, literal *ast.FuncLit, head string) {
	ast.Inspect(literal.Body, func(inner ast.Node) bool {
		if statement, ok := inner.(*ast.ReturnStmt); ok {
			r.results[statement] = true
		}
		_, nested := inner.(*ast.FuncLit)
		return !nested
	})
	r.replace(n.Pos(), literal.Body.Lbrace+1, head)
	r.walkAll(literal.Body.List)
	tail := ""
	if !terminates(literal.Body.List) {
		tail = "return nil\n"
		if r.line(literal.Body.Lbrace) == r.line(literal.Body.Rbrace) {
			tail = "; return nil "
		}
	}
	r.replace(literal.Body.Rbrace, n.End(), tail+"})")
}

func (r *rewriter) line(pos token.Pos) int { return r.pass.Fset.Position(pos).Line }

// hoist returns the text of what a go statement evaluates at once. What may
// change until the task runs goes into a variable before the statement.
func (r *rewriter) hoist(e ast.Expr, before *strings.Builder, name string) string {
	text := r.text(e)
	if r.isStable(e) {
		return text
	}
	if selector, ok := ast.Unparen(e).(*ast.SelectorExpr); ok {
		name = lower(selector.Sel.Name)
	}
	name = r.fresh(e.Pos(), name, name+"Now")
	r.taken[name] = true
	before.WriteString(name + " := " + text + "\n")
	return name
}

// isStable reports whether an expression has the same value later on.
func (r *rewriter) isStable(e ast.Expr) bool {
	if r.pass.TypesInfo.Types[e].Value != nil {
		return true
	}
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		switch object := r.pass.TypesInfo.ObjectOf(e).(type) {
		case *types.Var:
			return !r.changing[object] && object.Parent() != r.pass.Pkg.Scope()
		case *types.Func, *types.Nil, *types.Builtin:
			return true
		}
	case *ast.SelectorExpr:
		_, isFunction := r.pass.TypesInfo.ObjectOf(e.Sel).(*types.Func)
		if _, isPackage := r.pass.TypesInfo.ObjectOf(identOrNil(e.X)).(*types.PkgName); isPackage {
			return isFunction
		}
		return isFunction && r.isStable(e.X)
	case *ast.UnaryExpr:
		if identOf(e.X) != nil && r.values[r.objectOf(e.X)] {
			return true // a lock, whose address is what the variable becomes
		}
		selector, ok := ast.Unparen(e.X).(*ast.SelectorExpr)
		return e.Op == token.AND && ok && r.isStable(selector.X) // the address of a field
	case *ast.FuncLit:
		return true
	}
	return false
}

func identOrNil(e ast.Expr) *ast.Ident {
	if id := identOf(e); id != nil {
		return id
	}
	return &ast.Ident{}
}

// taskName names a task after its function, or the function around it.
func (r *rewriter) taskName(fun ast.Expr) string {
	switch fun := ast.Unparen(fun).(type) {
	case *ast.Ident:
		return lower(fun.Name)
	case *ast.SelectorExpr:
		return lower(fun.Sel.Name)
	}
	for _, declaration := range r.file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if ok && f.Pos() <= fun.Pos() && fun.Pos() < f.End() {
			return lower(f.Name.Name)
		}
	}
	return "task"
}

func lower(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// terminates reports whether the end of a list of statements is never reached.
func terminates(list []ast.Stmt) bool {
	if len(list) == 0 {
		return false
	}
	switch last := list[len(list)-1].(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.BranchStmt:
		return last.Tok == token.GOTO
	case *ast.ExprStmt:
		call, ok := last.X.(*ast.CallExpr)
		if !ok {
			return false
		}
		id := identOf(call.Fun)
		return id != nil && id.Name == "panic"
	case *ast.BlockStmt:
		return terminates(last.List)
	case *ast.ForStmt:
		return last.Cond == nil && !breaks(last.Body)
	case *ast.IfStmt:
		block, ok := last.Else.(*ast.BlockStmt)
		return ok && terminates(last.Body.List) && terminates(block.List)
	}
	return false
}

// breaks reports whether a break leaves a body. A break inside a select or
// switch does not, and one with a label may.
func breaks(body ast.Node) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BranchStmt:
			found = found || n.Tok == token.BREAK
		case *ast.FuncLit, *ast.ForStmt, *ast.RangeStmt, *ast.SelectStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt:
			found = found || labelled(n)
			return false
		}
		return true
	})
	return found
}

func labelled(n ast.Node) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		branch, ok := n.(*ast.BranchStmt)
		found = found || ok && branch.Tok == token.BREAK && branch.Label != nil
		return true
	})
	return found
}
