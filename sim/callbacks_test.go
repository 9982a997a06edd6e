package sim_test

import (
	"context"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// hostile is a context of nobody's whose Err does what it should not, once the
// task that waits under it has parked.
type hostile struct {
	context.Context
	act atomic.Pointer[func()]
}

func (h *hostile) Err() error {
	if act := h.act.Load(); act != nil {
		(*act)()
	}
	return nil
}

// TestPanicOutsideAnyTaskIsNobodys protects tasks from what happens on their
// stacks while the kernel asks around there: the verdict has the panic, no task
// is blamed, and none can swallow it with a recover of its own.
func TestPanicOutsideAnyTaskIsNobodys(t *testing.T) {
	for name, test := range map[string]struct {
		act  func(rt *runtime.Runtime)
		kind sim.VerdictKind
		want string
	}{
		"panic":     {func(*runtime.Runtime) { panic("boom") }, sim.Panic, "boom"},
		"operation": {func(rt *runtime.Runtime) { rt.Yield() }, sim.Panic, "sim: yield outside any task"},
		"assertion": {func(rt *runtime.Runtime) { rt.Always(false, "id") }, sim.Violation, ""},
	} {
		v := wantKind(t, test.kind, body(func(ctx context.Context, rt *runtime.Runtime) {
			standard, cancel := context.WithCancel(context.Background())
			defer cancel()
			foreign := &hostile{Context: standard}
			rt.Go(ctx, "waiter", func(context.Context) error { return rt.Sleep(foreign, time.Hour) })
			must(rt.Sleep(ctx, time.Second))
			act := func() { test.act(rt) }
			foreign.act.Store(&act)
			defer func() {
				if value := recover(); value != nil {
					t.Errorf("%s: a task recovered %v", name, value)
				}
			}()
			rt.Yield()
			t.Errorf("%s: the run went on", name)
		}))
		if v.Message != test.want || v.Task != "" {
			t.Errorf("%s: message %q, task %q", name, v.Message, v.Task)
		}
	}
}

// TestPanicOfATimerIsAVerdict protects the process: a timer that fires on a
// channel which somebody has closed panics where no task runs at all.
func TestPanicOfATimerIsAVerdict(t *testing.T) {
	v := wantKind(t, sim.Panic, body(func(ctx context.Context, rt *runtime.Runtime) {
		rt.NewTimer(time.Second).C.Close()
		must(rt.Sleep(ctx, time.Minute))
	}))
	if v.Message != "send on closed channel" || !strings.Contains(v.Stack, "fire") {
		t.Errorf("message %q, stack:\n%s", v.Message, v.Stack)
	}
}

// TestSinkThatFailsGetsAVerdict protects the process from sinks of other
// people, wherever they are called from: before the first task, in a task,
// behind the end of one, for the verdict itself.
func TestSinkThatFailsGetsAVerdict(t *testing.T) {
	for _, at := range []trace.Kind{trace.Start, trace.Op, trace.Wait, trace.End, trace.Verdict} {
		for name, fail := range map[string]func(){"panic": func() { panic("sink") }, "exit": goruntime.Goexit} {
			config := sim.Config{Seed: 1, Trace: func(e trace.Event) {
				if e.Kind == at {
					fail()
				}
			}}
			r := runWith(t, config, body(func(ctx context.Context, rt *runtime.Runtime) {
				rt.Go(ctx, "task", func(context.Context) error { return nil })
				must(rt.Sleep(ctx, time.Second))
			}))
			want := map[string]sim.VerdictKind{"panic": sim.Panic, "exit": sim.Goexit}[name]
			if at == trace.Verdict {
				want = sim.OK // it was in before the sink heard of it
			}
			if r.Verdict.Kind != want {
				t.Errorf("%s at %v: verdict %v %q, want %v", name, at, r.Verdict.Kind, r.Verdict.Message, want)
			}
		}
	}
}

// lazy is a strategy that panics at a decision after the first task has ended.
type lazy struct{ first }

func (lazy) Pick(d *sim.Decision) int {
	if !d.Continues() {
		panic("lazy")
	}
	return 0
}

// TestStrategyThatPanicsBehindATask protects the process where the stack of a
// panic is not that of any task.
func TestStrategyThatPanicsBehindATask(t *testing.T) {
	r := runWith(t, sim.Config{Strategy: always(lazy{})}, body(func(ctx context.Context, rt *runtime.Runtime) {
		for range 3 {
			rt.Go(ctx, "task", func(context.Context) error { return nil })
		}
		must(rt.Sleep(ctx, time.Second))
	}))
	if r.Verdict.Kind != sim.Panic || r.Verdict.Message != "lazy" {
		t.Errorf("verdict %v", r.Verdict)
	}
}
