// Not with the race detector: what is explored here races on purpose.

//go:build !race

package sim_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// smallWorld is a world that can be explored to its end, the part of it that is within
// the window. It tells its outcome as text.
type smallWorld struct {
	name string
	main func(tell func(text string)) (sim.Main, func() bool)
	// outcomes are all that there are, and failures all ids of failures.
	outcomes, failures []string
	isOpaque           bool // sleep sets save nothing
	isLarge            bool // without sleep sets
}

// whole is the window of a world all of which is explored.
func whole(main func(tell func(string)) sim.Main) func(tell func(string)) (sim.Main, func() bool) {
	return func(tell func(string)) (sim.Main, func() bool) { return main(tell), nil }
}

// tasks runs functions as tasks of one group each, and waits for them.
func tasks(ctx context.Context, rt *runtime.Runtime, functions ...func(ctx context.Context)) {
	done := rt.NewWaitGroup()
	done.Add(len(functions))
	for _, f := range functions {
		rt.Go(ctx, "task", func(ctx context.Context) error {
			f(ctx)
			done.Done()
			return nil
		})
	}
	done.Wait()
}

// smallWorlds are explored with and without sleep sets.
var smallWorlds = []smallWorld{
	{name: "lockers", main: whole(lockers), outcomes: []string{"ab", "ba"}, isLarge: true},
	{name: "crossed-locks", main: whole(crossedLocks), outcomes: []string{"ab", "ba"}, failures: []string{"deadlock"}},
	{name: "check-then-act", main: whole(checkThenAct), outcomes: []string{"40"}, failures: []string{"no-overdraft"}},
	{name: "producer-consumer", main: whole(producerConsumer), outcomes: []string{"1 2 3"}},
	{name: "two-producers", main: whole(twoProducers), outcomes: []string{"a1 a2 b1", "a1 b1 a2", "b1 a1 a2"}},
	{name: "ready-arms", main: whole(readyArms), outcomes: []string{"a", "b"}},
	{name: "wait-group", main: whole(waitGroup), outcomes: []string{"2"}},
	{name: "first-error", main: whole(firstError), outcomes: []string{"a", "b"}},
	{name: "parked-select", main: parkedSelect, outcomes: []string{"a of a", "a of ab", "b of b", "b of ba"}},
	{name: "failing-group", main: failingGroup, outcomes: []string{
		"a: a fails, b cancelled", "a: a fails, b fails", "b: a cancelled, b fails", "b: a fails, b fails"}},
	{name: "foreign-context", main: foreignContext, outcomes: []string{"<nil>", "context canceled"}, isOpaque: true},
	{name: "foreign-wait", main: foreignWait, outcomes: []string{"<nil>", "context canceled"}, isOpaque: true},
	{name: "unfinished", main: whole(unfinished), outcomes: []string{"0", "1", "2"}, isOpaque: true},
	{name: "budget", main: whole(budget), outcomes: []string{"a-b1", "a0b0", "a0b1", "a1b-", "a1b0"}},
	{name: "open-again", main: twoWindows(false), outcomes: []string{"a", "b"}},
	{name: "closed", main: twoWindows(true), outcomes: []string{"a", "b"}},
	{name: "now", main: clocks(func(w *sim.World) int64 { return w.Runtime().Now().UnixNano() }), isOpaque: true,
		outcomes: []string{"a first", "b first"}},
	{name: "elapsed", main: clocks(func(w *sim.World) int64 { return int64(w.Elapsed()) }), isOpaque: true,
		outcomes: []string{"a first", "b first"}},
	{name: "step", main: clocks(func(w *sim.World) int64 { return int64(w.Step()) }), isOpaque: true,
		outcomes: []string{"a first", "b first"}},
	{name: "node-end", main: nodeEnd, outcomes: []string{"0 up", "1 down", "1 up"}},
	{name: "timer", main: whole(timer), outcomes: []string{"false", "true"}, isOpaque: true},
	{name: "two-timers", main: whole(twoTimers), outcomes: []string{"0", "1"}, isOpaque: true},
	{name: "time-out", main: whole(timeOut), outcomes: []string{"late", "value"}},
	{name: "crash", main: whole(crash), outcomes: []string{"0", "1", "2"}, isOpaque: true},
	{name: "early-pause", main: plannedPause(5), outcomes: []string{"0", "1"}, isOpaque: true},
	{name: "planned-pause", main: plannedPause(7), outcomes: []string{"0", "1", "2"}, isOpaque: true},
	{name: "takeover", main: takeover([]string{"a"}, nil, 0), isLarge: true,
		outcomes: []string{", fenced <nil>", "1a, <nil> <nil>", "2a, <nil> <nil>"}},
	{name: "hold-mailbox", main: holdMailbox(false), outcomes: []string{"{0}", "{3}"}, isLarge: true},
}

