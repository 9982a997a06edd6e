package catalogue

import (
	"go/ast"
	"go/types"
	"iter"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// reach is the graph of what mentions what. A node is the full name of a function, of a
// variable of a package, or of a method by its name alone, which stands for a call
// through an interface.
type reach struct {
	mentions  map[string]map[string]bool
	scenarios map[string]string // the nodes of their functions, by name
}

func newReach() *reach {
	return &reach{mentions: make(map[string]map[string]bool), scenarios: make(map[string]string)}
}

func (r *reach) add(from, to string) {
	if r.mentions[from] == nil {
		r.mentions[from] = make(map[string]bool)
	}
	r.mentions[from][to] = true
}

// mention takes note that a node mentions an object. A method is also what a call through
// an interface may mean.
func (r *reach) mention(from string, object types.Object) {
	switch o := object.(type) {
	case *types.Func:
		o = o.Origin()
		if s := o.Signature(); s.Recv() != nil && types.IsInterface(s.Recv().Type()) {
			r.add(from, anyMethod(o))
			return
		}
		r.add(from, o.FullName())
	case *types.Var:
		if o.Pkg() != nil && o.Parent() == o.Pkg().Scope() {
			r.add(from, variable(o))
		}
	}
}

// anyMethod stands for all methods that a call through an interface may mean. Only those
// of its own package have the unexported names of an interface.
func anyMethod(f *types.Func) string {
	if f.Exported() || f.Pkg() == nil {
		return "interface." + f.Name()
	}
	return "interface." + f.Pkg().Path() + "." + f.Name()
}

func variable(v *types.Var) string { return v.Pkg().Path() + "." + v.Name() }

// declare takes note of a method, for calls through interfaces.
func (r *reach) declare(object types.Object) {
	if f, ok := object.(*types.Func); ok && f.Signature().Recv() != nil {
		r.add(anyMethod(f), f.FullName())
	}
}

// byNode returns for each node the scenarios that reach it, sorted.
func (r *reach) byNode() map[string][]string {
	reached := make(map[string][]string)
	for name, root := range r.scenarios {
		seen := map[string]bool{root: true}
		for todo := []string{root}; len(todo) > 0; {
			node := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			reached[node] = append(reached[node], name)
			for next := range r.mentions[node] {
				if !seen[next] {
					seen[next] = true
					todo = append(todo, next)
				}
			}
		}
	}
	for _, names := range reached {
		slices.Sort(names)
	}
	return reached
}

// nodesOf yields the functions and variables of a declaration, each with its source.
func nodesOf(p *packages.Package, declaration ast.Decl) iter.Seq2[string, ast.Node] {
	return func(yield func(string, ast.Node) bool) {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if f, ok := p.TypesInfo.Defs[d.Name].(*types.Func); ok && d.Body != nil {
				yield(f.FullName(), d.Body)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				s, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				for _, name := range s.Names {
					if v, ok := p.TypesInfo.Defs[name].(*types.Var); ok && !yield(variable(v), s) {
						return
					}
				}
			}
		}
	}
}

// shortName cuts the folders from the import path in a full name: "(*a/b.T).M" becomes
// "b.(*T).M".
func shortName(name string) string {
	receiver, method, ok := strings.Cut(name, ").")
	if !ok {
		return path.Base(name)
	}
	pointer := ""
	receiver = strings.TrimPrefix(receiver, "(")
	if inner, ok := strings.CutPrefix(receiver, "*"); ok {
		pointer, receiver = "*", inner
	}
	name, receiver, _ = strings.Cut(path.Base(receiver), ".")
	return name + ".(" + pointer + receiver + ")." + method
}
