package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// The runtime of a production process, made once in main and passed on.
func ExampleNew() {
	rt := runtime.New(runtime.Options{Node: "store-1"})
	task := rt.Go(context.Background(), "hello", func(context.Context) error {
		fmt.Println("hello from", rt.Node())
		return nil
	})
	fmt.Println(task.Wait(context.Background()))
	// Output:
	// hello from store-1
	// <nil>
}

func ExampleRuntime_Go() {
	rt := runtime.New(runtime.Options{})
	ctx := context.Background()
	task := rt.Go(ctx, "worker", func(context.Context) error { return errors.New("no work") })
	fmt.Println(task.Path(), "ended:", task.Wait(ctx))
	// Output: worker ended: no work
}

// A group owns its tasks: the first error cancels the others, and Wait
// returns it.
func ExampleRuntime_NewGroup() {
	rt := runtime.New(runtime.Options{})
	group := rt.NewGroup(context.Background())
	group.Go("fails", func(context.Context) error { return errors.New("disk full") })
	group.Go("waits", func(ctx context.Context) error { return rt.Sleep(ctx, time.Hour) })
	fmt.Println(group.Wait())
	fmt.Println(context.Cause(group.Context()))
	// Output:
	// disk full
	// disk full
}

func ExampleNewChan() {
	rt := runtime.New(runtime.Options{})
	ctx := context.Background()
	squares := runtime.NewChan[int](rt, 0)
	rt.Go(ctx, "squares", func(ctx context.Context) error {
		defer squares.Close()
		for i := range 4 {
			if err := squares.Send(ctx, i*i); err != nil {
				return err
			}
		}
		return nil
	})
	for square, err := range squares.All(ctx) {
		fmt.Println(square, err)
	}
	// Output:
	// 0 <nil>
	// 1 <nil>
	// 4 <nil>
	// 9 <nil>
}

func ExampleSelect2() {
	rt := runtime.New(runtime.Options{})
	names, limit := runtime.NewChan[string](rt, 1), rt.NewTimer(time.Hour)
	defer limit.Stop()
	ctx := context.Background()
	if err := names.Send(ctx, "ada"); err != nil {
		panic(err)
	}
	selected, err := runtime.Select2(ctx, names.RecvArm(), limit.C.RecvArm())
	switch {
	case err != nil:
		fmt.Println(err)
	case selected.Index == 0:
		fmt.Println("received", selected.V0)
	case selected.Index == 1:
		fmt.Println("too late")
	}
	// Output: received ada
}

// TrySelect is a select with a default case.
func ExampleTrySelect2() {
	rt := runtime.New(runtime.Options{})
	free, full := runtime.NewChan[int](rt, 1), runtime.NewChan[int](rt, 0)
	selected, ok := runtime.TrySelect2(free.SendArm(1), full.SendArm(1))
	fmt.Println(selected.Index, ok)
	selected, ok = runtime.TrySelect2(free.SendArm(1), full.SendArm(1))
	fmt.Println(selected.Index, ok)
	// Output:
	// 0 true
	// -1 false
}

func ExampleRuntime_NewMutex() {
	rt := runtime.New(runtime.Options{})
	mu, total := rt.NewMutex(), 0
	group := rt.NewGroup(context.Background())
	for range 10 {
		group.Go("adder", func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			total++
			return nil
		})
	}
	fmt.Println(group.Wait(), total)
	// Output: <nil> 10
}

func ExampleRuntime_NewRWMutex() {
	mu := runtime.New(runtime.Options{}).NewRWMutex()
	mu.RLock()
	fmt.Println("reader beside reader:", mu.TryRLock())
	fmt.Println("writer beside readers:", mu.TryLock())
	// Output:
	// reader beside reader: true
	// writer beside readers: false
}

func ExampleRuntime_NewCond() {
	rt := runtime.New(runtime.Options{})
	mu, ready := rt.NewMutex(), false
	cond := rt.NewCond(mu)
	rt.Go(context.Background(), "setter", func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		ready = true
		cond.Broadcast()
		return nil
	})
	mu.Lock()
	for !ready {
		cond.Wait()
	}
	mu.Unlock()
	fmt.Println(ready)
	// Output: true
}

func ExampleRuntime_NewWaitGroup() {
	rt := runtime.New(runtime.Options{})
	results := make([]int, 3)
	tasks := rt.NewWaitGroup()
	for i := range results {
		tasks.Go(context.Background(), "square", func(context.Context) { results[i] = i * i })
	}
	tasks.Wait()
	fmt.Println(results)
	// Output: [0 1 4]
}

