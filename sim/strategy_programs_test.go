// Not with the race detector: what is explored here races on purpose.

//go:build !race

package sim_test

import (
	"context"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// program has one bug, of which it is known how rare it is.
type program struct {
	name string
	// tasks is n, the one that starts the others included; depth is d, how many pairs of
	// operations have to come in a certain order, and no more, for the bug to show.
	tasks, depth int
	// steps is k, the number of decisions of the longest run that finds nothing: bare,
	// and with other work.
	steps [2]int
	parts func(rt *runtime.Runtime) []func(ctx context.Context)
	// posIsBelow is true where POS finds the bug less often than Random: bare, and with
	// other work. docs/detection.md says why.
	posIsBelow [2]bool

	hasWork bool
}

var whenBare, amongWork = [2]bool{true, false}, [2]bool{false, true}

// programs are small and regular, so that n, k and d can be counted. No two have the
// same shape: which of the operations of whom have to come before which of whose.
var programs = []program{
	{name: "use-before-init", tasks: 3, depth: 1, steps: [2]int{18, 83}, parts: useBeforeInit},
	{name: "closed-too-soon", tasks: 3, depth: 1, steps: [2]int{20, 113}, parts: closedTooSoon},
	{name: "wait-before-add", tasks: 3, depth: 1, steps: [2]int{22, 119}, parts: waitBeforeAdd},
	{name: "blocked-under-lock", tasks: 3, depth: 1, steps: [2]int{24, 96}, parts: blockedUnderLock},
	{name: "init-in-the-crowd", tasks: 7, depth: 1, steps: [2]int{42, 278}, parts: initInTheCrowd, posIsBelow: amongWork},
	{name: "late-listener", tasks: 3, depth: 1, steps: [2]int{20, 107}, parts: lateListener},
	{name: "overdraft", tasks: 3, depth: 2, steps: [2]int{19, 68}, parts: overdraft},
	{name: "write-skew", tasks: 3, depth: 2, steps: [2]int{21, 92}, parts: writeSkew},
	{name: "lost-signal", tasks: 3, depth: 2, steps: [2]int{25, 87}, parts: lostSignal},
	{name: "torn-read", tasks: 3, depth: 2, steps: [2]int{20, 66}, parts: tornRead},
	{name: "early-publish", tasks: 3, depth: 2, steps: [2]int{20, 102}, parts: earlyPublish},
	{name: "reader-twice", tasks: 3, depth: 2, steps: [2]int{23, 78}, parts: readerTwice},
	{name: "reused-node", tasks: 3, depth: 2, steps: [2]int{22, 64}, parts: reusedNode},
	{name: "greedy-pair", tasks: 3, depth: 2, steps: [2]int{23, 100}, parts: greedyPair},
	{name: "reversed", tasks: 4, depth: 2, steps: [2]int{24, 85}, parts: reversed},
	{name: "lock-ring", tasks: 4, depth: 3, steps: [2]int{36, 66}, parts: lockRing},
	{name: "zigzag", tasks: 3, depth: 3, steps: [2]int{20, 75}, parts: zigzag},
	{name: "relay", tasks: 4, depth: 3, steps: [2]int{27, 163}, parts: relay},
	{name: "seen-by-both", tasks: 4, depth: 4, steps: [2]int{25, 157}, parts: seenByBoth},
	{name: "lost-votes", tasks: 4, depth: 4, steps: [2]int{27, 137}, parts: lostVotes, posIsBelow: whenBare},
	{name: "two-updates", tasks: 4, depth: 4, steps: [2]int{26, 108}, parts: twoUpdates},
}

// workMax is how many operations of other work a task does at most.
const workMax = 64

// main starts the parts as tasks, lets all of them go at once, and waits for them. With
// other work each first does some operations on something of its own. How many is drawn
// by the name of the program, so that nobody has chosen them.
func (p program) main(ctx context.Context, rt *runtime.Runtime) {
	work := runtime.NewRand(xxhash.Sum64String(p.name))
	parts := p.parts(rt)
	gate, done := runtime.NewChan[int](rt, 0), rt.NewWaitGroup()
	done.Add(len(parts))
	for i, part := range parts {
		own, n := newRegister(rt, fmt.Sprint("own ", i)), work.IntN(workMax+1)
		rt.Go(ctx, "task", func(ctx context.Context) error {
			_, _ = gate.Recv(ctx) // ErrClosed, which is the signal
			for v := 0; p.hasWork && v < n; v++ {
				own.write(v)
			}
			part(ctx)
			done.Done()
			return nil
		})
	}
	gate.Close()
	done.Wait()
}

// column returns 1 for a program with other work, 0 for a bare one.
func (p program) column() int {
	if p.hasWork {
		return 1
	}
	return 0
}

// k returns the number of steps.
func (p program) k() int { return p.steps[p.column()] }

// finds reports whether a run of the program under a strategy shows the bug.
func (p program) finds(ctx context.Context, seed uint64, strategy func(uint64) sim.Strategy) (bool, sim.Result, error) {
	r, err := sim.Run(ctx, sim.Config{Seed: seed, Strategy: strategy}, body(p.main))
	if err == nil && r.Verdict.Kind == sim.Inconclusive {
		err = fmt.Errorf("%s, seed %d: %v", p.name, seed, r.Verdict)
	}
	return r.Verdict.Failed(), r, err
}

// register is a number that tasks read and write one operation at a time.
type register struct {
	rt       *runtime.Runtime
	resource *runtime.Resource
	value    int
}

func newRegister(rt *runtime.Runtime, name string) *register {
	return &register{rt: rt, resource: runtime.NewResource("register", name)}
}

func (r *register) read() int {
	r.rt.Read(r.resource)
	return r.value
}

func (r *register) write(v int) {
	r.rt.Write(r.resource)
	r.value = v
}

func (r *register) add(v int) int {
	r.rt.Write(r.resource)
	r.value += v
	return r.value
}

// useBeforeInit needs the use before the init.
func useBeforeInit(rt *runtime.Runtime) []func(context.Context) {
	x := newRegister(rt, "x")
	return []func(context.Context){
		func(context.Context) { x.write(1) },
		func(context.Context) { rt.Always(x.read() == 1, "initialised") },
	}
}

// closedTooSoon needs the close before the last of three sends.
func closedTooSoon(rt *runtime.Runtime) []func(context.Context) {
	c := runtime.NewChan[int](rt, 3)
	return []func(context.Context){
		func(ctx context.Context) {
			for v := range 3 {
				_ = c.Send(ctx, v)
			}
		},
		func(context.Context) { c.Close() },
	}
}

// waitBeforeAdd needs the wait for others before the first of them is there.
func waitBeforeAdd(rt *runtime.Runtime) []func(context.Context) {
	others, x := rt.NewWaitGroup(), newRegister(rt, "x")
	return []func(context.Context){
		func(context.Context) {
			others.Add(1)
			x.write(1)
			others.Done()
		},
		func(context.Context) {
			others.Wait()
			rt.Always(x.read() == 1, "done")
		},
	}
}

// blockedUnderLock needs the lock of the sender before that of the receiver.
func blockedUnderLock(rt *runtime.Runtime) []func(context.Context) {
	mu, c := rt.NewMutex(), runtime.NewChan[int](rt, 0)
	return []func(context.Context){
		func(ctx context.Context) {
			mu.Lock()
			_ = c.Send(ctx, 1)
			mu.Unlock()
		},
		func(ctx context.Context) {
			mu.Lock()
			mu.Unlock() //nolint:staticcheck // an operation, no guard
			_, _ = c.Recv(ctx)
		},
	}
}

// initInTheCrowd needs the use before the init, among four others who only write.
func initInTheCrowd(rt *runtime.Runtime) []func(context.Context) {
	x, y, all := newRegister(rt, "x"), newRegister(rt, "y"), make([]func(context.Context), 6)
	for i := range all {
		all[i] = func(context.Context) { y.write(1) }
	}
	all[0] = func(context.Context) { x.write(1) }
	all[5] = func(context.Context) { rt.Always(x.read() == 1, "initialised") }
	return all
}

// lateListener needs three events before the listener is there.
func lateListener(rt *runtime.Runtime) []func(context.Context) {
	listening := newRegister(rt, "listening")
	return []func(context.Context){
		func(context.Context) { listening.write(1) },
		func(context.Context) {
			missed := 0
			for range 3 {
				missed += 1 - listening.read()
			}
			rt.Always(missed < 3, "heard")
		},
	}
}

// overdraft needs both checks before both withdrawals.
func overdraft(rt *runtime.Runtime) []func(context.Context) {
	till := newRegister(rt, "till")
	till.value = 1
	withdraw := func(context.Context) {
		if till.read() > 0 {
			rt.Always(till.add(-1) >= 0, "no-overdraft")
		}
	}
	return []func(context.Context){withdraw, withdraw}
}

// lockRing needs each of three tasks to take its first lock before its neighbour takes
// its second one.
func lockRing(rt *runtime.Runtime) []func(context.Context) {
	locks, all := make([]*runtime.Mutex, 3), make([]func(context.Context), 3)
	for i := range locks {
		locks[i] = rt.NewMutex()
	}
	for i := range all {
		all[i] = func(context.Context) {
			locks[i].Lock()
			locks[(i+1)%3].Lock()
			locks[(i+1)%3].Unlock()
			locks[i].Unlock()
		}
	}
	return all
}

// writeSkew needs two looks at both of two registers before either of them is written.
func writeSkew(rt *runtime.Runtime) []func(context.Context) {
	x, y := newRegister(rt, "x"), newRegister(rt, "y")
	x.value, y.value = 1, 1
	leave := func(own *register) func(context.Context) {
		return func(context.Context) {
			if x.read()+y.read() == 2 {
				own.write(0)
				rt.Always(x.value+y.value > 0, "somebody-stays")
			}
		}
	}
	return []func(context.Context){leave(x), leave(y)}
}

// lostSignal needs the signal between the look at the flag and the wait.
func lostSignal(rt *runtime.Runtime) []func(context.Context) {
	mu, ready := rt.NewMutex(), newRegister(rt, "ready")
	cond := rt.NewCond(mu)
	return []func(context.Context){
		func(context.Context) {
			if ready.read() == 0 {
				mu.Lock()
				cond.Wait()
				mu.Unlock()
			}
		},
		func(context.Context) {
			ready.write(1)
			cond.Signal()
		},
	}
}

// tornRead needs two reads around two writes, or the other way round.
func tornRead(rt *runtime.Runtime) []func(context.Context) {
	x, y := newRegister(rt, "x"), newRegister(rt, "y")
	return []func(context.Context){
		func(context.Context) {
			x.write(1)
			y.write(1)
		},
		func(context.Context) { rt.Always(x.read() == y.read(), "whole") },
	}
}

// earlyPublish needs two reads between two writes.
func earlyPublish(rt *runtime.Runtime) []func(context.Context) {
	isPublished, data := newRegister(rt, "published"), newRegister(rt, "data")
	return []func(context.Context){
		func(context.Context) {
			isPublished.write(1)
			data.write(1)
		},
		func(context.Context) { rt.Always(isPublished.read() == 0 || data.read() == 1, "complete") },
	}
}

// readerTwice needs a writer between two read locks of one task.
func readerTwice(rt *runtime.Runtime) []func(context.Context) {
	mu := rt.NewRWMutex()
	return []func(context.Context){
		func(context.Context) {
			mu.RLock()
			mu.RLock()
			mu.RUnlock()
			mu.RUnlock()
		},
		func(context.Context) {
			mu.Lock()
			mu.Unlock() //nolint:staticcheck // an operation, no guard
		},
	}
}

// reusedNode needs three writes of one task between two operations of the other: the
// stack has the same top again, but not the same next one.
func reusedNode(rt *runtime.Runtime) []func(context.Context) {
	top, next := newRegister(rt, "top"), newRegister(rt, "next")
	top.value, next.value = 1, 2
	return []func(context.Context){
		func(context.Context) {
			if top.read() != 1 {
				return
			}
			after := next.read()
			rt.Write(top.resource)
			if top.value == 1 { // compare and swap
				rt.Always(next.value == after, "same-node")
				top.value = after
			}
		},
		func(context.Context) {
			top.write(2)
			next.write(3)
			top.write(1)
		},
	}
}

// zigzag needs four operations of two tasks in turn.
func zigzag(rt *runtime.Runtime) []func(context.Context) {
	x := newRegister(rt, "x")
	return []func(context.Context){
		func(context.Context) {
			x.write(1)
			x.write(2)
		},
		func(context.Context) {
			first := x.read()
			rt.Always(first != 1 || x.read() != 2, "no-zigzag")
		},
	}
}

// relay needs a message to get around by way of two tasks before its sender goes on.
func relay(rt *runtime.Runtime) []func(context.Context) {
	x, y, isSent := newRegister(rt, "x"), newRegister(rt, "y"), newRegister(rt, "sent")
	return []func(context.Context){
		func(context.Context) {
			x.write(1)
			isSent.write(1)
		},
		func(context.Context) {
			if x.read() == 1 {
				y.write(1)
			}
		},
		func(context.Context) { rt.Always(y.read() == 0 || isSent.read() == 1, "sent-first") },
	}
}

// twoUpdates needs a write of one task between the first two of three reads, and that of
// another one between the last two.
func twoUpdates(rt *runtime.Runtime) []func(context.Context) {
	x := newRegister(rt, "x")
	return []func(context.Context){
		func(context.Context) { x.write(1) },
		func(context.Context) { x.write(2) },
		func(context.Context) {
			seen := [3]int{x.read(), x.read(), x.read()}
			rt.Always(seen != [3]int{0, 1, 2}, "steady")
		},
	}
}

// greedyPair needs each of two tasks to get one of two units before either asks for its
// second one.
func greedyPair(rt *runtime.Runtime) []func(context.Context) {
	units := rt.NewSemaphore(2)
	both := func(ctx context.Context) {
		must(units.Acquire(ctx, 1))
		must(units.Acquire(ctx, 1))
		units.Release(2)
	}
	return []func(context.Context){both, both}
}

// reversed needs three tasks in the opposite order of their start.
func reversed(rt *runtime.Runtime) []func(context.Context) {
	log := newRegister(rt, "log")
	log.value = 9
	all := make([]func(context.Context), 3)
	for i := range all {
		all[i] = func(context.Context) {
			rt.Write(log.resource)
			log.value = 10*log.value + i
			rt.Always(log.value != 9210, "not-reversed")
		}
	}
	return all
}

// seenByBoth needs reads of two tasks between two writes of a third one.
func seenByBoth(rt *runtime.Runtime) []func(context.Context) {
	x, seen := newRegister(rt, "x"), 0
	look := func(context.Context) {
		seen += x.read()
		rt.Always(seen < 2, "not-seen")
	}
	return []func(context.Context){
		func(context.Context) {
			x.write(1)
			x.write(0)
		},
		look, look,
	}
}

// lostVotes needs one of three counters to read before the others write, and to write
// after them.
func lostVotes(rt *runtime.Runtime) []func(context.Context) {
	votes, left := newRegister(rt, "votes"), 3
	vote := func(context.Context) {
		votes.write(votes.read() + 1)
		left--
		rt.Always(left > 0 || votes.value > 1, "counted")
	}
	return []func(context.Context){vote, vote, vote}
}
