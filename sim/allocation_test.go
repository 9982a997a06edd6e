package sim_test

import (
	"context"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// allocations runs op on the harness of a world, with hash, ring and tape on,
// and returns the allocations per call once everything has its size.
func allocations(t *testing.T, prepare func(ctx context.Context, rt *runtime.Runtime) (op func())) float64 {
	t.Helper()
	var got float64
	r := runWith(t, sim.Config{StepsMax: 1 << 40}, body(func(ctx context.Context, rt *runtime.Runtime) {
		op := prepare(ctx, rt)
		for range 10_000 {
			op()
		}
		got = testing.AllocsPerRun(10_000, op)
	}))
	if r.Verdict.Kind != sim.OK {
		t.Fatal(r.Verdict)
	}
	return got
}

// TestHotPathsDoNotAllocate protects throughput: a decision, a switch, a
// message, a lock and a sleep allocate nothing.
func TestHotPathsDoNotAllocate(t *testing.T) {
	skipAllocations(t)
	for name, prepare := range map[string]func(ctx context.Context, rt *runtime.Runtime) func(){
		"yield": func(_ context.Context, rt *runtime.Runtime) func() { return rt.Yield },
		"switch": func(ctx context.Context, rt *runtime.Runtime) func() {
			for range 3 {
				rt.Go(ctx, "spinner", func(ctx context.Context) error { spin(ctx, rt); return nil })
			}
			return rt.Yield
		},
		"lock": func(_ context.Context, rt *runtime.Runtime) func() {
			mu := rt.NewMutex()
			return func() { mu.Lock(); mu.Unlock() } //nolint:staticcheck // measured, not guarded
		},
		"contended lock": func(ctx context.Context, rt *runtime.Runtime) func() {
			mu := rt.NewMutex()
			use := func() { mu.Lock(); rt.Yield(); mu.Unlock() }
			rt.Go(ctx, "rival", func(context.Context) error {
				for {
					use()
				}
			})
			return use
		},
		"message": func(ctx context.Context, rt *runtime.Runtime) func() {
			c := runtime.NewChan[int](rt, 0)
			rt.Go(ctx, "receiver", func(ctx context.Context) error {
				for {
					_, err := c.Recv(ctx)
					must(err)
				}
			})
			return func() { must(c.Send(ctx, 1)) }
		},
		"buffered message": func(ctx context.Context, rt *runtime.Runtime) func() {
			c := runtime.NewChan[int](rt, 1)
			return func() { must(c.Send(ctx, 1)); _, err := c.Recv(ctx); must(err) }
		},
		"select": func(ctx context.Context, rt *runtime.Runtime) func() {
			a, b := runtime.NewChan[int](rt, 1), runtime.NewChan[int](rt, 1)
			return func() {
				_, err := runtime.Select2(ctx, a.SendArm(1), b.SendArm(1))
				must(err)
				_, err = runtime.Select2(ctx, a.RecvArm(), b.RecvArm())
				must(err)
			}
		},
		"sleep": func(ctx context.Context, rt *runtime.Runtime) func() {
			return func() { must(rt.Sleep(ctx, time.Millisecond)) }
		},
		"choice": func(_ context.Context, rt *runtime.Runtime) func() { return func() { rt.Choose("network", "here", 3) } },
		"assertion": func(_ context.Context, rt *runtime.Runtime) func() {
			return func() { rt.Always(true, "holds"); rt.Sometimes(true, "met") }
		},
	} {
		if got := allocations(t, prepare); got != 0 {
			t.Errorf("%s: %.0f allocations", name, got)
		}
	}
}

// TestMemoryDoesNotGrowWithEndedTasks protects long runs: a million tasks that
// have come and gone leave nothing behind but their choices on the tape,
// whether one or a thousand live at a time.
func TestMemoryDoesNotGrowWithEndedTasks(t *testing.T) {
	for crowd, tasks := range map[int]int{1: 1_000_000, 1000: 200_000} {
		if testing.Short() || sim.RaceDetector {
			tasks /= 10
		}
		var grown int64
		config := sim.Config{StepsMax: 1 << 40, Strategy: always(first{})}
		r := runWith(t, config, body(func(ctx context.Context, rt *runtime.Runtime) {
			round := func() {
				g := rt.NewWaitGroup()
				for range crowd {
					g.Go(ctx, "short", func(context.Context) {})
				}
				g.Wait()
			}
			for range 20_000 / crowd {
				round() // until the ring is full
			}
			before := heap()
			for range tasks / crowd {
				round()
			}
			grown = heap() - before
		}))
		if tape := int64(len(r.Tape.Choices)); grown > tape*3/2+1<<20 || r.Verdict.Kind != sim.OK {
			t.Errorf("%d at a time: the heap has grown by %d KiB, the tape has %d; %v", crowd, grown>>10, tape>>10, r.Verdict)
		}
	}
}

// heap returns the bytes in use.
func heap() int64 {
	var stats goruntime.MemStats
	goruntime.GC()
	goruntime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// TestWorkersAreReused protects throughput and memory: tasks that follow one
// another run on the same coroutine, so a task costs itself and its context.
func TestWorkersAreReused(t *testing.T) {
	skipAllocations(t)
	got := allocations(t, func(ctx context.Context, rt *runtime.Runtime) func() {
		body := func(context.Context) error { return nil }
		return func() { must(rt.Go(ctx, "short", body).Wait(ctx)) }
	})
	if got > 4 {
		t.Errorf("%.0f allocations for a task, want at most 4", got)
	}
}

// skipAllocations skips a test of the costs of every other build.
func skipAllocations(t *testing.T) {
	t.Helper()
	if sim.RaceDetector {
		t.Skip("under the race detector each operation goes over to another goroutine, which allocates")
	}
}
