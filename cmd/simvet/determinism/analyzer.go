package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/tidemarkdb/tidemark/cmd/simvet/port"
)

// Analyzer reports direct nondeterminism in packages that opt in.
var Analyzer = &analysis.Analyzer{
	Name: "determinism",
	Doc: "report direct nondeterminism in packages that say //sim:deterministic\n\n" +
		"A finding says what of package runtime to use instead. Suppress it with\n" +
		"//sim:allow <rule> because <reason>.",
	URL: "https://pkg.go.dev/github.com/tidemarkdb/tidemark/cmd/simvet/determinism",
	Run: run,
}

// Marker is the line with which a package, or a test file, opts in.
const Marker = "//sim:deterministic"

// portable are the rules whose findings the rewriting takes care of.
var portable = []string{"go", "chan", "select", "native-lock", "clock", "context"}

// checker looks at the files of one package.
type checker struct {
	pass     *analysis.Pass
	allows   []*allow
	findings []finding
	wrapped  map[ast.Node]bool       // parts of something reported as a whole, keys that are sorted
	after    map[ast.Stmt][]ast.Stmt // the statements that follow a range
}

// finding is a diagnostic that may yet be suppressed.
type finding struct {
	rule    string
	pos     token.Pos
	message string
	fixes   []analysis.SuggestedFix
}

func run(pass *analysis.Pass) (any, error) {
	files := optedIn(pass)
	if len(files) == 0 {
		return nil, nil
	}
	c := &checker{pass: pass, wrapped: make(map[ast.Node]bool), after: make(map[ast.Stmt][]ast.Stmt)}
	for _, file := range files {
		c.allows = append(c.allows, allowsOf(pass.Fset, file)...)
		c.checkMarks(file)
		ast.Inspect(file, c.check)
	}
	c.report(files)
	return nil, nil
}

// optedIn returns the files to look at.
func optedIn(pass *analysis.Pass) []*ast.File {
	var files, tests []*ast.File
	marked := false
	for _, file := range pass.Files {
		own := hasMarker(file)
		switch isTest := strings.HasSuffix(pass.Fset.File(file.FileStart).Name(), "_test.go"); {
		case isTest && own:
			tests = append(tests, file)
		case !isTest && !ast.IsGenerated(file):
			files = append(files, file)
			marked = marked || own
		}
	}
	if !marked {
		return tests
	}
	return append(files, tests...)
}

func hasMarker(file *ast.File) bool {
	for _, group := range file.Comments {
		if group.Pos() > file.Package {
			break
		}
		for _, comment := range group.List {
			if strings.TrimSpace(comment.Text) == Marker {
				return true
			}
		}
	}
	return false
}

func (c *checker) check(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		c.found("go", n.Pos(), "go statement: use rt.Go(ctx, name, fn), or a Group from rt.NewGroup(ctx)")
	case *ast.SelectStmt:
		c.found("select", n.Pos(), "select: use runtime.Select2..Select4(ctx, arms...); with default: TrySelect2..4")
		c.skipComms(n)
	case *ast.SendStmt, *ast.UnaryExpr, *ast.ChanType:
		c.checkChannel(n)
	case *ast.RangeStmt:
		c.checkRange(n)
	case *ast.CallExpr:
		if c.isExternal(n) {
			return false // what it calls is outside the simulation, and its answer is recorded
		}
		c.checkCall(n)
	case *ast.BlockStmt:
		c.checkSorting(n.List)
	case *ast.CaseClause:
		c.checkSorting(n.Body)
	case *ast.CommClause:
		c.checkSorting(n.Body)
	case *ast.SelectorExpr:
		c.checkMember(n)
	}
	return true
}

// isExternal reports whether a call is one of Runtime.External.
func (c *checker) isExternal(n *ast.CallExpr) bool {
	selector, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	method, ok := c.pass.TypesInfo.Uses[selector.Sel].(*types.Func)
	return ok && method.FullName() == "(*github.com/tidemarkdb/tidemark/runtime.Runtime).External"
}

func (c *checker) found(rule string, pos token.Pos, message string, fixes ...analysis.SuggestedFix) {
	c.findings = append(c.findings, finding{rule, pos, message, fixes})
}

// report tells what is not suppressed, and what is wrong with suppressions. The
// first finding that can be ported carries the rewriting of the whole package.
func (c *checker) report(files []*ast.File) {
	var left []finding
	for _, f := range c.findings {
		if !c.suppressed(f.rule, f.pos) {
			left = append(left, f)
		}
	}
	left = append(left, c.badAllows()...)
	slices.SortStableFunc(left, func(a, b finding) int { return int(a.pos - b.pos) })
	offered := false
	for _, f := range left {
		if !offered && len(f.fixes) == 0 && slices.Contains(portable, f.rule) {
			offered = true
			keep := func(pos token.Pos) bool { return c.covered(pos, portable) }
			if edits := port.Rewrite(c.pass, files, keep); len(edits) > 0 {
				fix := analysis.SuggestedFix{Message: "rewrite the package to package runtime", TextEdits: edits}
				f.fixes = append(f.fixes, fix)
			}
		}
		c.pass.Report(analysis.Diagnostic{
			Pos: f.pos, Category: f.rule, Message: f.message + " (" + f.rule + ")", SuggestedFixes: f.fixes,
		})
	}
}

// checkMarks reports the lines left for work by hand.
func (c *checker) checkMarks(file *ast.File) {
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if text, ok := strings.CutPrefix(comment.Text, port.Mark); ok {
				c.found("port", comment.Pos(), "by hand: "+strings.TrimSpace(text))
			}
		}
	}
}
