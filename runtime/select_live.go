package runtime

import "context"

// cases returns the channels of a native select for one arm: the one that the
// arm does not use is nil, and so never chosen.
func (a *Arm[T]) cases() (send chan<- T, recv <-chan T) {
	switch {
	case a.c == nil:
	case a.send:
		send = a.c.native
	default:
		recv = a.c.source
	}
	return send, recv
}

// liveSelect2 has a statement of its own for each combination of sends and
// receives, because the cost of a native select grows with its cases.
func liveSelect2[A, B any](ctx context.Context, a Arm[A], b Arm[B]) (r Selected2[A, B], err error) {
	if a.c == nil && b.c == nil {
		return Selected2[A, B]{Index: armNone}, blockForEver(ctx)
	}
	done := ctx.Done()
	sendA, recvA := a.cases()
	sendB, recvB := b.cases()
	switch {
	case !a.send && !b.send:
		select {
		case r.V0, r.OK = <-recvA:
		case r.V1, r.OK = <-recvB:
			r.Index = 1
		case <-done:
			return Selected2[A, B]{Index: armNone}, ctx.Err()
		}
	case a.send && !b.send:
		select {
		case sendA <- a.v:
			r.OK = true
		case r.V1, r.OK = <-recvB:
			r.Index = 1
		case <-done:
			return Selected2[A, B]{Index: armNone}, ctx.Err()
		}
	case !a.send:
		select {
		case r.V0, r.OK = <-recvA:
		case sendB <- b.v:
			r.Index, r.OK = 1, true
		case <-done:
			return Selected2[A, B]{Index: armNone}, ctx.Err()
		}
	default:
		select {
		case sendA <- a.v:
			r.OK = true
		case sendB <- b.v:
			r.Index, r.OK = 1, true
		case <-done:
			return Selected2[A, B]{Index: armNone}, ctx.Err()
		}
	}
	return r, nil
}

func liveSelect3[A, B, C any](ctx context.Context, a Arm[A], b Arm[B], c Arm[C]) (r Selected3[A, B, C], err error) {
	if a.c == nil && b.c == nil && c.c == nil {
		return Selected3[A, B, C]{Index: armNone}, blockForEver(ctx)
	}
	sendA, recvA := a.cases()
	sendB, recvB := b.cases()
	sendC, recvC := c.cases()
	r.OK = true
	select {
	case sendA <- a.v:
	case r.V0, r.OK = <-recvA:
	case sendB <- b.v:
		r.Index = 1
	case r.V1, r.OK = <-recvB:
		r.Index = 1
	case sendC <- c.v:
		r.Index = 2
	case r.V2, r.OK = <-recvC:
		r.Index = 2
	case <-ctx.Done():
		return Selected3[A, B, C]{Index: armNone}, ctx.Err()
	}
	return r, nil
}

func liveSelect4[A, B, C, D any](
	ctx context.Context, a Arm[A], b Arm[B], c Arm[C], d Arm[D],
) (r Selected4[A, B, C, D], err error) {
	if a.c == nil && b.c == nil && c.c == nil && d.c == nil {
		return Selected4[A, B, C, D]{Index: armNone}, blockForEver(ctx)
	}
	sendA, recvA := a.cases()
	sendB, recvB := b.cases()
	sendC, recvC := c.cases()
	sendD, recvD := d.cases()
	r.OK = true
	select {
	case sendA <- a.v:
	case r.V0, r.OK = <-recvA:
	case sendB <- b.v:
		r.Index = 1
	case r.V1, r.OK = <-recvB:
		r.Index = 1
	case sendC <- c.v:
		r.Index = 2
	case r.V2, r.OK = <-recvC:
		r.Index = 2
	case sendD <- d.v:
		r.Index = 3
	case r.V3, r.OK = <-recvD:
		r.Index = 3
	case <-ctx.Done():
		return Selected4[A, B, C, D]{Index: armNone}, ctx.Err()
	}
	return r, nil
}

// The selects with a default case.
func liveTrySelect2[A, B any](a Arm[A], b Arm[B]) (r Selected2[A, B], ok bool) {
	sendA, recvA := a.cases()
	sendB, recvB := b.cases()
	r.OK = true
	select {
	case sendA <- a.v:
	case r.V0, r.OK = <-recvA:
	case sendB <- b.v:
		r.Index = 1
	case r.V1, r.OK = <-recvB:
		r.Index = 1
	default:
		return Selected2[A, B]{Index: armNone}, false
	}
	return r, true
}

func liveTrySelect3[A, B, C any](a Arm[A], b Arm[B], c Arm[C]) (r Selected3[A, B, C], ok bool) {
	sendA, recvA := a.cases()
	sendB, recvB := b.cases()
	sendC, recvC := c.cases()
	r.OK = true
	select {
	case sendA <- a.v:
	case r.V0, r.OK = <-recvA:
	case sendB <- b.v:
		r.Index = 1
	case r.V1, r.OK = <-recvB:
		r.Index = 1
	case sendC <- c.v:
		r.Index = 2
	case r.V2, r.OK = <-recvC:
		r.Index = 2
	default:
		return Selected3[A, B, C]{Index: armNone}, false
	}
	return r, true
}

func liveTrySelect4[A, B, C, D any](
	a Arm[A], b Arm[B], c Arm[C], d Arm[D],
) (r Selected4[A, B, C, D], ok bool) {
	sendA, recvA := a.cases()
	sendB, recvB := b.cases()
	sendC, recvC := c.cases()
	sendD, recvD := d.cases()
	r.OK = true
	select {
	case sendA <- a.v:
	case r.V0, r.OK = <-recvA:
	case sendB <- b.v:
		r.Index = 1
	case r.V1, r.OK = <-recvB:
		r.Index = 1
	case sendC <- c.v:
		r.Index = 2
	case r.V2, r.OK = <-recvC:
		r.Index = 2
	case sendD <- d.v:
		r.Index = 3
	case r.V3, r.OK = <-recvD:
		r.Index = 3
	default:
		return Selected4[A, B, C, D]{Index: armNone}, false
	}
	return r, true
}
