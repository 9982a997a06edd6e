package sim_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// impatient gives up soon.
var impatient = sim.Config{Seed: 1, StuckAfter: 100 * time.Millisecond}

// TestNativeBlockIsAnEscape protects against runs that hang: the verdict says
// which task blocks, the stacks say where, and the last decisions and the tape
// are there although the story cannot be told.
func TestNativeBlockIsAnEscape(t *testing.T) {
	block, unwound := make(chan struct{}), make(chan struct{})
	goneOn := false
	r := runWith(t, impatient, func(_ context.Context, w *sim.World) error {
		return booted(w, "n1", func(_ context.Context, rt *runtime.Runtime) error {
			defer close(unwound)
			rt.Yield()
			<-block
			rt.Yield()
			goneOn = true
			return nil
		}).Wait()
	})
	v := r.Verdict
	if v.Kind != sim.Escape || v.Node != "n1" || v.Task != "main" || v.Step == 0 || v.Step != r.Steps {
		t.Errorf("verdict %v in %s/%s at step %d of %d", v.Kind, v.Node, v.Task, v.Step, r.Steps)
	}
	want := "a step took more than 100ms: blocked natively in a channel receive at sim/escape_test.go:"
	if !strings.HasPrefix(v.Message, want) {
		t.Errorf("message %q, want %q...", v.Message, want)
	}
	if !strings.Contains(v.Stack, "TestNativeBlockIsAnEscape") || !strings.Contains(v.Stack, "[chan receive") {
		t.Errorf("the stacks do not show the culprit:\n%s", v.Stack)
	}
	if last := r.Recent(1); len(last) != 1 || last[0].Who() != "n1/main" || last[0].Text != "yield" {
		t.Errorf("last decision %v", last)
	}
	if r.Tape.Len() == 0 {
		t.Error("no choices on the tape")
	}
	close(block) // what was left behind ends at its next step, and is unwound
	if <-unwound; goneOn {
		t.Error("the world went on after its verdict")
	}
}

// TestNativeMutexHeldAcrossAParkIsAnEscape protects against the usual mistake
// with foreign code: one task parks inside a native lock, another one wants it.
func TestNativeMutexHeldAcrossAParkIsAnEscape(t *testing.T) {
	var mu sync.Mutex
	ended := make(chan struct{}, 2)
	r := runWith(t, impatient, body(func(ctx context.Context, rt *runtime.Runtime) {
		g := rt.NewGroup(ctx)
		for i := range 2 {
			g.Go("locker", func(ctx context.Context) error {
				defer func() { ended <- struct{}{} }()
				must(rt.Sleep(ctx, time.Duration(i)*time.Second))
				mu.Lock()
				must(rt.Sleep(ctx, time.Minute))
				mu.Unlock()
				return nil
			})
		}
		must(g.Wait())
	}))
	if r.Verdict.Kind != sim.Escape || r.Verdict.Task != "main/locker#1" ||
		!strings.Contains(r.Verdict.Stack, "[sync.Mutex.Lock") {
		t.Errorf("verdict %v in %q", r.Verdict, r.Verdict.Task)
	}
	mu.Unlock() // in place of the task that never will
	<-ended
	<-ended
}

// TestEscapeSaysWhatToUseInstead protects people who port: the message names
// the native function, the line of theirs that called it, and the way out.
func TestEscapeSaysWhatToUseInstead(t *testing.T) {
	var (
		mu, held          sync.Mutex
		zero              runtime.Mutex
		group             sync.WaitGroup
		channel           = make(chan int)
		free, awake, stop atomic.Bool
	)
	cond := sync.NewCond(&mu)
	held.Lock()
	zero.Lock()
	group.Add(1)
	for _, test := range []struct {
		name    string
		block   func()
		release func()
		want    string
	}{
		{"receive", func() { <-channel }, func() { channel <- 1 }, "a channel receive at %: use ch.Recv(ctx)"},
		{"send", func() { channel <- 1 }, func() { <-channel }, "a channel send at %: use ch.Send(ctx, v)"},
		{
			"select", func() {
				select {
				case <-channel:
				case channel <- 1:
				}
			}, func() { <-channel }, "a select at %: use runtime.Select2..Select4(ctx, arms...)",
		},
		{"mutex", held.Lock, held.Unlock, "sync.(*Mutex).Lock at %: use rt.NewMutex()"},
		{"zero mutex", zero.Lock, zero.Unlock, "runtime.(*Mutex).Lock at %: a zero Mutex is a native one"},
		{"wait group", group.Wait, group.Done, "sync.(*WaitGroup).Wait at %: use rt.NewWaitGroup()"},
		{
			"cond", func() {
				mu.Lock()
				for !free.Load() {
					cond.Wait()
				}
				mu.Unlock()
			}, func() { free.Store(true); cond.Broadcast() }, "sync.(*Cond).Wait at %: use rt.NewCond(locker)",
		},
		{
			"sleep", func() {
				for !awake.Load() {
					time.Sleep(300 * time.Millisecond)
				}
			}, func() { awake.Store(true) }, "time.Sleep at %: use rt.Sleep(ctx, d)",
		},
	} {
		ended := make(chan struct{})
		r := runWith(t, impatient, body(func(context.Context, *runtime.Runtime) {
			defer close(ended)
			test.block()
		}))
		test.release()
		<-ended
		wantEscape(t, test.name, r.Verdict, "blocked natively in "+test.want)
	}
	ended := make(chan struct{})
	r := runWith(t, impatient, body(func(context.Context, *runtime.Runtime) {
		defer close(ended)
		for !stop.Load() {
			continue
		}
	}))
	stop.Store(true)
	<-ended
	wantEscape(t, "spin", r.Verdict, "it spins at %: let others run with rt.Yield()")
}