// lockers are two tasks that take the same lock, and another one each.
func lockers(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		mu, order := rt.NewMutex(), ""
		locker := func(name string) func(context.Context) {
			own := rt.NewMutex()
			return func(context.Context) {
				own.Lock()
				own.Unlock() //nolint:staticcheck // an operation, no guard
				mu.Lock()
				order += name
				mu.Unlock()
			}
		}
		tasks(ctx, rt, locker("a"), locker("b"))
		tell(order)
	})
}

// crossedLocks are taken in two orders.
func crossedLocks(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		a, b, order := rt.NewMutex(), rt.NewMutex(), ""
		both := func(name string, first, second *runtime.Mutex) func(context.Context) {
			return func(context.Context) {
				first.Lock()
				second.Lock()
				order += name
				second.Unlock()
				first.Unlock()
			}
		}
		tasks(ctx, rt, both("a", a, b), both("b", b, a))
		tell(order)
	})
}

// checkThenAct is the account of the first example: two checks, then two
// withdrawals.
func checkThenAct(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		mu, balance := rt.NewMutex(), 100
		withdraw := func(context.Context) {
			mu.Lock()
			enough := balance >= 60
			mu.Unlock()
			if enough {
				mu.Lock()
				balance -= 60
				mu.Unlock()
			}
		}
		tasks(ctx, rt, withdraw, withdraw)
		rt.Always(balance >= 0, "no-overdraft", "balance", balance)
		tell(fmt.Sprint(balance))
	})
}

// producerConsumer passes three values on through a channel with room for one.
func producerConsumer(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		c := runtime.NewChan[int](rt, 1)
		rt.Go(ctx, "producer", func(ctx context.Context) error {
			for v := 1; v <= 3; v++ {
				must(c.Send(ctx, v))
			}
			c.Close()
			return nil
		})
		var got []string
		for v, err := range c.All(ctx) {
			must(err)
			got = append(got, fmt.Sprint(v))
		}
		tell(strings.Join(got, " "))
	})
}

// twoProducers send on one channel.
func twoProducers(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		c := runtime.NewChan[string](rt, 0)
		send := func(values ...string) {
			rt.Go(ctx, "producer", func(ctx context.Context) error {
				for _, v := range values {
					must(c.Send(ctx, v))
				}
				return nil
			})
		}
		send("a1", "a2")
		send("b1")
		var got []string
		for range 3 {
			v, err := c.Recv(ctx)
			must(err)
			got = append(got, v)
		}
		tell(strings.Join(got, " "))
	})
}

// readyArms is a select between two senders: either may be ready first, or both.
func readyArms(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		a, b := runtime.NewChan[string](rt, 1), runtime.NewChan[string](rt, 1)
		rt.Go(ctx, "sender", func(ctx context.Context) error { return a.Send(ctx, "a") })
		rt.Go(ctx, "sender", func(ctx context.Context) error { return b.Send(ctx, "b") })
		r, err := runtime.Select2(ctx, a.RecvArm(), b.RecvArm())
		must(err)
		tell(r.V0 + r.V1)
	})
}

// waitGroup counts two tasks under a lock.
func waitGroup(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		mu, count := rt.NewMutex(), 0
		add := func(context.Context) {
			mu.Lock()
			count++
			mu.Unlock()
		}
		tasks(ctx, rt, add, add)
		tell(fmt.Sprint(count))
	})
}

// firstError is a group of two tasks that both fail, each after an operation of its
// own.
func firstError(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		g := rt.NewGroup(ctx)
		for _, name := range []string{"a", "b"} {
			own := rt.NewMutex()
			g.Go(name, func(context.Context) error {
				own.Lock()
				return fmt.Errorf("%s", name)
			})
		}
		tell(g.Wait().Error())
	})
}

// timeOut waits for a value, but not for long.
func timeOut(tell func(string)) sim.Main {
	return body(func(ctx context.Context, rt *runtime.Runtime) {
		c, mu := runtime.NewChan[int](rt, 1), rt.NewMutex()
		rt.Go(ctx, "slow", func(ctx context.Context) error {
			mu.Lock()
			mu.Unlock() //nolint:staticcheck // an operation, no guard
			return c.Send(ctx, 1)
		})
		short, cancel := rt.WithTimeout(ctx, 5*time.Microsecond) // as long as five steps
		defer cancel()
		if _, err := c.Recv(short); err != nil {
			tell("late")
		} else {
			tell("value")
		}
	})
}
