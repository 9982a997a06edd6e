package port

import (
	"go/ast"
	"go/types"
)

// functions of the standard library become methods of the runtime. Some need a
// context as their first argument, or a field of the result.
var functions = map[string]struct {
	method       string
	needsContext bool
	suffix       string
}{
	"time.Now":                  {method: "Now"},
	"time.Since":                {method: "Since"},
	"time.Sleep":                {method: "Sleep", needsContext: true},
	"time.After":                {method: "NewTimer", suffix: ".C"},
	"time.Tick":                 {method: "NewTicker", suffix: ".C"},
	"time.NewTimer":             {method: "NewTimer"},
	"time.NewTicker":            {method: "NewTicker"},
	"time.AfterFunc":            {method: "AfterFunc"},
	"context.WithCancel":        {method: "WithCancel"},
	"context.WithCancelCause":   {method: "WithCancelCause"},
	"context.WithTimeout":       {method: "WithTimeout"},
	"context.WithTimeoutCause":  {method: "WithTimeoutCause"},
	"context.WithDeadline":      {method: "WithDeadline"},
	"context.WithDeadlineCause": {method: "WithDeadlineCause"},
	"context.AfterFunc":         {method: "AfterCancel"},
	"sync.NewCond":              {method: "NewCond"},
}

// call rewrites calls of the standard library and of builtins.
func (r *rewriter) call(n *ast.CallExpr) bool {
	if name := r.builtin(n.Fun); name != "" {
		return r.builtinCall(n, name)
	}
	name := r.qualified(n.Fun)
	if name == "time.Until" {
		return r.until(n)
	}
	if name == "sync.OnceFunc" || name == "sync.OnceValue" || name == "sync.OnceValues" {
		r.mark(n, "use rt.NewOnce() instead of "+name)
		return true
	}
	if f, ok := functions[name]; ok {
		rt, reached := r.reach(n.Pos())
		if !reached {
			arguments := "(...)"
			if len(n.Args) == 0 {
				arguments = "()"
			}
			r.noRuntime(n, "use rt."+f.method+arguments+f.suffix)
			return true
		}
		first := ""
		if f.needsContext {
			background, ok := r.background(n.Pos())
			if !ok {
				r.mark(n, "the name context is taken here: use rt."+f.method+"(ctx, ...)")
				return true
			}
			first = background + ", "
		}
		r.replace(n.Pos(), n.Lparen+1, rt+"."+f.method+"("+first)
		for _, argument := range n.Args {
			r.walk(argument)
		}
		r.insert(n.End(), f.suffix)
		return false
	}
	if r.isWaitGroupGo(n) {
		return r.waitGroupGo(n)
	}
	r.markGivenAway(n)
	return true
}

// until: time.Until(t) becomes t.Sub(rt.Now()).
func (r *rewriter) until(n *ast.CallExpr) bool {
	rt, ok := r.reach(n.Pos())
	if !ok {
		r.noRuntime(n, "use t.Sub(rt.Now())")
		return true
	}
	r.replace(n.Pos(), n.End(), r.primary(n.Args[0])+".Sub("+rt+".Now())")
	return false
}

func (r *rewriter) builtinCall(n *ast.CallExpr, name string) bool {
	if len(n.Args) == 0 {
		return true
	}
	t := r.pass.TypesInfo.TypeOf(n.Args[0])
	if name == "new" {
		if kind := primitive(t); kind != "" {
			r.construct(n, kind)
			return false
		}
		r.markZero(n, t)
		return true
	}
	if !isChannel(t) || r.isForeign(n.Args[0]) {
		return true
	}
	switch name {
	case "make":
		return r.makeChannel(n)
	case "close":
		r.replace(n.Pos(), n.End(), r.primary(n.Args[0])+".Close()")
		return false
	case "len":
		r.replace(n.Pos(), n.End(), r.primary(n.Args[0])+".Len()")
		return false
	case "cap":
		r.replace(n.Pos(), n.End(), r.primary(n.Args[0])+".Cap()")
		return false
	}
	return true
}

