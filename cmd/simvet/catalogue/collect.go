package catalogue

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// Found is what Collect has found.
type Found struct {
	Catalogue sweep.Catalogue
	// Unknown are the places of assertions whose ids are not constants.
	Unknown []sim.Assertion
}

const (
	modulePath  = "github.com/tidemarkdb/tidemark"
	runtimePath = modulePath + "/runtime"
	simPath     = modulePath + "/sim"
)

// asserts is what a method asserts, and the place of the id among its arguments.
type asserts struct {
	kind runtime.AssertionKind
	id   int
}

// asserting are the methods that assert.
var asserting = map[string]asserts{
	"(*" + runtimePath + ".Runtime).Always":              {runtime.KindAlways, 1},
	"(*" + runtimePath + ".Runtime).AlwaysOrUnreachable": {runtime.KindAlwaysOrUnreachable, 1},
	"(*" + runtimePath + ".Runtime).Sometimes":           {runtime.KindSometimes, 1},
	"(*" + runtimePath + ".Runtime).Reachable":           {runtime.KindReachable, 0},
	"(*" + runtimePath + ".Runtime).Unreachable":         {runtime.KindUnreachable, 0},
	"(*" + simPath + ".World).Eventually":                {runtime.KindAlways, 0},
}

// Collect collects the assertions of packages, and of those in the same module that they
// import. The patterns are those of the go command, run in a folder.
func Collect(folder string, patterns ...string) (*Found, error) {
	own, err := withImports(folder, patterns)
	if err != nil {
		return nil, err
	}
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.LoadSyntax | packages.NeedModule, Dir: folder,
	}, own...)
	if err != nil {
		return nil, err
	}
	c := &collector{reach: newReach(), places: make(map[place]bool)}
	for _, p := range loaded {
		if len(p.Errors) > 0 {
			return nil, p.Errors[0]
		}
		for _, file := range p.Syntax {
			c.file(p, file)
		}
	}
	return c.found(), nil
}

// withImports returns the import paths of the packages and of those in their module that
// they need.
func withImports(folder string, patterns []string) ([]string, error) {
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedImports | packages.NeedDeps | packages.NeedModule, Dir: folder,
	}, patterns...)
	if err != nil {
		return nil, err
	}
	var own []string
	var bad error
	packages.Visit(loaded, nil, func(p *packages.Package) {
		if len(p.Errors) > 0 {
			bad = errors.Join(bad, p.Errors[0])
		}
		if p.Module != nil && p.Module.Main && p.PkgPath != runtimePath && p.PkgPath != simPath {
			own = append(own, p.PkgPath)
		}
	})
	slices.Sort(own)
	return own, bad
}

// place is a use of an assertion.
type place struct {
	sim.Assertion
	isConstant bool
	node       string // the function in the graph
}

// collector goes through the source.
type collector struct {
	reach  *reach
	places map[place]bool
}

func (c *collector) file(p *packages.Package, file *ast.File) {
	name := relative(p, p.Fset.Position(file.FileStart).Filename)
	for _, declaration := range file.Decls {
		if d, ok := declaration.(*ast.FuncDecl); ok {
			c.reach.declare(p.TypesInfo.Defs[d.Name])
		}
		for node, body := range nodesOf(p, declaration) {
			ast.Inspect(body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					c.reach.mention(node, p.TypesInfo.Uses[n])
				case *ast.CallExpr:
					c.call(p, node, name, n)
				case *ast.KeyValueExpr:
					c.scenario(p, node, n.Key, n.Value)
				case *ast.AssignStmt:
					for i := range min(len(n.Lhs), len(n.Rhs)) {
						c.scenario(p, node, n.Lhs[i], n.Rhs[i])
					}
				}
				return true
			})
		}
	}
}

