package runtimetest

import (
	"context"
	goruntime "runtime"

	"github.com/tidemarkdb/tidemark/runtime"
)

var taskCases = []Case{
	{
		Name:    "task/parent-and-child-side-by-side",
		Allowed: []string{"pc", "cp"},
		Native: func() string {
			c := make(chan string, 2)
			go func() { c <- "c" }()
			c <- "p"
			return <-c + <-c
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[string](rt, 2)
			rt.Go(ctx, "child", func(ctx context.Context) error { return c.Send(ctx, "c") })
			send(ctx, c, "p")
			return receive(ctx, c) + receive(ctx, c)
		},
	},
	{
		Name:    "task/three-in-any-order",
		Allowed: []string{"123", "132", "213", "231", "312", "321"},
		Native: func() string {
			c := make(chan string, 3)
			goroutines(func() { c <- "1" }, func() { c <- "2" }, func() { c <- "3" })
			return <-c + <-c + <-c
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[string](rt, 3)
			tasks(ctx, rt,
				func() { send(ctx, c, "1") }, func() { send(ctx, c, "2") }, func() { send(ctx, c, "3") })
			return receive(ctx, c) + receive(ctx, c) + receive(ctx, c)
		},
	},
	{
		Name:    "task/yield-lets-others-run",
		Allowed: []string{"aabb", "abab", "abba", "baab", "baba", "bbaa"},
		Native: func() string {
			var j journal
			twice := func(who string) func() {
				return func() { j.note(who); goruntime.Gosched(); j.note(who) }
			}
			goroutines(twice("a"), twice("b"))
			return j.String()
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			var j journal
			twice := func(who string) func() {
				return func() { j.note(who); rt.Yield(); j.note(who) }
			}
			tasks(ctx, rt, twice("a"), twice("b"))
			return j.String()
		},
	},
	{
		Name:    "task/wait-returns-the-error",
		Allowed: []string{"boom"},
		Native: func() string {
			result := make(chan error, 1)
			go func() { result <- errBoom }()
			return name(<-result)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			task := rt.Go(ctx, "task", func(context.Context) error { return errBoom })
			return name(task.Wait(ctx))
		},
	},
	{
		Name:    "task/wait-or-cancel",
		Allowed: []string{"boom", "canceled"},
		Native: func() string {
			ctx, cancel := context.WithCancel(context.Background())
			result := make(chan error, 1)
			go func() { result <- errBoom }()
			go cancel()
			select {
			case err := <-result:
				return name(err)
			case <-ctx.Done():
				return name(ctx.Err())
			}
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancel(ctx)
			task := rt.Go(ctx, "task", func(context.Context) error { return errBoom })
			rt.Go(ctx, "cancel", func(context.Context) error { cancel(); return nil })
			return name(task.Wait(inner))
		},
	},
	{
		Name:    "task/many-wait-for-one",
		Allowed: []string{"boom boom"},
		Native: func() string {
			done := make(chan struct{})
			var result, a, b error
			go func() { result = errBoom; close(done) }()
			goroutines(func() { <-done; a = result }, func() { <-done; b = result })
			return words(name(a), name(b))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			task := rt.Go(ctx, "task", func(context.Context) error { return errBoom })
			var a, b error
			tasks(ctx, rt, func() { a = task.Wait(ctx) }, func() { b = task.Wait(ctx) })
			return words(name(a), name(b))
		},
	},
	{
		// Store buffering: somebody's read comes after both writes.
		Name:    "memory/one-of-two-sees-the-other",
		Allowed: []string{"0 1", "1 0", "1 1"},
		Native: func() string {
			var x, y nativeRegister
			var a, b int
			goroutines(
				func() { x.set(1); a = y.get() },
				func() { y.set(1); b = x.get() },
			)
			return words(a, b)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			x, y := newRegister(rt), newRegister(rt)
			var a, b int
			tasks(ctx, rt,
				func() { x.set(1); a = y.get() },
				func() { y.set(1); b = x.get() },
			)
			return words(a, b)
		},
	},
	{
		// Message passing: who sees the flag sees the data.
		Name:    "memory/data-before-flag",
		Allowed: []string{"0 0", "0 1", "1 1"},
		Native: func() string {
			var data, flag nativeRegister
			var a, b int
			goroutines(
				func() { data.set(1); flag.set(1) },
				func() { a = flag.get(); b = data.get() },
			)
			return words(a, b)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			data, flag := newRegister(rt), newRegister(rt)
			var a, b int
			tasks(ctx, rt,
				func() { data.set(1); flag.set(1) },
				func() { a = flag.get(); b = data.get() },
			)
			return words(a, b)
		},
	},
	{
		// Coherence: nobody sees the older value after the newer.
		Name:    "memory/values-in-order",
		Allowed: []string{"0 0", "0 1", "0 2", "1 1", "1 2", "2 2"},
		Native: func() string {
			var x nativeRegister
			var a, b int
			goroutines(func() { x.set(1); x.set(2) }, func() { a, b = x.get(), x.get() })
			return words(a, b)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			x := newRegister(rt)
			var a, b int
			tasks(ctx, rt, func() { x.set(1); x.set(2) }, func() { a, b = x.get(), x.get() })
			return words(a, b)
		},
	},
}

// register is a variable that tasks share.
type register struct {
	mu    *runtime.Mutex
	value int
}

func newRegister(rt *runtime.Runtime) *register { return &register{mu: rt.NewMutex()} }

func (r *register) get() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value
}

func (r *register) set(value int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.value = value
}
