package runtimetest

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

// selectClosedCases are about closed and nil channels in a select, with a default and
// without. The sentences are those of the section "Select statements" of "The Go
// Programming Language Specification", and those it refers to.
var selectClosedCases = []Case{
	{
		// "A receive operation on a closed channel can always proceed immediately", so the
		// default is never chosen.
		Name:    "select/closed-goes-before-default",
		Allowed: []string{"closed"},
		Native: func() string {
			closed, empty := make(chan int), make(chan int)
			close(closed)
			select {
			case <-empty:
				return "received"
			case <-closed:
				return "closed"
			default:
				return "default"
			}
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			closed, empty := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
			closed.Close()
			r, ok := runtime.TrySelect2(empty.RecvArm(), closed.RecvArm())
			switch {
			case !ok:
				return "default"
			case r.Index == 1 && !r.OK:
				return "closed"
			}
			return "received"
		},
	},
	{
		// "Communication on nil channels can never proceed": what is left is the default.
		Name:    "select/default-if-all-are-nil",
		Allowed: []string{"default"},
		Native: func() string {
			var c chan int
			select {
			case c <- 1:
				return "sent"
			case <-c:
				return "received"
			default:
				return "default"
			}
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			var c *runtime.Chan[int]
			if r, ok := runtime.TrySelect2(c.SendArm(1), c.RecvArm()); ok {
				return show(r.Index)
			}
			return "default"
		},
	},
	{
		// "If one or more of the communications can proceed, a single one that can proceed
		// is chosen via a uniform pseudo-random selection": of two closed ones either.
		Name:    "select/draws-among-closed",
		Allowed: []string{"0 0 false", "1 0 false"},
		Native: func() string {
			a, b := make(chan int, 1), make(chan int)
			close(a)
			close(b)
			select {
			case v, open := <-a:
				return words(0, v, open)
			case v, open := <-b:
				return words(1, v, open)
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := runtime.NewChan[int](rt, 1), runtime.NewChan[int](rt, 0)
			a.Close()
			b.Close()
			r, err := runtime.Select2(ctx, a.RecvArm(), b.RecvArm())
			must(err)
			return words(r.Index, r.V0+r.V1, r.OK)
		},
	},
	{
		// The same among a receive from a closed channel and a send that has room.
		Name:    "select/draws-between-closed-and-send",
		Allowed: []string{"0 left 0", "1 left 1"},
		Native: func() string {
			closed, room := make(chan int), make(chan int, 1)
			close(closed)
			select {
			case <-closed:
				return words(0, "left", len(room))
			case room <- 1:
				return words(1, "left", len(room))
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			closed, room := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 1)
			closed.Close()
			r, err := runtime.Select2(ctx, closed.RecvArm(), room.SendArm(1))
			must(err)
			return words(r.Index, "left", room.Len())
		},
	},
	{
		// The cases need not be of different channels: one value, two arms that want it.
		Name:    "select/same-channel-twice",
		Allowed: []string{"0 1", "1 1"},
		Native: func() string {
			c := filledNative(1)
			select {
			case v := <-c:
				return words(0, v)
			case v := <-c:
				return words(1, v)
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := filled(ctx, rt, 1)
			r, err := runtime.Select2(ctx, c.RecvArm(), c.RecvArm())
			must(err)
			return words(r.Index, r.V0+r.V1)
		},
	},
	{
		// "If there is no default case, the select blocks until at least one of the
		// communications can proceed": with both arms on one channel, one of them gets it.
		Name:    "select/same-channel-twice-waiting",
		Allowed: []string{"0 1", "1 1"},
		Native: func() string {
			c := make(chan int)
			go func() { c <- 1 }()
			select {
			case v := <-c:
				return words(0, v)
			case v := <-c:
				return words(1, v)
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			task := rt.Go(ctx, "sender", func(ctx context.Context) error { return c.Send(ctx, 1) })
			r, err := runtime.Select2(ctx, c.RecvArm(), c.RecvArm())
			must(err)
			must(task.Wait(ctx))
			return words(r.Index, r.V0+r.V1)
		},
	},
	{
		// "If a send on a closed channel is chosen, it panics": a default does not save it,
		// because it can proceed.
		Name:    "select/default-does-not-save-a-send-on-closed",
		Allowed: []string{"panic: send on closed channel"},
		Native: func() string {
			closed := make(chan int)
			close(closed)
			return caught(func() {
				select {
				case closed <- 1:
				default:
				}
			})
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			closed, empty := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
			closed.Close()
			return caught(func() { runtime.TrySelect2(closed.SendArm(1), empty.RecvArm()) })
		},
	},
	{
		// "Otherwise, if there is a default case, that case is chosen": a full channel has
		// no room, an empty one no value.
		Name:    "select/default-with-full-and-empty",
		Allowed: []string{"default 1"},
		Native: func() string {
			full, empty := filledNative(1), make(chan int, 1)
			select {
			case full <- 2:
				return "sent"
			case v := <-empty:
				return show(v)
			default:
				return words("default", len(full))
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			full, empty := filled(ctx, rt, 1), runtime.NewChan[int](rt, 1)
			if r, ok := runtime.TrySelect2(full.SendArm(2), empty.RecvArm()); ok {
				return show(r.Index)
			}
			return words("default", full.Len())
		},
	},
	{
		// The same with three and four cases.
		Name:    "select/default-of-three-and-four",
		Allowed: []string{"default 3 1"},
		Native: func() string {
			a, b, c := make(chan int), make(chan int), filledNative(1)
			first := "default"
			select {
			case <-a:
				first = "a"
			case <-b:
				first = "b"
			case c <- 2:
				first = "c"
			default:
			}
			select {
			case <-a:
				return "a"
			case <-b:
				return "b"
			case c <- 2:
				return "c"
			case v := <-c:
				return words(first, 3, v)
			default:
				return "default"
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b, c := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0), filled(ctx, rt, 1)
			first := "default"
			if r, ok := runtime.TrySelect3(a.RecvArm(), b.RecvArm(), c.SendArm(2)); ok {
				first = show(r.Index)
			}
			r, ok := runtime.TrySelect4(a.RecvArm(), b.RecvArm(), c.SendArm(2), c.RecvArm())
			if !ok {
				return "default"
			}
			return words(first, r.Index, r.V3)
		},
	},
}
