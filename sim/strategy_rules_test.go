// Not with the race detector: what is explored here races on purpose.

//go:build !race

package sim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// The small worlds of this file each need one rule of what commutes: without it, an
// outcome of theirs is not found.

// parkedSelect waits for two senders on two channels, none of which has begun: their
// operations are on different objects, but make the same task ready. It ends with the
// first value, and tells who had sent by then.
func parkedSelect(tell func(string)) (sim.Main, func() bool) {
	isOpen := false
	main := body(func(ctx context.Context, rt *runtime.Runtime) {
		isOpen = false
		a, b, sent := runtime.NewChan[string](rt, 1), runtime.NewChan[string](rt, 1), ""
		send := func(c *runtime.Chan[string], v string) {
			rt.Go(ctx, "sender", func(ctx context.Context) error {
				isOpen = true // the other one waits
				must(c.Send(ctx, v))
				sent += v
				return nil
			})
		}
		send(a, "a")
		send(b, "b")
		r, err := runtime.Select2(ctx, a.RecvArm(), b.RecvArm())
		must(err)
		tell(r.V0 + r.V1 + " of " + sent)
	})
	return main, func() bool { return isOpen }
}

// failingGroup has two tasks that fail, each after an operation on something of its
// own. Which error is the first is settled in the step of that operation; the
// cancellation that the other one may see comes later.
func failingGroup(tell func(string)) (sim.Main, func() bool) {
	isOpen := false
	main := body(func(ctx context.Context, rt *runtime.Runtime) {
		isOpen = false
		g := rt.NewGroup(ctx)
		notes := make([]string, 2)
		for i, name := range []string{"a", "b"} {
			own := rt.NewSemaphore(1)
			g.Go(name, func(ctx context.Context) error {
				isOpen = true // the harness waits
				notes[i] = name + " cancelled"
				if err := own.Acquire(ctx, 1); err != nil {
					return err
				}
				notes[i] = name + " fails"
				return errors.New(name)
			})
		}
		tell(fmt.Sprintf("%v: %s, %s", g.Wait(), notes[0], notes[1]))
	})
	return main, func() bool { return isOpen }
}

// foreignContext has a task that waits under a context of the standard library, while
// others cancel it and look at it, after operations on something of their own.
func foreignContext(tell func(string)) (sim.Main, func() bool) {
	isOpen := false
	main := body(func(ctx context.Context, rt *runtime.Runtime) {
		isOpen = false
		foreign, cancel := context.WithCancel(context.Background())
		defer cancel()
		never := runtime.NewChan[int](rt, 0)
		waiter := rt.Go(ctx, "waiter", func(context.Context) error {
			_, err := never.Recv(foreign)
			return err
		})
		must(rt.Sleep(ctx, time.Millisecond))
		seen := error(nil)
		do := func(f func()) {
			own := rt.NewMutex()
			rt.Go(ctx, "task", func(context.Context) error {
				isOpen = true
				own.Lock()
				f()
				return nil
			})
		}
		do(cancel)
		do(func() { seen = foreign.Err() })
		must(rt.Sleep(ctx, time.Millisecond))
		isOpen = false
		_ = waiter.Wait(ctx) // it is cancelled
		tell(fmt.Sprint(seen))
	})
	return main, func() bool { return isOpen }
}

// unfinished ends when its main function does, whatever the others have done by then.
func unfinished(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		tell("0")
		mu, other := rt.NewMutex(), rt.NewMutex()
		rt.Go(ctx, "counter", func(context.Context) error {
			for _, v := range []string{"1", "2"} {
				other.TryLock()
				tell(v)
			}
			return nil
		})
		mu.Lock()
	})
}

// budget has one fault for two tasks, each of which draws it after an operation on
// something of its own, if it is still there.
func budget(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		left, notes := 1, [2]string{}
		task := func(i int, name string) func(context.Context) {
			own := rt.NewMutex()
			return func(context.Context) {
				own.Lock()
				notes[i] = name + "-"
				if left > 0 {
					hit := rt.Choose("storage", "fault", 2)
					left -= hit
					notes[i] = fmt.Sprint(name, hit)
				}
			}
		}
		tasks(ctx, rt, task(0, "a"), task(1, "b"))
		tell(notes[0] + notes[1])
	})
}

// twoWindows has two tasks that try to take the same lock. One of them does it in a
// part that is left out, after an operation on something of its own; it is the first
// one to be explored, or the last.
func twoWindows(isFirst bool) func(tell func(string)) (sim.Main, func() bool) {
	return func(tell func(string)) (sim.Main, func() bool) {
		isOpen := false
		main := body(func(ctx context.Context, rt *runtime.Runtime) {
			isOpen = true
			mu, own, holder := rt.NewMutex(), rt.NewMutex(), ""
			take := func(name string) {
				if mu.TryLock() {
					holder = name
				}
			}
			all := []func(context.Context){func(context.Context) {
				take("a")
			}, func(context.Context) {
				own.Lock()
				isOpen = false
				take("b")
				isOpen = true
			}}
			if isFirst {
				slices.Reverse(all)
			}
			tasks(ctx, rt, all...)
			tell(holder)
		})
		return main, func() bool { return isOpen }
	}
}

