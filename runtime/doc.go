// Package runtime is one capability with two ways to run: goroutines, channels,
// locks, timers and chance, either the native ones of Go or those of a
// scheduler that decides everything.
//
// A program takes a [*Runtime] where it would use the go statement, channels,
// package sync, package time, context.With... or math/rand:
//
//	rt := runtime.New(runtime.Options{})            // production: goroutines
//	rt := runtime.Plug(scheduler, runtime.Options{}) // under a Scheduler
//
//	go f()                   rt.Go(ctx, "name", f), or a Group from rt.NewGroup(ctx)
//	make(chan T, n)          NewChan[T](rt, n): Send, Recv, TrySend, TryRecv, Close, All
//	select                   Select2, Select3, Select4; with default: TrySelect2...
//	sync.Mutex and others    rt.NewMutex(), NewRWMutex, NewCond, NewWaitGroup, NewOnce
//	semaphores               rt.NewSemaphore(n)
//	time.Now, time.Sleep     rt.Now(), rt.Sleep(ctx, d), NewTimer, NewTicker, AfterFunc
//	context.With...          rt.WithCancel(ctx), WithTimeout, WithDeadline, AfterCancel
//	math/rand                rt.Rand("name")
//	log/slog                 rt.Logger()
//	asserting                rt.Always, AlwaysOrUnreachable, Sometimes, Reachable, Unreachable
//	waiting for a value      NewWatch(rt, v)
//	real input and output    rt.External(ctx, name, f): outside the simulation, recorded
//
// Names of tasks are stable: [Task.Path] is the path of names by which a task
// was spawned, the same live and under a scheduler.
//
// # Live
//
// Every primitive is the native one behind a check for nil. A channel operation
// with a context costs no more than a select on ctx.Done(). A panic in a task
// crashes the program as one in a goroutine does, unless the task belongs to a
// [Group], whose Wait raises it again.
//
// # Under a scheduler
//
// The primitives are built on the small interface [Scheduler]; package sim
// implements it as a deterministic simulator, and an example in this package
// does in under a hundred lines. One task runs at a time. Before each visible
// operation stands a scheduling point, at which any other task may go first.
// What Go answers with a fatal error, such as the unlock of an unlocked mutex,
// ends the run as misuse.
//
// # Semantics
//
// They are Go's, checked by package runtimetest, which runs each of its cases
// natively, live, on a toy scheduler and on the simulator. This package panics
// where Go panics. The differences:
//
//   - A send or receive takes a context and may return its error. If both the
//     operation and the cancellation are possible either may happen.
//   - A receive from a closed channel returns [ErrClosed].
//   - Timer.C and Ticker.C are not typed as receive-only.
//   - Under a scheduler a context with a deadline made by the standard library
//     is refused with [ErrForeignDeadline], because real time means nothing
//     there. Its other contexts work, ours as their parents and as their
//     children. Functions given to context.AfterFunc run on a goroutine: use
//     [Runtime.AfterCancel].
//   - Under a scheduler the cancellation of a tree of contexts is one step; in Go
//     a parent can be seen cancelled and its child not yet. ctx.Err() of our
//     contexts is a scheduling point, context.Cause is not.
//   - Under a scheduler and the race detector [Cond.Signal] precedes the Wait that
//     it ends, as package sync documents; the detector itself knows the order of
//     the lock only. Acquisitions of a [Semaphore] follow the releases before
//     them, not each other.
//   - Go's panic "Add called concurrently with Wait", which depends on a race,
//     never appears under a scheduler.
//   - A blocking operation on a nil channel under a context that descends from
//     no task blocks natively, also under a scheduler.
//   - Under a scheduler a task that ends by runtime.Goexit ends the run, as one that
//     panics does; in Go the others go on.
//   - The zero Mutex, RWMutex, WaitGroup and Once are live ones.
//   - [Runtime.WithDeadlineCause] of a live runtime with an injected clock does
//     not carry the cause.
package runtime