// makeChannel: make(chan T, n) becomes runtime.NewChan[T](rt, n).
func (r *rewriter) makeChannel(n *ast.CallExpr) bool {
	literal, ok := ast.Unparen(n.Args[0]).(*ast.ChanType)
	if !ok {
		r.mark(n, "a named channel type: use runtime.NewChan[T](rt, n)")
		return true
	}
	rt, reached := r.reach(n.Pos())
	if !reached {
		r.noRuntime(n, "use runtime.NewChan["+r.text(literal.Value)+"](rt, n)")
		r.done[literal] = true
		return true
	}
	home, ok := r.runtimePackage(n.Pos())
	if !ok {
		r.mark(n, "the name "+home+" is taken here: use NewChan of package runtime")
		return true
	}
	size := "0"
	if len(n.Args) > 1 {
		size = r.text(n.Args[1])
		basic, ok := r.pass.TypesInfo.TypeOf(n.Args[1]).(*types.Basic)
		if !ok || basic.Kind() != types.Int && basic.Info()&types.IsUntyped == 0 {
			size = "int(" + size + ")"
		}
	}
	r.replace(n.Pos(), n.End(), home+".NewChan["+r.text(literal.Value)+"]("+rt+", "+size+")")
	return false
}

func (r *rewriter) isWaitGroupGo(n *ast.CallExpr) bool {
	selector, ok := n.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "Go" || len(n.Args) != 1 {
		return false
	}
	t := r.pass.TypesInfo.TypeOf(selector.X)
	if pointer, ok := t.Underlying().(*types.Pointer); ok {
		t = pointer.Elem()
	}
	return primitive(t) == "WaitGroup"
}

// waitGroupGo: wg.Go(f) becomes wg.Go(ctx, name, func(context.Context) { f() }).
func (r *rewriter) waitGroupGo(n *ast.CallExpr) bool {
	ctx, ok := r.reachContext(n.Pos())
	home, known := r.contextPackage(n.Pos())
	if !ok || !known {
		r.mark(n, "the name context is taken here: use wg.Go(ctx, name, func(ctx context.Context))")
		return true
	}
	head := r.text(n.Fun) + "(" + ctx + ", \"" + r.taskName(n.Args[0]) + "\", func(" + home + ".Context) {"
	if literal, ok := n.Args[0].(*ast.FuncLit); ok {
		r.replace(n.Pos(), literal.Body.Lbrace+1, head)
		r.walk(literal.Body)
		return false
	}
	r.replace(n.Pos(), n.End(), head+" "+r.primary(n.Args[0])+"() })")
	return false
}

// markGivenAway marks channels given to functions of other packages.
func (r *rewriter) markGivenAway(n *ast.CallExpr) {
	var callee types.Object
	switch fun := ast.Unparen(n.Fun).(type) {
	case *ast.SelectorExpr:
		callee = r.pass.TypesInfo.Uses[fun.Sel]
	case *ast.Ident:
		callee = r.pass.TypesInfo.Uses[fun]
	}
	if !r.isForeignObject(callee) {
		return
	}
	for _, argument := range n.Args {
		if isChannel(r.pass.TypesInfo.TypeOf(argument)) && !r.isForeign(argument) {
			r.mark(n, callee.Pkg().Name()+"."+callee.Name()+" wants a native channel: keep it outside, see rt.External")
		}
	}
}

func (r *rewriter) builtin(fun ast.Expr) string {
	if id := identOf(fun); id != nil {
		if b, ok := r.pass.TypesInfo.Uses[id].(*types.Builtin); ok {
			return b.Name()
		}
	}
	return ""
}

// qualified returns "path.Name" for a function of a package, or "".
func (r *rewriter) qualified(fun ast.Expr) string {
	selector, ok := ast.Unparen(fun).(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	object := r.pass.TypesInfo.Uses[selector.Sel]
	if object == nil || object.Pkg() == nil || object.Parent() != object.Pkg().Scope() {
		return ""
	}
	return object.Pkg().Path() + "." + object.Name()
}
