package sim_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// bustle is a process that is busy with every primitive at once, for about a
// second of virtual time. It fails if it notices anything wrong.
func bustle(ctx context.Context, rt *runtime.Runtime) error {
	mu, door, slots := rt.NewMutex(), rt.NewRWMutex(), rt.NewSemaphore(2)
	cond := rt.NewCond(mu)
	work, done := runtime.NewChan[int](rt, 1), runtime.NewChan[int](rt, 0)
	left := 3
	g := rt.NewGroup(ctx)
	for range left {
		g.Go("worker", func(ctx context.Context) error {
			defer func() { mu.Lock(); defer mu.Unlock(); left--; cond.Broadcast() }()
			for v := range work.All(ctx) {
				must(slots.Acquire(ctx, 1))
				door.RLock()
				must(rt.Sleep(ctx, time.Duration(v)*time.Millisecond))
				door.RUnlock()
				slots.Release(1)
				must(done.Send(ctx, v))
			}
			return nil
		})
	}
	g.Go("sink", func(ctx context.Context) error {
		ticker := rt.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for n := 0; n < 8; {
			r, err := runtime.Select2(ctx, done.RecvArm(), ticker.C.RecvArm())
			if err != nil {
				return err
			}
			if r.Index == 0 {
				n++
			}
		}
		return nil
	})
	g.Go("closer", func(ctx context.Context) error {
		short, cancel := rt.WithTimeout(ctx, 3*time.Millisecond)
		defer cancel()
		rt.AfterCancel(short, func() { door.Lock(); defer door.Unlock() })
		for v := range 8 {
			must(work.Send(ctx, v))
		}
		work.Close()
		mu.Lock()
		defer mu.Unlock()
		for left > 0 {
			cond.Wait()
		}
		return nil
	})
	return g.Wait()
}

// stepsOfBustle is the number of decisions in which a fault can hit the node.
func stepsOfBustle(t *testing.T, seed uint64) uint64 {
	r := run(t, seed, func(_ context.Context, w *sim.World) error { return booted(w, "n1", bustle).Wait() })
	if r.Verdict.Kind != sim.OK || r.Steps < 100 {
		t.Fatalf("verdict %v after %d steps", r.Verdict, r.Steps)
	}
	return r.Steps
}

// TestFaultsHitAnyStep protects the kernel where it is most delicate: a node is
// crashed, and in another run paused, before each of its decisions in turn,
// also the one on whose task's stack the fault is delivered. Another node does
// not notice. The one that was hit goes on, or starts again, and gets through;
// and each run repeats.
func TestFaultsHitAnyStep(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 1
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		for step := range stepsOfBustle(t, seed) {
			for _, kind := range []sim.FaultKind{sim.FaultCrash, sim.FaultPause} {
				hitAt(t, seed, kind, step)
			}
		}
	}
}

func hitAt(t *testing.T, seed uint64, kind sim.FaultKind, step uint64) {
	t.Helper()
	main := func(_ context.Context, w *sim.World) error {
		var ends atomic.Int64
		n, err := w.Node("n1", func(ctx context.Context, rt *runtime.Runtime) error {
			must(bustle(ctx, rt))
			ends.Add(1)
			return nil
		})
		must(err)
		must(w.Inject(sim.Fault{Kind: kind, Target: n.Name(), Step: step, Duration: 7 * time.Millisecond}))
		other := booted(w, "n2", bustle)
		must(n.Boot())
		for ends.Load() == 0 {
			must(n.Wait())
			if n.State() == sim.Crashed {
				pass(context.Background(), w, 10*time.Millisecond) // by then it has been restarted
			}
		}
		return other.Wait()
	}
	first := run(t, seed, main)
	if first.Verdict.Kind != sim.OK {
		t.Fatalf("%s before step %d, seed %d: %v\n%s", kind, step, seed, first.Verdict.Message, first.Verdict.Stack)
	}
	if step%16 == 0 {
		if second := run(t, seed, main); second.Hash != first.Hash {
			t.Fatalf("%s before step %d, seed %d: hashes %x and %x", kind, step, seed, first.Hash, second.Hash)
		}
	}
}
