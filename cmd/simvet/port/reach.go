package port

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// scopeAt returns the innermost scope around a place.
func (r *rewriter) scopeAt(pos token.Pos) *types.Scope {
	if scope := r.pass.TypesInfo.Scopes[r.file].Innermost(pos); scope != nil {
		return scope
	}
	return r.pass.TypesInfo.Scopes[r.file]
}

// visible returns the variables of the functions around a place, the innermost
// first.
func (r *rewriter) visible(pos token.Pos) []*types.Var {
	var all []*types.Var
	for scope := r.scopeAt(pos); scope != nil && scope != r.pass.Pkg.Scope(); scope = scope.Parent() {
		var here []*types.Var
		for _, name := range scope.Names() {
			v, ok := scope.Lookup(name).(*types.Var)
			if !ok {
				continue
			}
			if _, found := r.scopeAt(pos).LookupParent(name, pos); found == v {
				here = append(here, v)
			}
		}
		slices.SortFunc(here, func(a, b *types.Var) int { return int(a.Pos() - b.Pos()) })
		all = append(all, here...)
	}
	return all
}

// reach returns the text of a *runtime.Runtime at a place.
func (r *rewriter) reach(pos token.Pos) (string, bool) {
	visible := r.visible(pos)
	for depth := range 4 {
		for _, v := range visible {
			if path, ok := r.fieldPath(v.Type(), depth, isRuntime); ok {
				return strings.Join(append([]string{v.Name()}, path...), "."), true
			}
		}
	}
	return "", false
}

// reachContext returns a context.Context at a place, context.Background() if
// there is no variable of that type. It is false if not even that has a name.
func (r *rewriter) reachContext(pos token.Pos) (string, bool) {
	for _, v := range r.visible(pos) {
		if isContext(v.Type()) && v.Name() != "_" {
			return v.Name(), true
		}
	}
	return r.background(pos)
}

func (r *rewriter) background(pos token.Pos) (string, bool) {
	name, ok := r.contextPackage(pos)
	return name + ".Background()", ok
}

// fieldPath finds a value of a type that many fields deep in another.
func (p *packageInfo) fieldPath(t types.Type, depth int, wanted func(types.Type) bool) ([]string, bool) {
	if depth == 0 {
		return nil, wanted(t)
	}
	if pointer, ok := t.Underlying().(*types.Pointer); ok {
		t = pointer.Elem()
	}
	structure, ok := t.Underlying().(*types.Struct)
	if !ok {
		return nil, false
	}
	for i := range structure.NumFields() {
		f := structure.Field(i)
		if !f.Exported() && f.Pkg() != p.pass.Pkg {
			continue
		}
		if path, ok := p.fieldPath(f.Type(), depth-1, wanted); ok {
			return append([]string{f.Name()}, path...), true
		}
	}
	return nil, false
}

func isRuntime(t types.Type) bool {
	pointer, ok := t.(*types.Pointer)
	if !ok {
		return false
	}
	named, ok := types.Unalias(pointer.Elem()).(*types.Named)
	return ok && named.Obj().Name() == "Runtime" && named.Obj().Pkg().Path() == runtimePath
}

func isContext(t types.Type) bool { return t != nil && t.String() == "context.Context" }

// fresh returns a name that the function around a place does not use yet.
func (r *rewriter) fresh(pos token.Pos, names ...string) string {
	used := maps.Clone(r.taken)
	for _, declaration := range r.file.Decls {
		if declaration.Pos() <= pos && pos < declaration.End() {
			ast.Inspect(declaration, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					used[id.Name] = true
				}
				return true
			})
		}
	}
	for _, name := range names {
		if _, taken := r.pass.TypesInfo.Scopes[r.file].LookupParent(name, token.NoPos); taken == nil && !used[name] {
			return name
		}
	}
	return r.fresh(pos, names[len(names)-1]+"2")
}
