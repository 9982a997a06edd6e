package port

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// selection is a select statement taken apart.
type selection struct {
	n        *ast.SelectStmt
	arms     []*ast.CommClause // sends and receives
	ctx      *ast.CommClause   // case <-ctx.Done()
	ctxExpr  ast.Expr
	fallback *ast.CommClause // default
}

// selectStatement rewrites a select as a switch on what happened, so that
// break, labels and the bodies stay as they are.
func (r *rewriter) selectStatement(n *ast.SelectStmt) bool {
	s := selection{n: n}
	foreign := false
	for _, statement := range n.Body.List {
		clause := statement.(*ast.CommClause)
		switch channel := channelOf(clause.Comm); {
		case clause.Comm == nil:
			s.fallback = clause
		case s.ctx == nil && r.isDoneCase(clause.Comm):
			s.ctx, s.ctxExpr = clause, r.doneOf(channel)
		default:
			s.arms = append(s.arms, clause)
			foreign = foreign || r.isForeign(channel)
		}
	}
	home, known := r.runtimePackage(n.Pos())
	background, ok := "", true
	if s.ctx == nil && s.fallback == nil {
		background, ok = r.background(n.Pos())
	}
	switch {
	case foreign:
		r.leaveSelect(n, "a channel of another package in a select: it stays native, see rt.External")
	case !known || !ok:
		r.leaveSelect(n, "a package's name is taken here: use Select2..Select4 of package runtime")
	case len(s.arms) > 4:
		r.leaveSelect(n, "more than four cases: split the select, or use fewer channels")
	case len(s.arms) == 0 && s.ctx != nil && s.fallback != nil:
		r.pollContext(s)
	case len(s.arms) == 0:
		r.leaveSelect(n, "it waits for nothing of ours: give ctx to an operation, or end the task")
	case s.ctx != nil && s.fallback != nil:
		r.leaveSelect(n, "both a ctx.Done() and a default: look at ctx.Err() first, then use TrySelect")
	case len(s.arms) == 1 && s.fallback != nil:
		r.try(s)
	case len(s.arms) == 1:
		r.wait(s, home, background)
	default:
		r.selectMany(s, home, background)
	}
	return false
}

func channelOf(comm ast.Stmt) ast.Expr {
	switch comm := comm.(type) {
	case *ast.SendStmt:
		return comm.Chan
	case *ast.ExprStmt:
		return receiveOf(comm.X).X
	case *ast.AssignStmt:
		return receiveOf(comm.Rhs[0]).X
	}
	return nil
}

func (r *rewriter) isDoneCase(comm ast.Stmt) bool {
	_, plain := comm.(*ast.ExprStmt)
	return plain && r.doneOf(channelOf(comm)) != nil
}

// leaveSelect leaves the cases, and rewrites the bodies.
func (r *rewriter) leaveSelect(n *ast.SelectStmt, text string) {
	r.mark(n, text)
	for _, clause := range n.Body.List {
		r.walkAll(clause.(*ast.CommClause).Body)
	}
}

// head replaces "select {".
func (r *rewriter) head(s selection, text string) {
	r.replace(s.n.Pos(), s.n.Body.Lbrace+1, text+" {")
}

// clause replaces "case ...:" and adds statements before the body.
func (r *rewriter) clause(c *ast.CommClause, head, before string) {
	if before != "" {
		before = "\n" + before
	}
	r.replace(c.Pos(), c.Colon+1, head+":"+before)
	r.walkAll(c.Body)
}

// pollContext: a select of ctx.Done() and default.
func (r *rewriter) pollContext(s selection) {
	r.head(s, "switch")
	r.clause(s.ctx, "case "+r.text(s.ctxExpr)+".Err() != nil", "")
	r.walkAll(s.fallback.Body)
}

// try: a select of one operation and default.
func (r *rewriter) try(s selection) {
	arm := s.arms[0]
	if send, ok := arm.Comm.(*ast.SendStmt); ok {
		r.head(s, "switch")
		r.clause(arm, "case "+r.primary(send.Chan)+".TrySend("+r.text(send.Value)+")", "")
		r.walkAll(s.fallback.Body)
		return
	}
	received := r.fresh(arm.Pos(), "received", "receivedOne")
	failure := r.fresh(arm.Pos(), "err", "recvErr")
	value, before := r.bind(arm, "", failure+" == nil")
	r.head(s, fmt.Sprintf("switch %s, %s, %s := %s.TryRecv();", value, received, failure, r.primary(channelOf(arm.Comm))))
	r.clause(arm, "case "+received+" || "+failure+" != nil", before)
	r.walkAll(s.fallback.Body)
}

