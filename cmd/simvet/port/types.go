package port

import (
	"go/ast"
	"go/token"
	"go/types"
)

// chanType: chan T, <-chan T and chan<- T become *runtime.Chan[T].
func (r *rewriter) chanType(n *ast.ChanType) bool {
	name, ok := r.runtimePackage(n.Pos())
	if !ok {
		r.mark(n, "the name "+name+" is taken here: use a *Chan of package runtime")
		return true
	}
	r.replace(n.Pos(), n.Value.Pos(), "*"+name+".Chan[")
	r.walk(n.Value)
	r.insert(n.Value.End(), "]")
	return false
}

// namedChannel: type jobs chan T becomes an alias, because a pointer type with
// a name of its own has no methods.
func (r *rewriter) namedChannel(n *ast.TypeSpec) {
	literal, ok := ast.Unparen(n.Type).(*ast.ChanType)
	if !ok || n.Assign.IsValid() || r.keep(literal.Pos()) {
		return
	}
	named, ok := types.Unalias(r.pass.TypesInfo.Defs[n.Name].Type()).(*types.Named)
	if ok && named.NumMethods() > 0 || n.TypeParams != nil {
		r.mark(n, "a channel type with methods: make it a struct that holds the channel")
		return
	}
	r.insert(n.Type.Pos(), "= ")
}

// typeName: sync.Mutex becomes *runtime.Mutex, and *sync.Mutex runtime's too.
func (r *rewriter) typeName(n ast.Node) bool {
	var star *ast.StarExpr
	var selector *ast.SelectorExpr
	switch n := n.(type) {
	case *ast.StarExpr:
		star = n
		selector, _ = ast.Unparen(n.X).(*ast.SelectorExpr)
	case *ast.SelectorExpr:
		selector = n
	}
	if selector == nil || !r.pass.TypesInfo.Types[selector].IsType() {
		return true
	}
	t := r.pass.TypesInfo.TypeOf(selector)
	name := primitive(t)
	switch {
	case name == "" && star != nil && t.String() == "time.Timer":
		name = "Timer"
	case name == "" && star != nil && t.String() == "time.Ticker":
		name = "Ticker"
	case name == "":
		return true
	}
	home, ok := r.runtimePackage(n.Pos())
	if !ok {
		r.mark(n, "the name "+home+" is taken here: use *"+name+" of package runtime")
		return false
	}
	r.replace(n.Pos(), n.End(), "*"+home+"."+name)
	return false
}

// declaration: var wg sync.WaitGroup becomes wg := rt.NewWaitGroup().
func (r *rewriter) declaration(n *ast.DeclStmt) bool {
	declaration, ok := n.Decl.(*ast.GenDecl)
	if !ok || declaration.Tok != token.VAR {
		return true
	}
	for _, spec := range declaration.Specs {
		value := spec.(*ast.ValueSpec)
		if value.Type == nil {
			continue
		}
		t := r.pass.TypesInfo.TypeOf(value.Type)
		r.markZero(value, t)
		name := primitive(t)
		if name == "" {
			continue
		}
		rt, reached := r.reach(n.Pos())
		if !reached || name == "Cond" || len(declaration.Specs) > 1 || len(value.Names) > 1 || len(value.Values) > 0 {
			r.mark(n, "construct it: use rt.New"+name+"()")
			continue
		}
		r.replace(n.Pos(), n.End(), value.Names[0].Name+" := "+rt+".New"+name+"()")
		return false
	}
	return true
}

// markPackageVariables: there is no runtime at package level.
func (r *rewriter) markPackageVariables(n *ast.GenDecl) {
	if n.Tok != token.VAR {
		return
	}
	for _, spec := range n.Specs {
		value := spec.(*ast.ValueSpec)
		if len(value.Names) == 0 || r.pass.TypesInfo.ObjectOf(value.Names[0]).Parent() != r.pass.Pkg.Scope() {
			continue
		}
		t := r.pass.TypesInfo.TypeOf(value.Names[0])
		if name := primitive(t); name != "" {
			r.mark(value, "a package variable belongs to no runtime: move it into a struct, with rt.New"+name+"()")
			r.done[value.Type] = true
		}
		r.markZero(value, t)
	}
}

// unary: &x.mu becomes x.mu, &sync.Mutex{} becomes rt.NewMutex().
func (r *rewriter) unary(n *ast.UnaryExpr) bool {
	switch n.Op {
	case token.AND:
		if r.values[r.objectOf(n.X)] {
			r.replace(n.Pos(), n.X.Pos(), "")
			return true
		}
		if literal, ok := ast.Unparen(n.X).(*ast.CompositeLit); ok && primitive(r.pass.TypesInfo.TypeOf(literal)) != "" {
			r.construct(n, primitive(r.pass.TypesInfo.TypeOf(literal)))
			return false
		}
	case token.ARROW:
		if !r.isForeign(n.X) {
			r.mark(n, "a receive inside an expression: take it out with v, err := ch.Recv(ctx)")
		} else {
			r.markForeign(n)
		}
	}
	return true
}

// objectOf returns the variable or field that an expression names.
func (r *rewriter) objectOf(e ast.Expr) types.Object {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return r.pass.TypesInfo.ObjectOf(e)
	case *ast.SelectorExpr:
		return r.pass.TypesInfo.ObjectOf(e.Sel)
	}
	return nil
}

// construct replaces a value of package sync by one of a runtime.
func (r *rewriter) construct(n ast.Expr, name string) {
	if name == "Cond" {
		r.mark(n, "use rt.NewCond(locker)")
		return
	}
	rt, ok := r.reach(n.Pos())
	if !ok {
		r.noRuntime(n, "use rt.New"+name+"()")
		return
	}
	r.replace(n.Pos(), n.End(), rt+".New"+name+"()")
}
