package port

import (
	"go/ast"
	"go/token"
)

// receiveOf returns the expression as a receive, or nil.
func receiveOf(e ast.Expr) *ast.UnaryExpr {
	if receive, ok := ast.Unparen(e).(*ast.UnaryExpr); ok && receive.Op == token.ARROW {
		return receive
	}
	return nil
}

// ours reports whether a channel becomes one of package runtime, and leaves a
// line where it does not.
func (r *rewriter) ours(n ast.Node, channel ast.Expr) bool {
	if r.isForeign(channel) {
		r.markForeign(n)
		return false
	}
	if _, ok := r.background(n.Pos()); !ok {
		r.mark(n, "the name context is taken here: write the operation with a ctx by hand")
		return false
	}
	return true
}

func (r *rewriter) markForeign(n ast.Node) {
	r.mark(n, "a channel of another package: it stays native, keep it out of the simulation, see rt.External")
}

// send: ch <- v becomes ch.Send(context.Background(), v).
func (r *rewriter) send(n *ast.SendStmt) bool {
	if !r.ours(n, n.Chan) {
		return true
	}
	background, _ := r.background(n.Pos())
	r.replace(n.Pos(), n.End(), r.primary(n.Chan)+".Send("+background+", "+r.text(n.Value)+")")
	return false
}

// received is the text of a receive: two values, the second an error.
func (r *rewriter) received(receive *ast.UnaryExpr) string {
	background, _ := r.background(receive.Pos())
	return r.primary(receive.X) + ".Recv(" + background + ")"
}

// bareReceive: <-ch as a statement.
func (r *rewriter) bareReceive(n *ast.UnaryExpr) bool {
	if ctx := r.doneOf(n.X); ctx != nil {
		home, ok := r.runtimePackage(n.Pos())
		if !ok {
			r.mark(n, "the name "+home+" is taken here: wait for ctx by hand")
			return false
		}
		// A nil channel is never ready: this waits for the end of ctx.
		r.replace(n.Pos(), n.End(), "(*"+home+".Chan[struct{}])(nil).Recv("+r.text(ctx)+")")
		return false
	}
	if !r.ours(n, n.X) {
		return false
	}
	r.replace(n.Pos(), n.End(), r.received(n))
	return false
}

// doneOf returns ctx of ctx.Done(), or nil.
func (r *rewriter) doneOf(e ast.Expr) ast.Expr {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		return nil
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "Done" || !isContext(r.pass.TypesInfo.TypeOf(selector.X)) {
		return nil
	}
	return selector.X
}

// assignment: v := <-ch becomes v, _ := ch.Recv(...), and v, ok := <-ch two
// statements, since ok is not what Recv returns.
func (r *rewriter) assignment(n *ast.AssignStmt) bool {
	if len(n.Rhs) != 1 || receiveOf(n.Rhs[0]) == nil {
		return true
	}
	receive := receiveOf(n.Rhs[0])
	if !r.ours(n, receive.X) {
		r.done[receive] = true
		return true
	}
	value, token := r.text(n.Lhs[0]), " "+n.Tok.String()+" "
	if len(n.Lhs) == 1 || isBlank(n.Lhs[1]) {
		r.replace(n.Pos(), n.End(), value+", _"+token+r.received(receive))
		return false
	}
	if !r.inBlock(n) {
		r.mark(n, "a receive with ok: use v, err := ch.Recv(ctx), and err == nil for ok")
		r.done[receive] = true
		return true
	}
	ok, failure := r.text(n.Lhs[1]), r.fresh(n.Pos(), "err", "recvErr")
	if token == " = " {
		item := r.fresh(n.Pos(), "item", "received")
		r.taken[item] = true
		r.replace(n.Pos(), n.End(), item+", "+failure+" := "+r.received(receive)+"\n"+
			value+", "+ok+" = "+item+", "+failure+" == nil")
		return false
	}
	r.replace(n.Pos(), n.End(), value+", "+failure+" := "+r.received(receive)+"\n"+ok+" := "+failure+" == nil")
	return false
}

// inBlock reports whether a statement stands in a list of statements.
func (r *rewriter) inBlock(n ast.Stmt) bool { return r.anchor(n) == n.Pos() }

// ifStatement: if v, ok := <-ch; ok becomes if v, err := ch.Recv(...); err == nil.
func (r *rewriter) ifStatement(n *ast.IfStmt) bool {
	init, ok := n.Init.(*ast.AssignStmt)
	if !ok || len(init.Lhs) != 2 || len(init.Rhs) != 1 || init.Tok != token.DEFINE {
		return true
	}
	receive := receiveOf(init.Rhs[0])
	if receive == nil || isBlank(init.Lhs[1]) || r.isForeign(receive.X) {
		return true
	}
	object := r.pass.TypesInfo.ObjectOf(identOf(init.Lhs[1]))
	failure := r.fresh(n.Pos(), "err", "recvErr")
	if _, ok := r.background(n.Pos()); !ok {
		return true
	}
	r.replace(init.Pos(), init.End(), r.text(init.Lhs[0])+", "+failure+" := "+r.received(receive))
	r.done[init] = true
	ast.Inspect(n, func(inner ast.Node) bool {
		switch e := inner.(type) {
		case *ast.UnaryExpr:
			if id := identOf(e.X); e.Op == token.NOT && id != nil && r.pass.TypesInfo.Uses[id] == object {
				r.replace(e.Pos(), e.End(), failure+" != nil")
				r.done[e] = true
				return false
			}
		case *ast.Ident:
			if r.pass.TypesInfo.Uses[e] == object {
				r.replace(e.Pos(), e.End(), failure+" == nil")
			}
		}
		return true
	})
	return true
}

// returnStatement: return <-ch needs a statement before; the return of a
// goroutine's function returns nil.
func (r *rewriter) returnStatement(n *ast.ReturnStmt) bool {
	if r.results[n] {
		r.insert(n.End(), " nil")
		return false
	}
	if len(n.Results) != 1 {
		return true
	}
	receive := receiveOf(n.Results[0])
	if receive == nil || !r.ours(n, receive.X) {
		return receive == nil
	}
	item := r.fresh(n.Pos(), "item", "received")
	r.taken[item] = true
	r.replace(n.Pos(), n.End(), item+", _ := "+r.received(receive)+"\nreturn "+item)
	return false
}

// rangeStatement: range ch becomes range ch.All(...).
func (r *rewriter) rangeStatement(n *ast.RangeStmt) bool {
	if !isChannel(r.pass.TypesInfo.TypeOf(n.X)) || !r.ours(n, n.X) {
		return true
	}
	background, _ := r.background(n.Pos())
	r.replace(n.X.Pos(), n.X.End(), r.primary(n.X)+".All("+background+")")
	r.walk(n.Body)
	return false
}

func isBlank(e ast.Expr) bool {
	id := identOf(e)
	return id != nil && id.Name == "_"
}
