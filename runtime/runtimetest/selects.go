package runtimetest

import (
	"context"
	"strings"

	"github.com/tidemarkdb/tidemark/runtime"
)

var selectCases = []Case{
	{
		Name:    "select/draws-among-ready-receives",
		Allowed: []string{"1 left 2", "2 left 1"},
		Native: func() string {
			a, b := filledNative(1), filledNative(2)
			select {
			case v := <-a:
				return words(v, "left", <-b)
			case v := <-b:
				return words(v, "left", <-a)
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := filled(ctx, rt, 1), filled(ctx, rt, 2)
			r, err := runtime.Select2(ctx, a.RecvArm(), b.RecvArm())
			must(err)
			if r.Index == 0 {
				return words(r.V0, "left", receive(ctx, b))
			}
			return words(r.V1, "left", receive(ctx, a))
		},
	},
	{
		Name:    "select/draws-among-ready-sends",
		Allowed: []string{"1 0", "0 1"},
		Native: func() string {
			a, b := make(chan int, 1), make(chan int, 1)
			select {
			case a <- 1:
			case b <- 2:
			}
			return words(len(a), len(b))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := runtime.NewChan[int](rt, 1), runtime.NewChan[int](rt, 1)
			_, err := runtime.Select2(ctx, a.SendArm(1), b.SendArm(2))
			must(err)
			return words(a.Len(), b.Len())
		},
	},
	{
		Name:    "select/draws-between-send-and-receive",
		Allowed: []string{"send 2", "receive 1"},
		Native: func() string {
			c := make(chan int, 2)
			c <- 1
			select {
			case c <- 2:
				return words("send", len(c))
			case v := <-c:
				return words("receive", v)
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 2)
			send(ctx, c, 1)
			r, err := runtime.Select2(ctx, c.SendArm(2), c.RecvArm())
			must(err)
			if r.Index == 0 {
				return words("send", c.Len())
			}
			return words("receive", r.V1)
		},
	},
	{
		Name:    "select/draws-among-three",
		Allowed: []string{"1", "2", "3"},
		Native: func() string {
			a, b, c := filledNative(1), filledNative(2), filledNative(3)
			select {
			case v := <-a:
				return show(v)
			case v := <-b:
				return show(v)
			case v := <-c:
				return show(v)
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b, c := filled(ctx, rt, 1), filled(ctx, rt, 2), filled(ctx, rt, 3)
			r, err := runtime.Select3(ctx, a.RecvArm(), b.RecvArm(), c.RecvArm())
			must(err)
			return show([]int{r.V0, r.V1, r.V2}[r.Index])
		},
	},
	{
		Name:    "select/draws-among-four",
		Allowed: []string{"1", "2", "3", "4"},
		Native: func() string {
			a, b, c, d := filledNative(1), filledNative(2), filledNative(3), filledNative(4)
			select {
			case v := <-a:
				return show(v)
			case v := <-b:
				return show(v)
			case v := <-c:
				return show(v)
			case v := <-d:
				return show(v)
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b, c, d := filled(ctx, rt, 1), filled(ctx, rt, 2), filled(ctx, rt, 3), filled(ctx, rt, 4)
			r, err := runtime.Select4(ctx, a.RecvArm(), b.RecvArm(), c.RecvArm(), d.RecvArm())
			must(err)
			return show([]int{r.V0, r.V1, r.V2, r.V3}[r.Index])
		},
	},
	{
		Name:    "select/first-of-three-senders",
		Allowed: []string{"1", "2", "3"},
		Native: func() string {
			a, b, c := make(chan int, 1), make(chan int, 1), make(chan int, 1)
			var got string
			goroutines(
				func() { a <- 1 }, func() { b <- 2 }, func() { c <- 3 },
				func() {
					select {
					case v := <-a:
						got = show(v)
					case v := <-b:
						got = show(v)
					case v := <-c:
						got = show(v)
					}
				},
			)
			return got
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b, c := runtime.NewChan[int](rt, 1), runtime.NewChan[int](rt, 1), runtime.NewChan[int](rt, 1)
			var got string
			tasks(ctx, rt,
				func() { send(ctx, a, 1) }, func() { send(ctx, b, 2) }, func() { send(ctx, c, 3) },
				func() {
					r, err := runtime.Select3(ctx, a.RecvArm(), b.RecvArm(), c.RecvArm())
					must(err)
					got = show([]int{r.V0, r.V1, r.V2}[r.Index])
				},
			)
			return got
		},
	},
	{
		Name:    "select/two-meet-each-other",
		Allowed: []string{"1 over a", "2 over b"},
		Native: func() string {
			a, b := make(chan int), make(chan int)
			var got string
			goroutines(
				func() {
					select {
					case a <- 1:
					case v := <-b:
						got = words(v, "over b")
					}
				},
				func() {
					select {
					case v := <-a:
						got = words(v, "over a")
					case b <- 2:
					}
				},
			)
			return got
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
			var got string
			tasks(ctx, rt,
				func() {
					r, err := runtime.Select2(ctx, a.SendArm(1), b.RecvArm())
					must(err)
					if r.Index == 1 {
						got = words(r.V1, "over b")
					}
				},
				func() {
					r, err := runtime.Select2(ctx, a.RecvArm(), b.SendArm(2))
					must(err)
					if r.Index == 0 {
						got = words(r.V0, "over a")
					}
				},
			)
			return got
		},
	},
	{
		Name:    "select/merges-in-order",
		Allowed: []string{"aAb", "abA", "baA"},
		Native: func() string {
			a, b := make(chan string, 2), make(chan string, 1)
			a <- "a"
			a <- "A"
			b <- "b"
			var got strings.Builder
			for range 3 {
				select {
				case v := <-a:
					got.WriteString(v)
				case v := <-b:
					got.WriteString(v)
				}
			}
			return got.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			a, b := runtime.NewChan[string](rt, 2), runtime.NewChan[string](rt, 1)
			send(ctx, a, "a")
			send(ctx, a, "A")
			send(ctx, b, "b")
			var got strings.Builder
			for range 3 {
				r, err := runtime.Select2(ctx, a.RecvArm(), b.RecvArm())
				must(err)
				got.WriteString(r.V0 + r.V1)
			}
			return got.String()
		},
	},
}

// filled returns a channel that holds one value.
func filled(ctx context.Context, rt *runtime.Runtime, v int) *runtime.Chan[int] {
	c := runtime.NewChan[int](rt, 1)
	send(ctx, c, v)
	return c
}
