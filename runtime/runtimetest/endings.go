package runtimetest

import (
	"context"
	"sync"

	"github.com/tidemarkdb/tidemark/runtime"
)

const noNames = "goroutines have no names"

// endingCases are about how tasks end, and about what outlives them. The sentences are
// those of "Handling panics" and "Defer statements" in "The Go Programming Language
// Specification".
var endingCases = []Case{
	{
		// "Deferred functions are invoked immediately before the surrounding function
		// returns, in the reverse order they were deferred", also when it panics.
		Name:    "task/deferred-functions-run-in-reverse",
		Allowed: []string{"21 panic: boom"},
		Native: func() string {
			var j journal
			ended := make(chan string)
			go func() {
				ended <- caught(func() {
					defer j.note("1")
					defer j.note("2")
					panic("boom")
				})
			}()
			outcome := <-ended
			return words(j.String(), outcome)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			var j journal
			ended := runtime.NewChan[string](rt, 0)
			task := rt.Go(ctx, "panics", func(ctx context.Context) error {
				return ended.Send(ctx, caught(func() {
					defer j.note("1")
					defer j.note("2")
					panic("boom")
				}))
			})
			outcome := receive(ctx, ended)
			must(task.Wait(ctx))
			return words(j.String(), outcome)
		},
	},
	{
		// A deferred function may use every operation while its task panics: others see
		// the lock free.
		Name:    "task/deferred-unlock-of-a-panic",
		Allowed: []string{"panic: boom true"},
		Native: func() string {
			var mu sync.Mutex
			var outcome string
			goroutines(func() {
				outcome = caught(func() {
					mu.Lock()
					defer mu.Unlock()
					panic("boom")
				})
			})
			return words(outcome, mu.TryLock())
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			mu := rt.NewMutex()
			var outcome string
			tasks(ctx, rt, func() {
				outcome = caught(func() {
					mu.Lock()
					defer mu.Unlock()
					panic("boom")
				})
			})
			return words(outcome, mu.TryLock())
		},
	},
	{
		// "The value returned by recover is the argument of the call of panic": of the last
		// one, if a deferred function panics as well.
		Name:    "task/panic-of-a-deferred-function-replaces",
		Allowed: []string{"panic: second"},
		Native: func() string {
			return caught(func() {
				defer func() { panic("second") }()
				panic("first")
			})
		},
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			return caught(func() {
				defer func() {
					rt.Yield()
					panic("second")
				}()
				panic("first")
			})
		},
	},
	{
		// A recovered panic ends its function and no more: the task goes on, waits, returns.
		Name:    "task/goes-on-after-a-recovered-panic",
		Allowed: []string{"panic: boom 1 boom"},
		Native: func() string {
			c, ended := make(chan int), make(chan error, 1)
			var outcome string
			go func() {
				outcome = caught(func() { panic("boom") })
				c <- 1
				ended <- errBoom
			}()
			got, err := <-c, <-ended
			return words(outcome, got, name(err))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 0)
			var outcome string
			task := rt.Go(ctx, "recovers", func(ctx context.Context) error {
				outcome = caught(func() { panic("boom") })
				send(ctx, c, 1)
				return errBoom
			})
			got, err := receive(ctx, c), task.Wait(ctx)
			return words(outcome, got, name(err))
		},
	},
	{
		// What has ended stays so: a wait after the end returns at once, each time.
		Name:    "task/wait-after-the-end",
		Allowed: []string{"boom boom"},
		Native: func() string {
			done := make(chan struct{})
			var err error
			go func() { err = errBoom; close(done) }()
			<-done
			first := err
			<-done
			return words(name(first), name(err))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			task := rt.Go(ctx, "fails", func(context.Context) error { return errBoom })
			return words(name(task.Wait(ctx)), name(task.Wait(ctx)))
		},
	},
	{
		// The program "does not wait for other goroutines": a task that nobody waits for
		// may come to its end or not, and holds nobody up.
		Name:    "task/nobody-has-to-wait",
		Allowed: []string{"1", "empty"},
		Native: func() string {
			c := make(chan int, 1)
			go func() { c <- 1 }()
			return tryReceiveNative(c)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			c := runtime.NewChan[int](rt, 1)
			task := rt.Go(ctx, "alone", func(ctx context.Context) error { return c.Send(ctx, 1) })
			seen := tryReceive(c)
			must(task.Wait(ctx))
			return seen
		},
	},
	{
		Name:     "task/path-tells-siblings-apart",
		Allowed:  []string{"main/worker main/worker#1 main/other/worker"},
		NoNative: noNames,
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			nothing := func(context.Context) error { return nil }
			first, second := rt.Go(ctx, "worker", nothing), rt.Go(ctx, "worker", nothing)
			var inner *runtime.Task
			other := rt.Go(ctx, "other", func(ctx context.Context) error {
				inner = rt.Go(ctx, "worker", nothing)
				return inner.Wait(ctx)
			})
			for _, t := range []*runtime.Task{first, second, other} {
				must(t.Wait(ctx))
			}
			return words(first.Path(), second.Path(), inner.Path())
		},
	},
	{
		// A stream is a function of seed and name: drawing from one shifts no other.
		Name:     "rand/streams-do-not-shift-each-other",
		Allowed:  []string{"true false"},
		NoNative: "Go has no named streams",
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			a, again, b := rt.Rand("a"), rt.Rand("a"), rt.Rand("b")
			var first, second [3]uint64
			for i := range first {
				first[i] = a.Uint64()
			}
			differs := false
			for i := range second {
				differs = b.Uint64() != first[i] || differs
				second[i] = again.Uint64()
			}
			return words(first == second, !differs)
		},
	},
	{
		// What External returns is what its function returned.
		Name:    "external/returns-result-and-error",
		Allowed: []string{"half boom canceled"},
		Native: func() string {
			ask := func() ([]byte, error) { return []byte("half"), errBoom }
			result, err := ask()
			return words(string(result), err, name(context.Canceled))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			result, err := rt.External(ctx, "ask", func(context.Context) ([]byte, error) { return []byte("half"), errBoom })
			_, ended := rt.External(ctx, "ask", func(context.Context) ([]byte, error) { return nil, context.Canceled })
			return words(string(result), err, name(ended))
		},
	},
	{
		// An external call is one step beside others: before or after, not in between.
		Name:    "external/races-with-a-task",
		Allowed: []string{"0", "1"},
		Native: func() string {
			var x nativeRegister
			var seen int
			goroutines(func() { x.set(1) }, func() { seen = x.get() })
			return show(seen)
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			var x nativeRegister
			var result []byte
			tasks(ctx, rt, func() { rt.Yield(); x.set(1) }, func() {
				result, _ = rt.External(ctx, "read", func(context.Context) ([]byte, error) { return []byte(show(x.get())), nil })
			})
			return string(result)
		},
	},
	{
		// An external call under an ended context is told so.
		Name:    "external/under-an-ended-context",
		Allowed: []string{"canceled a"},
		Native: func() string {
			ctx, cancel := context.WithCancelCause(context.Background())
			cancel(errA)
			return words(name(ctx.Err()), context.Cause(ctx))
		},
		Body: func(ctx context.Context, rt *runtime.Runtime) string {
			inner, cancel := rt.WithCancelCause(ctx)
			cancel(errA)
			result, err := rt.External(inner, "ask", func(ctx context.Context) ([]byte, error) {
				return []byte(context.Cause(ctx).Error()), ctx.Err()
			})
			return words(name(err), string(result))
		},
	},
}
