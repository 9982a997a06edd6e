package runtime

import "context"

// Arm is one case of a select: a send, a receive, or a timer's channel. Arms
// on a nil channel are never chosen.
type Arm[T any] struct {
	c    *Chan[T]
	v    T
	send bool
}

// SendArm is the case that sends v.
func (c *Chan[T]) SendArm(v T) Arm[T] { return Arm[T]{c: c, v: v, send: true} }

// RecvArm is the case that receives.
func (c *Chan[T]) RecvArm() Arm[T] { return Arm[T]{c: c} }

// Selected2 is the outcome of [Select2]: the index of the arm, from 0, and
// what it received. OK is false if a receive found its channel closed. If no
// arm was chosen the index is -1.
type Selected2[A, B any] struct {
	Index int
	OK    bool
	V0    A
	V1    B
}

// Selected3 is the outcome of [Select3].
type Selected3[A, B, C any] struct {
	Index int
	OK    bool
	V0    A
	V1    B
	V2    C
}

// Selected4 is the outcome of [Select4].
type Selected4[A, B, C, D any] struct {
	Index int
	OK    bool
	V0    A
	V1    B
	V2    C
	V3    D
}

// Select2 waits until one of the arms can go on and lets it; among several
// one is drawn. It returns ctx's error if ctx ends first. Like a send, it
// panics if it chooses to send on a closed channel.
func Select2[A, B any](ctx context.Context, a Arm[A], b Arm[B]) (r Selected2[A, B], err error) {
	rt := a.runtime()
	if rt == nil {
		if rt = b.runtime(); rt == nil {
			return liveSelect2(ctx, a, b)
		}
	}
	s, err := rt.beginSelect(ctx, a.object(), b.object(), nil, nil)
	if err != nil {
		r.Index = armNone
		return r, err
	}
	r.Index = s.choose(a.ready(0) | b.ready(1))
	switch r.Index {
	case 0:
		r.V0, r.OK = a.run()
	case 1:
		r.V1, r.OK = b.run()
	case armNone:
		wa, wb := a.wait(s.task, 0), b.wait(s.task, 1)
		r.Index = s.park()
		r.V0, r.OK = a.end(wa, r.Index == 0, r.OK)
		r.V1, r.OK = b.end(wb, r.Index == 1, r.OK)
	}
	err = s.end(&r.Index)
	return r, err
}

// Select3 is [Select2] over three arms.
func Select3[A, B, C any](ctx context.Context, a Arm[A], b Arm[B], c Arm[C]) (r Selected3[A, B, C], err error) {
	rt := firstRuntime(a.runtime(), b.runtime(), c.runtime(), nil)
	if rt == nil {
		return liveSelect3(ctx, a, b, c)
	}
	s, err := rt.beginSelect(ctx, a.object(), b.object(), c.object(), nil)
	if err != nil {
		r.Index = armNone
		return r, err
	}
	r.Index = s.choose(a.ready(0) | b.ready(1) | c.ready(2))
	switch r.Index {
	case 0:
		r.V0, r.OK = a.run()
	case 1:
		r.V1, r.OK = b.run()
	case 2:
		r.V2, r.OK = c.run()
	case armNone:
		wa, wb, wc := a.wait(s.task, 0), b.wait(s.task, 1), c.wait(s.task, 2)
		r.Index = s.park()
		r.V0, r.OK = a.end(wa, r.Index == 0, r.OK)
		r.V1, r.OK = b.end(wb, r.Index == 1, r.OK)
		r.V2, r.OK = c.end(wc, r.Index == 2, r.OK)
	}
	err = s.end(&r.Index)
	return r, err
}

// Select4 is [Select2] over four arms.
func Select4[A, B, C, D any](
	ctx context.Context, a Arm[A], b Arm[B], c Arm[C], d Arm[D],
) (r Selected4[A, B, C, D], err error) {
	rt := firstRuntime(a.runtime(), b.runtime(), c.runtime(), d.runtime())
	if rt == nil {
		return liveSelect4(ctx, a, b, c, d)
	}
	s, err := rt.beginSelect(ctx, a.object(), b.object(), c.object(), d.object())
	if err != nil {
		r.Index = armNone
		return r, err
	}
	r.Index = s.choose(a.ready(0) | b.ready(1) | c.ready(2) | d.ready(3))
	switch r.Index {
	case 0:
		r.V0, r.OK = a.run()
	case 1:
		r.V1, r.OK = b.run()
	case 2:
		r.V2, r.OK = c.run()
	case 3:
		r.V3, r.OK = d.run()
	case armNone:
		wa, wb, wc, wd := a.wait(s.task, 0), b.wait(s.task, 1), c.wait(s.task, 2), d.wait(s.task, 3)
		r.Index = s.park()
		r.V0, r.OK = a.end(wa, r.Index == 0, r.OK)
		r.V1, r.OK = b.end(wb, r.Index == 1, r.OK)
		r.V2, r.OK = c.end(wc, r.Index == 2, r.OK)
		r.V3, r.OK = d.end(wd, r.Index == 3, r.OK)
	}
	err = s.end(&r.Index)
	return r, err
}

// TrySelect2 is a select with a default case: it reports false if no arm can
// go on at once.
func TrySelect2[A, B any](a Arm[A], b Arm[B]) (r Selected2[A, B], ok bool) {
	rt := firstRuntime(a.runtime(), b.runtime(), nil, nil)
	if rt == nil {
		return liveTrySelect2(a, b)
	}
	s := rt.beginTrySelect(a.object(), b.object(), nil, nil)
	r.Index = s.choose(a.ready(0) | b.ready(1))
	switch r.Index {
	case 0:
		r.V0, r.OK = a.run()
	case 1:
		r.V1, r.OK = b.run()
	}
	s.leave()
	return r, r.Index != armNone
}

// TrySelect3 is [TrySelect2] over three arms.
func TrySelect3[A, B, C any](a Arm[A], b Arm[B], c Arm[C]) (r Selected3[A, B, C], ok bool) {
	rt := firstRuntime(a.runtime(), b.runtime(), c.runtime(), nil)
	if rt == nil {
		return liveTrySelect3(a, b, c)
	}
	s := rt.beginTrySelect(a.object(), b.object(), c.object(), nil)
	r.Index = s.choose(a.ready(0) | b.ready(1) | c.ready(2))
	switch r.Index {
	case 0:
		r.V0, r.OK = a.run()
	case 1:
		r.V1, r.OK = b.run()
	case 2:
		r.V2, r.OK = c.run()
	}
	s.leave()
	return r, r.Index != armNone
}

// TrySelect4 is [TrySelect2] over four arms.
func TrySelect4[A, B, C, D any](a Arm[A], b Arm[B], c Arm[C], d Arm[D]) (r Selected4[A, B, C, D], ok bool) {
	rt := firstRuntime(a.runtime(), b.runtime(), c.runtime(), d.runtime())
	if rt == nil {
		return liveTrySelect4(a, b, c, d)
	}
	s := rt.beginTrySelect(a.object(), b.object(), c.object(), d.object())
	r.Index = s.choose(a.ready(0) | b.ready(1) | c.ready(2) | d.ready(3))
	switch r.Index {
	case 0:
		r.V0, r.OK = a.run()
	case 1:
		r.V1, r.OK = b.run()
	case 2:
		r.V2, r.OK = c.run()
	case 3:
		r.V3, r.OK = d.run()
	}
	s.leave()
	return r, r.Index != armNone
}
