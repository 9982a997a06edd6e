package sim_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// The small worlds of this file each need one rule of what commutes: without it, an
// outcome of theirs is not found.

// parkedSelect waits for two senders on two channels, none of which has begun: their
// operations are on different objects, but make the same task ready.
func parkedSelect(tell func(string)) (sim.Main, func() bool) {
	isOpen := false
	main := body(func(ctx context.Context, rt *runtime.Runtime) {
		isOpen = false
		a, b := runtime.NewChan[string](rt, 1), runtime.NewChan[string](rt, 1)
		send := func(c *runtime.Chan[string], v string) {
			rt.Go(ctx, "sender", func(ctx context.Context) error {
				isOpen = true // the other one waits
				return c.Send(ctx, v)
			})
		}
		send(a, "a")
		send(b, "b")
		r, err := runtime.Select2(ctx, a.RecvArm(), b.RecvArm())
		must(err)
		tell(r.V0 + r.V1)
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

// twoWindows leaves out a part in the middle.
func twoWindows(tell func(string)) (sim.Main, func() bool) {
	isOpen := false
	main := body(func(ctx context.Context, rt *runtime.Runtime) {
		isOpen = true
		mu, order := rt.NewMutex(), ""
		task := func(name string) func(context.Context) {
			own := rt.NewMutex()
			return func(context.Context) {
				own.Lock()
				isOpen = false
				own.Unlock() //nolint:staticcheck // an operation, no guard
				isOpen = true
				mu.Lock()
				order += name
				mu.Unlock()
			}
		}
		tasks(ctx, rt, task("a"), task("b"))
		tell(order)
	})
	return main, func() bool { return isOpen }
}

// timer looks whether a timer has fired, at about the time when it does.
func timer(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		t := rt.NewTimer(2 * time.Microsecond)
		rt.NewMutex().Lock()
		rt.NewMutex().Lock()
		_, received, _ := t.C.TryRecv()
		tell(fmt.Sprint(received))
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

// counter boots a node that counts to two, an operation each.
func counter(w *sim.World, count *int) *sim.Node {
	return booted(w, "counter", func(ctx context.Context, rt *runtime.Runtime) error {
		for range 2 {
			rt.Write(runtime.NewResource("register", "counter"))
			*count++
		}
		return rt.Sleep(ctx, time.Hour)
	})
}

// plannedPause stops the node at a step for a while, and somebody else takes steps,
// too.
func plannedPause(tell func(string)) (sim.Main, func() bool) {
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
		must(w.Inject(sim.Fault{Kind: sim.FaultPause, Target: n.Name(), Step: w.Step() + 7, Duration: time.Second}))
		must(w.Runtime().Sleep(ctx, time.Millisecond))
		isOpen = false
		tell(fmt.Sprint(count))
		return bystander.Wait()
	}
	return main, func() bool { return isOpen }
}
