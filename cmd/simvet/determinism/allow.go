package determinism

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// allow is one suppression: it covers whole lines of one file.
type allow struct {
	pos         token.Pos
	rules       []string
	used        bool
	problem     string
	file        *token.File
	first, last int // lines
}

const allowPrefix = "//sim:allow"

// rules are the names that a suppression may use.
var rules = []string{
	"go", "chan", "select", "native-lock", "clock", "context", "rand", "map-range", "map-keys", "address", "hash", "os",
	"net", "goruntime", "port",
}

// allowsOf returns the suppressions of a file.
func allowsOf(fset *token.FileSet, file *ast.File) []*allow {
	tokens := fset.File(file.FileStart)
	documented := declarations(file)
	var all []*allow
	for _, group := range file.Comments {
		for _, comment := range group.List {
			text, ok := strings.CutPrefix(comment.Text, allowPrefix)
			if !ok {
				continue
			}
			a := parseAllow(text)
			a.pos, a.file = comment.Pos(), tokens
			a.first = tokens.Line(comment.Pos())
			a.last = tokens.Line(group.End()) + 1 // the line below, when nothing stands before it
			if declaration := documented[group]; declaration != nil {
				a.last = tokens.Line(declaration.End())
			}
			all = append(all, a)
		}
	}
	trim(fset, file, all)
	return all
}

// trim takes the line below from suppressions at the end of a line.
func trim(fset *token.FileSet, file *ast.File, all []*allow) {
	trailing := make(map[int]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.File, *ast.Comment, *ast.CommentGroup:
			return true
		}
		trailing[fset.Position(n.Pos()).Line] = true
		trailing[fset.Position(n.End()).Line] = true
		return true
	})
	for _, a := range all {
		if trailing[a.first] {
			a.last = a.first
		}
	}
}

// declarations finds what the comments above declarations belong to.
func declarations(file *ast.File) map[*ast.CommentGroup]ast.Node {
	found := make(map[*ast.CommentGroup]ast.Node)
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			found[d.Doc] = d
		case *ast.GenDecl:
			found[d.Doc] = d
		}
	}
	delete(found, nil)
	return found
}

// parseAllow reads "<rule>[, <rule>...] because <reason>".
func parseAllow(text string) *allow {
	text, _, _ = strings.Cut(text, "//") // a comment on the comment
	names, reason, hasReason := strings.Cut(text, " because ")
	a := &allow{}
	for name := range strings.SplitSeq(names, ",") {
		name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
		switch {
		case name == "" || name == "because":
			a.problem = "it names no rule"
		case !slices.Contains(rules, name):
			a.problem = fmt.Sprintf("there is no rule %q; the rules are %s", name, strings.Join(rules, ", "))
		default:
			a.rules = append(a.rules, name)
		}
	}
	if a.problem == "" && (!hasReason || strings.TrimSpace(reason) == "") {
		a.problem = "it gives no reason"
	}
	return a
}

// suppressed reports whether a finding is allowed, and notes which suppression
// was of use. One without a reason suppresses as well: it is reported itself.
func (c *checker) suppressed(rule string, pos token.Pos) bool {
	found := false
	for _, a := range c.allows {
		if a.covers(c.pass.Fset, pos) && slices.Contains(a.rules, rule) {
			a.used, found = true, true
		}
	}
	return found
}

// covered reports whether a suppression of one of the rules covers a place.
func (c *checker) covered(pos token.Pos, rules []string) bool {
	for _, a := range c.allows {
		if a.covers(c.pass.Fset, pos) {
			for _, rule := range a.rules {
				if slices.Contains(rules, rule) {
					return true
				}
			}
		}
	}
	return false
}

func (a *allow) covers(fset *token.FileSet, pos token.Pos) bool {
	file := fset.File(pos)
	if file != a.file {
		return false
	}
	line := file.Line(pos)
	return a.first <= line && line <= a.last
}

// badAllows reports suppressions that are wrong or of no use.
func (c *checker) badAllows() []finding {
	var bad []finding
	for _, a := range c.allows {
		switch {
		case a.problem != "":
			message := "write //sim:allow <rule> because <reason>: " + a.problem
			bad = append(bad, finding{rule: "allow", pos: a.pos, message: message})
		case !a.used:
			message := "unused suppression of " + strings.Join(a.rules, ", ") + ": remove it"
			bad = append(bad, finding{rule: "allow", pos: a.pos, message: message})
		}
	}
	return bad
}