// wait: a select of one operation, and perhaps ctx.Done().
func (r *rewriter) wait(s selection, home, ctx string) {
	arm := s.arms[0]
	if s.ctx != nil {
		ctx = r.text(s.ctxExpr)
	}
	failure := r.fresh(arm.Pos(), "err", "waitErr")
	happened, before := "case nil", ""
	if send, ok := arm.Comm.(*ast.SendStmt); ok {
		r.head(s, fmt.Sprintf("switch %s := %s.Send(%s, %s); %[1]s", failure, r.primary(send.Chan), ctx, r.text(send.Value)))
	} else {
		var value string
		value, before = r.bind(arm, "", failure+" == nil")
		happened = "case nil, " + home + ".ErrClosed"
		r.head(s, fmt.Sprintf("switch %s, %s := %s.Recv(%s); %[2]s", value, failure, r.primary(channelOf(arm.Comm)), ctx))
	}
	if s.ctx == nil {
		r.clause(arm, "default", before)
		return
	}
	r.clause(arm, happened, before)
	r.clause(s.ctx, "default", "")
}

// selectMany: Select2..Select4, or TrySelect2..TrySelect4 with default.
func (r *rewriter) selectMany(s selection, home, ctx string) {
	if s.ctx != nil {
		ctx = r.text(s.ctxExpr)
	}
	var arms []string
	for _, arm := range s.arms {
		if send, ok := arm.Comm.(*ast.SendStmt); ok {
			arms = append(arms, r.primary(send.Chan)+".SendArm("+r.text(send.Value)+")")
			continue
		}
		arms = append(arms, r.primary(channelOf(arm.Comm))+".RecvArm()")
	}
	selected := r.fresh(s.n.Pos(), "selected", "happened")
	function, arguments := fmt.Sprintf("Select%d", len(arms)), ctx+", "+strings.Join(arms, ", ")
	if s.fallback != nil {
		function, arguments = "Try"+function, strings.Join(arms, ", ")
	}
	r.head(s, fmt.Sprintf("switch %s, _ := %s.%s(%s); %[1]s.Index", selected, home, function, arguments))
	last := s.ctx == nil && s.fallback == nil && allTerminate(s.arms)
	for i, arm := range s.arms {
		head := fmt.Sprintf("case %d", i)
		if last && i == len(s.arms)-1 {
			head = "default"
		}
		_, before := r.bind(arm, fmt.Sprintf("%s.V%d", selected, i), selected+".OK")
		r.clause(arm, head, before)
	}
	if s.ctx != nil {
		r.clause(s.ctx, "default", "")
	}
	if s.fallback != nil {
		r.walkAll(s.fallback.Body)
	}
}

// bind returns the name under which a case receives, and the statement that
// gives the variables of the case their values. If value is empty, the header
// of the switch defines the name.
func (r *rewriter) bind(arm *ast.CommClause, value, ok string) (name, before string) {
	assign, isAssign := arm.Comm.(*ast.AssignStmt)
	if !isAssign {
		return "_", ""
	}
	inHeader := value == ""
	if inHeader {
		value = r.fresh(arm.Pos(), "item", "receivedItem")
		if id := identOf(assign.Lhs[0]); assign.Tok == token.DEFINE && id != nil {
			value = id.Name
		}
	}
	var targets, values []string
	for i, target := range assign.Lhs {
		if isBlank(target) {
			if inHeader && i == 0 {
				value = "_"
			}
			continue
		}
		if text := r.text(target); i == 0 && text != value {
			targets, values = append(targets, text), append(values, value)
		} else if i == 1 {
			targets, values = append(targets, text), append(values, ok)
		}
	}
	if len(targets) > 0 {
		before = strings.Join(targets, ", ") + " " + assign.Tok.String() + " " + strings.Join(values, ", ")
	}
	return value, before
}

func allTerminate(arms []*ast.CommClause) bool {
	for _, arm := range arms {
		if !terminates(arm.Body) || breaks(arm) {
			return false
		}
	}
	return true
}
