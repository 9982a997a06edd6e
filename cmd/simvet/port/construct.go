package port

import (
	"go/ast"
	"go/types"
	"strings"
)

// literal adds the primitives of a struct to its composite literal: their zero
// values do not work.
func (r *rewriter) literal(n *ast.CompositeLit) bool {
	t := r.pass.TypesInfo.TypeOf(n)
	if name := primitive(t); name != "" {
		r.construct(n, name)
		return false
	}
	structure, ok := t.Underlying().(*types.Struct)
	if !ok {
		return true
	}
	given := make(map[string]bool)
	for _, element := range n.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			return true // without keys every field is given, a primitive by a value of its own
		}
		given[pair.Key.(*ast.Ident).Name] = true
	}
	var missing, byHand []string
	for i := range structure.NumFields() {
		f := structure.Field(i)
		switch name := primitive(f.Type()); {
		case given[f.Name()]:
		case r.values[f] && name != "Cond":
			missing = append(missing, f.Name()+": %.New"+name+"()")
		default:
			for _, inner := range r.zeros(f.Type()) {
				byHand = append(byHand, f.Name()+inner)
			}
		}
	}
	if len(byHand) > 0 {
		r.mark(n, "construct "+strings.Join(byHand, ", ")+" as well")
	}
	r.addElements(n, missing)
	return true
}

// addElements writes "name: rt.NewX()" into a literal.
func (r *rewriter) addElements(n *ast.CompositeLit, elements []string) {
	if len(elements) == 0 {
		return
	}
	rt, ok := r.reach(n.Pos())
	if !ok {
		r.noRuntime(n, "construct "+strings.ReplaceAll(strings.Join(elements, ", "), "%", "rt"))
		return
	}
	text := strings.ReplaceAll(strings.Join(elements, ", "), "%", rt)
	if len(n.Elts) == 0 {
		r.insert(n.Rbrace, text)
		return
	}
	last := n.Elts[len(n.Elts)-1]
	tokens := r.pass.Fset.File(n.Pos())
	if tokens.Line(last.End()) == tokens.Line(n.Rbrace) {
		r.insert(last.End(), ", "+text)
		return
	}
	r.insert(n.Rbrace, strings.ReplaceAll(strings.Join(elements, ",\n"), "%", rt)+",\n")
}

// zeros lists the primitives in a zero value of a type, as ".a.b"; a primitive
// itself is "".
func (p *packageInfo) zeros(t types.Type) []string {
	if primitive(t) != "" {
		return []string{""}
	}
	var all []string
	switch u := t.Underlying().(type) {
	case *types.Array:
		for _, inner := range p.zeros(u.Elem()) {
			all = append(all, "[i]"+inner)
		}
	case *types.Struct:
		if named, ok := types.Unalias(t).(*types.Named); ok && named.Obj().Pkg() != p.pass.Pkg {
			return nil
		}
		for f := range u.Fields() {
			if primitive(f.Type()) != "" && !p.values[f] {
				continue
			}
			for _, inner := range p.zeros(f.Type()) {
				all = append(all, "."+f.Name()+inner)
			}
		}
	}
	return all
}

// markZero marks a zero value of a struct of ours that holds primitives.
func (r *rewriter) markZero(n ast.Node, t types.Type) {
	if primitive(t) != "" {
		return
	}
	if zeros := r.zeros(t); len(zeros) > 0 {
		for i := range zeros {
			zeros[i] = strings.TrimPrefix(zeros[i], ".")
		}
		r.mark(n, "a zero value: construct "+strings.Join(zeros, ", "))
	}
}
