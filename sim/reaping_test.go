package sim_test

import (
	"context"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// tools are what the deferred functions below play with.
type tools struct {
	ctx    context.Context
	ended  context.Context
	cancel context.CancelFunc
	rt     *runtime.Runtime
	mu     *runtime.Mutex
	other  *runtime.Mutex // held by somebody else
	c      *runtime.Chan[int]
	cond   *runtime.Cond
	group  *runtime.Group
	timer  *runtime.Timer
}

func newTools(ctx context.Context, rt *runtime.Runtime) *tools {
	u := &tools{rt: rt, mu: rt.NewMutex(), other: rt.NewMutex(), c: runtime.NewChan[int](rt, 0)}
	u.ctx, u.cancel = rt.WithCancel(ctx)
	var end context.CancelFunc
	u.ended, end = rt.WithCancel(ctx)
	end()
	u.cond = rt.NewCond(u.mu)
	u.group = rt.NewGroup(ctx)
	u.timer = rt.NewTimer(time.Hour)
	u.other.Lock()
	u.mu.Lock()
	return u
}

// nasty are deferred functions of tasks that are unwound after the verdict. To
// none of them may the world answer with anything but the end.
var nasty = map[string]func(u *tools){
	"returns":             func(*tools) {},
	"unlocks":             func(u *tools) { u.mu.Unlock() },
	"locks":               func(u *tools) { u.other.Lock() },
	"waits":               func(u *tools) { u.cond.Wait() },
	"sends":               func(u *tools) { must(u.c.Send(u.ctx, 1)) },
	"receives":            func(u *tools) { _, err := u.c.Recv(u.ctx); must(err) },
	"closes":              func(u *tools) { u.c.Close() },
	"selects":             func(u *tools) { _, err := runtime.Select2(u.ctx, u.c.RecvArm(), u.c.SendArm(1)); must(err) },
	"sleeps":              func(u *tools) { must(u.rt.Sleep(u.ctx, time.Hour)) },
	"spawns":              func(u *tools) { u.rt.Go(u.ctx, "child", func(context.Context) error { panic("ran") }) },
	"waits for tasks":     func(u *tools) { must(u.group.Wait()) },
	"registers callbacks": func(u *tools) { u.rt.AfterCancel(u.ended, func() { panic("called") }) },
	"cancels":             func(u *tools) { u.cancel() },
	"asks":                func(u *tools) { must(u.ctx.Err()) },
	"sets timers":         func(u *tools) { u.rt.AfterFunc(0, func() { panic("fired") }); u.timer.Reset(0) },
	"makes contexts":      func(u *tools) { _, cancel := u.rt.WithTimeout(u.ctx, 1); cancel() },
	"chooses":             func(u *tools) { u.rt.Choose("network", "here", 2) },
	"yields":              func(u *tools) { u.rt.Yield() },
	"yields for ever": func(u *tools) {
		for {
			u.rt.Yield()
		}
	},
	"panics":       func(*tools) { panic("while unwound") },
	"panics twice": func(*tools) { defer panic("second"); panic("first") },
	"exits":        func(*tools) { goruntime.Goexit() },
	"violates":     func(u *tools) { u.rt.Always(false, "while-unwound") },
	"misuses":      func(u *tools) { u.rt.NewMutex().Unlock() },
	"recovers in a loop": func(u *tools) {
		for {
			func() {
				defer func() { recover() }() //nolint:errcheck // the point is to go on
				u.other.Lock()
			}()
		}
	},
	"recovers a panic in a loop": func(u *tools) {
		for range 3 {
			func() {
				defer func() { recover() }() //nolint:errcheck // the point is to go on
				panic("again")
			}()
		}
		u.rt.Yield()
	},
}

// TestUnwindingSurvivesDeferredFunctions protects the end of a run: whatever
// the deferred functions of dead tasks try, all of them run, the verdict stays,
// and no goroutine is left.
func TestUnwindingSurvivesDeferredFunctions(t *testing.T) {
	for name, deferred := range nasty {
		t.Run(name, func(t *testing.T) {
			ran := 0
			victim := func(ctx context.Context, rt *runtime.Runtime) error {
				u := newTools(ctx, rt)
				defer func() { ran++ }()
				defer deferred(u)
				defer func() { ran++ }()
				return stubborn(ctx, rt)
			}
			r := run(t, 1, func(ctx context.Context, w *sim.World) error {
				rt := w.Runtime()
				rt.Go(ctx, "abandoned", func(ctx context.Context) error { return victim(ctx, rt) })
				grouped := rt.NewGroup(ctx)
				grouped.Go("grouped", func(ctx context.Context) error { return victim(ctx, rt) })
				crashed := booted(w, "crashed", victim)
				booted(w, "running", victim)
				pass(ctx, w, time.Second)
				must(crashed.Crash())
				if ran > 0 {
					t.Error("a deferred function ran before the verdict")
				}
				return nil
			})
			if r.Verdict.Kind != sim.OK {
				t.Errorf("verdict %v: %s", r.Verdict.Kind, r.Verdict.Message)
			}
			if ran != 8 {
				t.Errorf("%d deferred functions ran, want 8", ran)
			}
		})
	}
}

// TestUnwindingAfterEveryVerdict protects all ways in which a run ends: the
// other tasks are unwound, wherever they are.
func TestUnwindingAfterEveryVerdict(t *testing.T) {
	for kind, end := range map[sim.VerdictKind]func(ctx context.Context, w *sim.World){
		sim.OK:        func(context.Context, *sim.World) {},
		sim.Violation: func(_ context.Context, w *sim.World) { w.Runtime().Always(false, "id") },
		sim.Deadlock: func(_ context.Context, w *sim.World) {
			for _, n := range w.Nodes() {
				must(n.Crash())
			}
			mu := w.Runtime().NewMutex()
			mu.Lock()
			mu.Lock()
		},
		sim.Panic:        func(context.Context, *sim.World) { panic("boom") },
		sim.Misuse:       func(_ context.Context, w *sim.World) { w.Runtime().NewMutex().Unlock() },
		sim.Goexit:       func(context.Context, *sim.World) { goruntime.Goexit() },
		sim.Inconclusive: func(ctx context.Context, w *sim.World) { spin(ctx, w.Runtime()) },
	} {
		unwound := 0
		victim := func(ctx context.Context, rt *runtime.Runtime) error {
			defer func() { unwound++ }()
			return rt.Sleep(ctx, 1000*time.Hour)
		}
		r := runWith(t, sim.Config{StepsMax: 1000}, func(ctx context.Context, w *sim.World) error {
			defer func() { unwound++ }()
			for _, name := range []string{"n1", "n2", "n3"} {
				booted(w, name, victim)
			}
			pass(ctx, w, time.Millisecond)
			end(ctx, w)
			return nil
		})
		if r.Verdict.Kind != kind || unwound != 4 {
			t.Errorf("%v: verdict %v, %d tasks unwound, want 4", kind, r.Verdict.Kind, unwound)
		}
	}
}

// TestUnwindingIsNotObserved protects counts, tape and hash from what deferred
// functions of dead tasks do.
func TestUnwindingIsNotObserved(t *testing.T) {
	results := make([]sim.Result, 2)
	for i := range results {
		results[i] = run(t, 1, func(ctx context.Context, w *sim.World) error {
			booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
				defer func() {
					if i == 1 {
						rt.Reachable("unwound")
						rt.FaultDelivered("unwound")
						rt.Choose("network", "here", 2)
					}
				}()
				return forEver(ctx, rt)
			})
			pass(ctx, w, time.Second)
			return nil
		})
	}
	if len(results[1].Assertions) > 0 || results[0].Hash != results[1].Hash || results[1].Steps != results[0].Steps {
		t.Errorf("assertions %v, hashes %x and %x", results[1].Assertions, results[0].Hash, results[1].Hash)
	}
}

// TestUseAfterTheRunPanics protects those who keep a runtime longer than its
// world: they get told, where a dead task would get another Goexit.
func TestUseAfterTheRunPanics(t *testing.T) {
	var kept *runtime.Runtime
	var world *sim.World
	run(t, 1, func(_ context.Context, w *sim.World) error { kept, world = w.Runtime(), w; return nil })
	for name, use := range map[string]func(){
		"yield after the end of the run":          kept.Yield,
		"node after the end of the run":           func() { world.Quiesce(0) },
		"choice at here after the end of the run": func() { kept.Choose("network", "here", 2) },
		"failure after the end of the run":        func() { kept.Always(false, "late") },
	} {
		func() {
			defer func() {
				if got := recover(); got != "sim: "+name {
					t.Errorf("panic %v, want %q", got, name)
				}
			}()
			use()
		}()
	}
}