func ExampleRuntime_NewOnce() {
	once := runtime.New(runtime.Options{}).NewOnce()
	for range 3 {
		once.Do(func() { fmt.Println("only once") })
	}
	// Output: only once
}

func ExampleRuntime_NewSemaphore() {
	semaphore := runtime.New(runtime.Options{}).NewSemaphore(3)
	fmt.Println(semaphore.Acquire(context.Background(), 2))
	fmt.Println(semaphore.TryAcquire(2), semaphore.TryAcquire(1))
	semaphore.Release(3)
	// Output:
	// <nil>
	// false true
}

func ExampleRuntime_NewTimer() {
	rt := runtime.New(runtime.Options{})
	timer := rt.NewTimer(time.Millisecond)
	_, err := timer.C.Recv(context.Background())
	fmt.Println(err, timer.Stop())
	// Output: <nil> false
}

func ExampleRuntime_AfterFunc() {
	rt := runtime.New(runtime.Options{})
	timer := rt.AfterFunc(time.Hour, func() { fmt.Println("never") })
	fmt.Println("stopped in time:", timer.Stop())
	// Output: stopped in time: true
}

func ExampleRuntime_NewTicker() {
	rt := runtime.New(runtime.Options{})
	ticker := rt.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for i := range 3 {
		_, err := ticker.C.Recv(context.Background())
		fmt.Println("tick", i, err)
	}
	// Output:
	// tick 0 <nil>
	// tick 1 <nil>
	// tick 2 <nil>
}

func ExampleRuntime_WithTimeout() {
	rt := runtime.New(runtime.Options{})
	ctx, cancel := rt.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	fmt.Println(rt.Sleep(ctx, time.Hour))
	// Output: context deadline exceeded
}

func ExampleRuntime_AfterCancel() {
	rt := runtime.New(runtime.Options{})
	ctx, cancel := rt.WithCancel(context.Background())
	closed := runtime.NewChan[string](rt, 1)
	rt.AfterCancel(ctx, func() { closed.TrySend("connection closed") })
	cancel()
	fmt.Println(closed.Recv(context.Background()))
	// Output: connection closed <nil>
}

// A stream depends on the seed and its name, on every machine alike.
func ExampleRuntime_Rand() {
	rt := runtime.New(runtime.Options{Seed: 7})
	dice := rt.Rand("dice")
	fmt.Println(runtime.Between(dice, 1, 6), runtime.Between(dice, 1, 6), runtime.Between(dice, 1, 6))
	fmt.Println(rt.Rand("dice").Uint64() == rt.Rand("dice").Uint64())
	// Output:
	// 4 6 3
	// true
}

// A watch holds the newest value; whoever waits may miss those before it.
func ExampleNewWatch() {
	rt := runtime.New(runtime.Options{})
	upper := runtime.NewWatch(rt, 0)
	rt.Go(context.Background(), "writer", func(context.Context) error {
		for i := range 10 {
			upper.Set(i + 1)
		}
		return nil
	})
	value, version, err := upper.WaitFor(context.Background(), func(v int) bool { return v >= 10 })
	fmt.Println(value, version, err)
	// Output: 10 10 <nil>
}

// Live, a violated assertion is logged and counted; a scheduler ends the run.
func ExampleRuntime_Always() {
	rt := runtime.New(runtime.Options{Node: "bank", Logger: plainLogger()})
	balance := -20
	rt.Always(balance >= 0, "no-overdraft", "balance", balance)
	rt.Sometimes(balance < 0, "overdraft-tried")
	for _, a := range rt.Assertions() {
		fmt.Println(a.Kind, a.ID, a.Held, "of", a.Evaluated)
	}
	// Output:
	// level=ERROR msg="assertion no-overdraft violated" node=bank balance=-20
	// always no-overdraft 0 of 1
	// sometimes overdraft-tried 1 of 1
}

// A record that is given a task's context carries the task.
func ExampleRuntime_Logger() {
	rt := runtime.New(runtime.Options{Node: "store-1", Logger: plainLogger()})
	task := rt.Go(context.Background(), "compactor", func(ctx context.Context) error {
		rt.Logger().InfoContext(ctx, "compacted", "parts", 3)
		return nil
	})
	if err := task.Wait(context.Background()); err != nil {
		panic(err)
	}
	// Output: level=INFO msg=compacted node=store-1 parts=3 task=compactor
}

// plainLogger writes records without their time, which would differ.
func plainLogger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}