// wantEscape compares a message, in which % stands for a line of this file.
func wantEscape(t *testing.T, name string, v sim.Verdict, want string) {
	t.Helper()
	before, after, _ := strings.Cut(want, "%")
	_, rest, found := strings.Cut(v.Message, before+"sim/escape_test.go:")
	if v.Kind != sim.Escape || !found || !strings.Contains(rest, after) {
		t.Errorf("%s: verdict %v, want %q", name, v, want)
	}
}

// TestEscapedWorldTellsNothingMore protects sinks, which belong to the caller
// again when Run has returned.
func TestEscapedWorldTellsNothingMore(t *testing.T) {
	block, woken := make(chan struct{}), make(chan struct{})
	config := impatient
	var returned atomic.Bool
	config.Trace = func(e trace.Event) {
		if returned.Load() {
			t.Errorf("told %v", e)
		}
	}
	runWith(t, config, body(func(ctx context.Context, rt *runtime.Runtime) {
		defer close(woken)
		<-block
		rt.Logger().Info("still here")
		rt.Choose("network", "here", 2)
		t.Error("chose")
	}))
	returned.Store(true)
	close(block)
	<-woken
}

// TestSpinWithoutSchedulingPointsIsAnEscape protects against loops that wait
// for something that cannot happen while they run.
func TestSpinWithoutSchedulingPointsIsAnEscape(t *testing.T) {
	var stop atomic.Bool
	r := runWith(t, impatient, body(func(context.Context, *runtime.Runtime) {
		for !stop.Load() {
			continue
		}
	}))
	stop.Store(true)
	if r.Verdict.Kind != sim.Escape || r.Verdict.Task != "main" {
		t.Errorf("verdict %v in %q", r.Verdict.Kind, r.Verdict.Task)
	}
}

// TestSlowStepsAreNoEscape protects programs whose steps are slow but end, such
// as those with real input and output.
func TestSlowStepsAreNoEscape(t *testing.T) {
	patiently(t, sim.OK, func(patience time.Duration) sim.Result {
		return runWith(t, sim.Config{StuckAfter: patience}, body(func(_ context.Context, rt *runtime.Runtime) {
			for range 16 {
				time.Sleep(patience / 6) // real time: more than twice StuckAfter in total
				rt.Yield()
			}
		}))
	})
}

// patiently runs something that is not stuck, with more patience each time: on
// a busy machine a world may not get a processor for a while.
func patiently(t *testing.T, want sim.VerdictKind, run func(patience time.Duration) sim.Result) {
	t.Helper()
	for patience := 60 * time.Millisecond; ; patience *= 2 {
		v := run(patience).Verdict
		if v.Kind == want {
			return
		}
		if v.Kind != sim.Escape || patience > 2*time.Second {
			t.Fatalf("with a patience of %v: verdict %v", patience, v)
		}
	}
}

// TestBlockWhileUnwindingIsReported protects the verdict from a deferred
// function that blocks after it: a failure stays what it was, a pass does not.
func TestBlockWhileUnwindingIsReported(t *testing.T) {
	for _, test := range []struct {
		holds bool
		want  sim.VerdictKind
	}{{true, sim.Escape}, {false, sim.Violation}} {
		block := make(chan struct{})
		r := runWith(t, impatient, body(func(ctx context.Context, rt *runtime.Runtime) {
			rt.Go(ctx, "blocker", func(ctx context.Context) error {
				defer func() { <-block }()
				return forEver(ctx, rt)
			})
			must(rt.Sleep(ctx, time.Second))
			rt.Always(test.holds, "holds")
		}))
		close(block)
		if r.Verdict.Kind != test.want {
			t.Errorf("verdict %v, want %v", r.Verdict.Kind, test.want)
		}
		if !strings.Contains(r.Verdict.Message, "at the end a deferred function took more than 100ms") {
			t.Errorf("message %q", r.Verdict.Message)
		}
		if r.Verdict.Kind == sim.Violation && r.Verdict.ID != "holds" {
			t.Errorf("violation %q", r.Verdict.ID)
		}
	}
}
