package sim_test

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// fixtures are the programs whose hashes are kept. They use what the simulator
// offers and nothing else, so that only a change of the simulator or of package
// runtime can change them.
var fixtures = []struct {
	name string
	main sim.Main
}{
	{"primitives", body(func(ctx context.Context, rt *runtime.Runtime) { must(bustle(ctx, rt)) })},
	{"cluster", cluster},
	{"timers", body(timers)},
}

var errLost = errors.New("the answer was lost")

// cluster is a counter that three clients advance by compare-and-set, while
// they crash and pause and answers get lost.
func cluster(ctx context.Context, w *sim.World) error {
	rt := w.Runtime()
	rand := rt.Rand("cluster")
	var value atomic.Int64
	advance := func(rt *runtime.Runtime, from int64) (int64, error) {
		rt.Yield()
		value.CompareAndSwap(from, from+1)
		if rt.Choose("storage", "answer", 8) == 7 {
			rt.FaultDelivered("lost-answer")
			return 0, errLost
		}
		return value.Load(), nil
	}
	client := func(ctx context.Context, rt *runtime.Runtime) error {
		rand := rt.Rand("client")
		for last := int64(0); last < 20; {
			seen, err := advance(rt, last)
			if err == nil {
				rt.Always(seen >= last, "monotone", "last", last, "seen", seen)
				last = seen
			}
			pause := runtime.Between(rand, 0, 5*time.Millisecond)
			if rt.Buggify("long-pause") {
				pause *= 100
			}
			must(rt.Sleep(ctx, pause))
		}
		return nil
	}
	for _, name := range []string{"a", "b", "c"} {
		n := booted(w, name, client)
		must(w.Inject(sim.Fault{
			Kind: []sim.FaultKind{sim.FaultCrash, sim.FaultPause}[rand.IntN(2)], Target: n.Name(),
			Step: runtime.Between[uint64](rand, 10, 200), Duration: runtime.Between(rand, 1, 30*time.Millisecond),
		}))
	}
	must(rt.Sleep(ctx, 20*time.Millisecond))
	w.Quiesce(time.Minute)
	for _, n := range w.Nodes() {
		must(n.Wait())
	}
	rt.Sometimes(value.Load() > 20, "lost-answer-counted-twice")
	rt.Always(value.Load() >= 20, "counted", "value", value.Load())
	return nil
}

// timers lets tickers, timers and time-outs come due together.
func timers(ctx context.Context, rt *runtime.Runtime) {
	start := rt.Now()
	ticker := rt.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	var calls atomic.Int64
	for i := range 5 {
		rt.AfterFunc(time.Duration(i%2)*20*time.Millisecond-rt.Since(start), func() { rt.Yield(); calls.Add(1) })
	}
	timer := rt.NewTimer(20 * time.Millisecond)
	for calls.Load() < 5 || rt.Since(start) < 50*time.Millisecond {
		short, cancel := rt.WithTimeout(ctx, 10*time.Millisecond)
		r, err := runtime.Select2(short, ticker.C.RecvArm(), timer.C.RecvArm())
		cancel()
		if err == nil && r.Index == 1 {
			timer.Reset(7 * time.Millisecond)
		}
	}
}

// money is a run with a violation, whose story is kept: two clerks check the
// till, then act.
func money(ctx context.Context, w *sim.World) error {
	n := booted(w, "shop", func(ctx context.Context, rt *runtime.Runtime) error {
		mu := rt.NewMutex()
		var till atomic.Int64
		till.Store(100)
		clerk := func(amount int64) func(context.Context) error {
			return func(ctx context.Context) error {
				mu.Lock()
				enough := till.Load() >= amount
				mu.Unlock()
				if enough && rt.Choose("network", "approval", 3) < 2 {
					mu.Lock()
					till.Add(-amount)
					mu.Unlock()
					rt.Logger().InfoContext(ctx, "sold", "amount", amount)
				}
				rt.Always(till.Load() >= 0, "no-overdraft", "till", till.Load())
				return nil
			}
		}
		g := rt.NewGroup(ctx)
		g.Go("alice", clerk(60))
		g.Go("bob", clerk(60))
		return g.Wait()
	})
	must(w.Inject(sim.Fault{Kind: sim.FaultPause, Target: n.Name(), Step: 15, Duration: time.Second}))
	return n.Wait()
}