// call takes note of an assertion.
func (c *collector) call(p *packages.Package, node, file string, call *ast.CallExpr) {
	selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return
	}
	method, ok := p.TypesInfo.Uses[selector.Sel].(*types.Func)
	if !ok {
		return
	}
	a, ok := assertionOf(method)
	if !ok || a.id >= len(call.Args) {
		return
	}
	found := place{sim.Assertion{Kind: a.kind, Function: shortName(node), File: file}, false, node}
	if id := p.TypesInfo.Types[call.Args[a.id]].Value; id != nil && id.Kind() == constant.String {
		found.ID, found.isConstant = constant.StringVal(id), true
	} else {
		found.ID = types.ExprString(call.Args[a.id])
	}
	c.places[found] = true
}

// assertionOf returns what a method asserts. One of an interface that has the name of one
// that does, and a text where that has its id, is taken for it.
func assertionOf(method *types.Func) (a asserts, ok bool) {
	if a, ok = asserting[method.FullName()]; ok {
		return a, true
	}
	signature := method.Signature()
	if signature.Recv() == nil || !types.IsInterface(signature.Recv().Type()) {
		return a, false
	}
	for name, a := range asserting {
		if strings.HasSuffix(name, ")."+method.Name()) && a.id < signature.Params().Len() &&
			types.Identical(signature.Params().At(a.id).Type(), types.Typ[types.String]) {
			return a, true
		}
	}
	return a, false
}

// scenario takes note of a function that names a scenario.
func (c *collector) scenario(p *packages.Package, node string, field, value ast.Expr) {
	switch f := field.(type) {
	case *ast.SelectorExpr:
		field = f.Sel
	case *ast.Ident:
	default:
		return
	}
	v, ok := p.TypesInfo.Uses[field.(*ast.Ident)].(*types.Var)
	name := p.TypesInfo.Types[value].Value
	if ok && v.IsField() && v.Name() == "Name" && v.Pkg() != nil && v.Pkg().Path() == simPath &&
		name != nil && name.Kind() == constant.String {
		c.reach.scenarios[constant.StringVal(name)] = node
	}
}

// found puts everything together.
func (c *collector) found() *Found {
	f := &Found{}
	reached := c.reach.byNode()
	for p := range c.places {
		if !p.isConstant {
			f.Unknown = append(f.Unknown, p.Assertion)
			continue
		}
		f.Catalogue = append(f.Catalogue, sweep.Entry{Assertion: p.Assertion, Scenarios: reached[p.node]})
	}
	slices.SortFunc(f.Unknown, sweep.CompareAssertions)
	slices.SortFunc(f.Catalogue, func(a, b sweep.Entry) int { return sweep.CompareAssertions(a.Assertion, b.Assertion) })
	return f
}

// String returns the text of the catalogue; ids that are not constants are comments.
func (f *Found) String() string {
	var b strings.Builder
	b.WriteString("# Made by \"simvet catalogue\": kind, id, function, file, scenarios that may come to it.\n")
	b.WriteString(f.Catalogue.String())
	for _, a := range f.Unknown {
		fmt.Fprintf(&b, "# not constant: %s\t%s\t%s\t%s\n", a.Kind, a.ID, a.Function, a.File)
	}
	return b.String()
}

// Conflicts returns a line for each id that is used with two kinds.
func (f *Found) Conflicts() []string {
	var all []string
	first := make(map[string]sim.Assertion)
	for _, e := range f.Catalogue {
		other, known := first[e.ID]
		if !known {
			first[e.ID] = e.Assertion
		} else if other.Kind != e.Kind {
			all = append(all, fmt.Sprintf("%s is %s in %s (%s), and %s in %s (%s)",
				e.ID, other.Kind, other.Function, other.File, e.Kind, e.Function, e.File))
		}
	}
	return slices.Compact(all)
}

// relative returns the name of a file as seen from the folder of its module.
func relative(p *packages.Package, file string) string {
	name, err := filepath.Rel(p.Module.Dir, file)
	if err != nil {
		return path.Base(filepath.ToSlash(file))
	}
	return filepath.ToSlash(name)
}