// clocks has two tasks that look at a clock after an operation on something of their
// own.
func clocks(look func(w *sim.World) int64) func(tell func(string)) (sim.Main, func() bool) {
	return func(tell func(string)) (sim.Main, func() bool) {
		isOpen := false
		main := func(ctx context.Context, w *sim.World) error {
			isOpen = false
			rt := w.Runtime()
			var times [2]int64
			for i := range times {
				own := rt.NewMutex()
				rt.Go(ctx, "task", func(context.Context) error {
					isOpen = true // the harness sleeps
					own.Lock()
					times[i] = look(w)
					return nil
				})
			}
			must(rt.Sleep(ctx, time.Second))
			tell(map[bool]string{true: "a first", false: "b first"}[times[0] < times[1]])
			return nil
		}
		return main, func() bool { return isOpen }
	}
}

// foreignWait has a task that looks at a context of the standard library, after an
// operation on something of its own, and then waits under it. Another one cancels it.
func foreignWait(tell func(string)) (sim.Main, func() bool) {
	isOpen := false
	main := body(func(ctx context.Context, rt *runtime.Runtime) {
		isOpen = false
		foreign, cancel := context.WithCancel(context.Background())
		defer cancel()
		never, one, two := runtime.NewChan[int](rt, 0), rt.NewMutex(), rt.NewMutex()
		rt.Go(ctx, "waiter", func(context.Context) error {
			isOpen = true // the harness sleeps
			one.Lock()
			tell(fmt.Sprint(foreign.Err()))
			_, err := never.Recv(foreign)
			return err
		})
		rt.Go(ctx, "canceller", func(context.Context) error {
			two.Lock()
			cancel()
			return nil
		})
		must(rt.Sleep(ctx, time.Second))
	})
	return main, func() bool { return isOpen }
}

// nodeEnd has a node of two tasks, one of which writes a register as the last thing
// that it does. A watcher reads it and looks whether the node has ended, which is only
// so when both have.
func nodeEnd(tell func(string)) (sim.Main, func() bool) {
	isOpen := false
	main := func(ctx context.Context, w *sim.World) error {
		isOpen = false
		rt, value := w.Runtime(), 0
		register := runtime.NewResource("register", "shared")
		n := booted(w, "node", func(_ context.Context, rt *runtime.Runtime) error {
			isOpen = true // the harness sleeps
			rt.NewMutex().Lock()
			return nil
		})
		must(n.Go("writer", func(_ context.Context, rt *runtime.Runtime) error {
			rt.Write(register)
			value = 1
			return nil
		}))
		rt.Go(ctx, "watcher", func(context.Context) error {
			rt.Read(register)
			tell(fmt.Sprint(value, " ", n.State()))
			return nil
		})
		return rt.Sleep(ctx, time.Second)
	}
	return main, func() bool { return isOpen }
}

// timer looks whether a timer has fired, at about the time when it does.
func timer(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		t := rt.NewTimer(2 * time.Microsecond)
		rt.NewMutex().Lock()
		rt.NewMutex().Lock()
		_, received, _ := t.C.TryRecv()
		rt.NewMutex().Lock()
		tell(fmt.Sprint(received))
	})
}

// twoTimers waits for two timers that fire at the same time.
func twoTimers(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		one, two := rt.NewTimer(time.Second), rt.NewTimer(time.Second-time.Microsecond) // made a step later
		r, err := runtime.Select2(ctx, one.C.RecvArm(), two.C.RecvArm())
		must(err)
		tell(fmt.Sprint(r.Index))
	})
}

// crash has a node that counts what it has done, and is crashed.
func crash(tell func(string)) sim.Main {
	return func(_ context.Context, w *sim.World) error {
		count := 0
		must(counter(w, &count).Crash())
		tell(fmt.Sprint(count))
		return nil
	}
}

// counter boots a node that counts to two, once when it starts and once more after an
// operation.
func counter(w *sim.World, count *int) *sim.Node {
	return booted(w, "counter", func(ctx context.Context, rt *runtime.Runtime) error {
		for range 2 {
			*count++
			rt.Write(runtime.NewResource("register", "counter"))
		}
		return rt.Sleep(ctx, time.Hour)
	})
}

// plannedPause stops the node some steps from now, while somebody else takes steps, too.
func plannedPause(steps uint64) func(tell func(string)) (sim.Main, func() bool) {
	return func(tell func(string)) (sim.Main, func() bool) { return plannedPauseMain(steps, tell) }
}

func plannedPauseMain(steps uint64, tell func(string)) (sim.Main, func() bool) {
	isOpen := false
	main := func(ctx context.Context, w *sim.World) error {
		isOpen = false
		count := 0
		bystander := booted(w, "bystander", func(_ context.Context, rt *runtime.Runtime) error {
			isOpen = true // the harness sleeps
			for range 3 {
				rt.Write(runtime.NewResource("register", "bystander"))
			}
			return nil
		})
		n := counter(w, &count)
		must(w.Inject(sim.Fault{Kind: sim.FaultPause, Target: n.Name(), Step: w.Step() + steps, Duration: time.Second}))
		must(w.Runtime().Sleep(ctx, time.Millisecond))
		isOpen = false
		tell(fmt.Sprint(count))
		return bystander.Wait()
	}
	return main, func() bool { return isOpen }
}
