package port

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

// packageInfo is what the rewriting of all files has in common.
type packageInfo struct {
	pass *analysis.Pass
	keep func(token.Pos) bool
	// values are variables and fields that held a primitive of package sync and
	// become pointers.
	values map[types.Object]bool
	// foreign are variables that hold a channel of another package.
	foreign map[types.Object]bool
	// changing are variables that are assigned to after their declaration, or
	// whose address is taken.
	changing map[types.Object]bool
	posts    map[ast.Stmt]bool
}

func (p *packageInfo) collect(files []*ast.File) {
	p.values = make(map[types.Object]bool)
	p.foreign = make(map[types.Object]bool)
	p.changing = make(map[types.Object]bool)
	p.posts = make(map[ast.Stmt]bool)
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			p.collectNode(n)
			return true
		})
	}
}

func (p *packageInfo) collectNode(n ast.Node) {
	switch n := n.(type) {
	case *ast.Ident:
		v, ok := p.pass.TypesInfo.Defs[n].(*types.Var)
		if ok && primitive(v.Type()) != "" && v.Parent() != p.pass.Pkg.Scope() && !p.keep(n.Pos()) {
			p.values[v] = true
		}
	case *ast.StructType:
		p.collectEmbedded(n)
	case *ast.AssignStmt:
		for i, target := range n.Lhs {
			if n.Tok == token.DEFINE && p.pass.TypesInfo.Defs[identOf(target)] != nil {
				p.noteForeign(target, n.Rhs, i)
			} else {
				p.noteChanging(target)
			}
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if n.Type == nil {
				p.noteForeign(name, n.Values, i)
			}
		}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			p.noteChanging(n.Key)
			p.noteChanging(n.Value)
		}
	case *ast.ForStmt:
		// The variable of a loop is a new one in each iteration since Go 1.22,
		// whatever its post statement does, and package runtime needs a later Go.
		p.posts[n.Post] = true
	case *ast.IncDecStmt:
		if !p.posts[n] {
			p.noteChanging(n.X)
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			p.noteChanging(n.X)
		}
	}
}

// collectEmbedded notes embedded primitives, whose fields have no name of
// their own in the source.
func (p *packageInfo) collectEmbedded(n *ast.StructType) {
	t, ok := p.pass.TypesInfo.TypeOf(n).(*types.Struct)
	if !ok {
		return
	}
	for i := range t.NumFields() {
		if f := t.Field(i); f.Embedded() && primitive(f.Type()) != "" && !p.keep(f.Pos()) {
			p.values[f] = true
		}
	}
}

func (p *packageInfo) noteForeign(target ast.Expr, values []ast.Expr, i int) {
	id := identOf(target)
	if id == nil || len(values) == 0 {
		return
	}
	value := values[min(i, len(values)-1)]
	if isChannel(p.pass.TypesInfo.TypeOf(id)) && p.isForeign(value) {
		p.foreign[p.pass.TypesInfo.ObjectOf(id)] = true
	}
}

func (p *packageInfo) noteChanging(e ast.Expr) {
	if id := identOf(e); id != nil {
		p.changing[p.pass.TypesInfo.ObjectOf(id)] = true
	}
}

func identOf(e ast.Expr) *ast.Ident {
	if e == nil {
		return nil
	}
	id, _ := ast.Unparen(e).(*ast.Ident)
	return id
}

func isChannel(t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Chan)
	return ok
}

// primitive returns the name of a type of package sync that is rewritten, when
// t is that type by value; "" otherwise.
func primitive(t types.Type) string {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != "sync" {
		return ""
	}
	switch name := named.Obj().Name(); name {
	case "Mutex", "RWMutex", "WaitGroup", "Once", "Cond":
		return name
	}
	return ""
}

// isForeign reports whether a channel comes from another package: the result of
// a function there, or a field of a type there. Those that are rewritten
// themselves (time.After, the C of timers) do not count.
func (p *packageInfo) isForeign(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return p.foreign[p.pass.TypesInfo.ObjectOf(e)]
	case *ast.CallExpr:
		switch fun := ast.Unparen(e.Fun).(type) {
		case *ast.SelectorExpr:
			return p.isForeignObject(p.pass.TypesInfo.Uses[fun.Sel])
		case *ast.Ident:
			return p.isForeignObject(p.pass.TypesInfo.Uses[fun])
		}
	case *ast.SelectorExpr:
		return p.isForeignObject(p.pass.TypesInfo.Uses[e.Sel])
	case *ast.IndexExpr:
		return p.isForeign(e.X)
	}
	return false
}

func (p *packageInfo) isForeignObject(o types.Object) bool {
	if o == nil || o.Pkg() == nil || o.Pkg() == p.pass.Pkg {
		return false
	}
	switch o.Pkg().Path() {
	case "time", runtimePath:
		return false
	}
	return true
}
