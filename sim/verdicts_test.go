package sim_test

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// TestOKIsSilent protects the common case: no id, no place, no text.
func TestOKIsSilent(t *testing.T) {
	v := wantKind(t, sim.OK, body(func(context.Context, *runtime.Runtime) {}))
	if diff := cmp.Diff(sim.Verdict{}, v); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if v.String() != "ok" || v.FailureID() != "" || v.Failed() {
		t.Errorf("%q, failure id %q, failed %v", v, v.FailureID(), v.Failed())
	}
}

// TestViolationSaysWhatAndWhere protects the report of a broken assertion: its
// id, its details, the task and the step.
func TestViolationSaysWhatAndWhere(t *testing.T) {
	v := wantKind(t, sim.Violation, body(func(ctx context.Context, rt *runtime.Runtime) {
		must(rt.Go(ctx, "clerk", func(context.Context) error {
			rt.Always(false, "no-overdraft", "balance", -20)
			t.Error("the task went on behind its violation")
			return nil
		}).Wait(ctx))
	}))
	if v.FailureID() != "no-overdraft" || v.String() != "no-overdraft balance=-20" || !v.Failed() {
		t.Errorf("failure id %q, text %q, failed %v", v.FailureID(), v, v.Failed())
	}
	if v.Task != "main/clerk" || v.Step == 0 || v.Time == 0 {
		t.Errorf("in %q at step %d, %v", v.Task, v.Step, v.Time)
	}
}

// TestUnreachableIsAViolation protects the other assertion that ends a run.
func TestUnreachableIsAViolation(t *testing.T) {
	v := wantKind(t, sim.Violation, body(func(_ context.Context, rt *runtime.Runtime) {
		rt.Unreachable("dead-end", "n", 1)
	}))
	if v.String() != "dead-end: reached n=1" {
		t.Errorf("text %q", v)
	}
}

// TestErrorOfMainIsAViolation protects scenarios that return their errors.
func TestErrorOfMainIsAViolation(t *testing.T) {
	v := wantKind(t, sim.Violation, func(context.Context, *sim.World) error { return errors.New("no quorum") })
	if v.ID != "error" || v.Message != "no quorum" || v.Task != "main" {
		t.Errorf("id %q, message %q, task %q", v.ID, v.Message, v.Task)
	}
}

// TestFirstVerdictCounts protects the cause from what it leads to.
func TestFirstVerdictCounts(t *testing.T) {
	v := wantKind(t, sim.Violation, func(_ context.Context, w *sim.World) error {
		defer func() { panic("second") }()
		w.Runtime().Always(false, "first")
		return errors.New("third")
	})
	if v.ID != "first" {
		t.Errorf("id %q", v.ID)
	}
}

// TestDeadlockListsEveryTask protects the report of a deadlock: for each task
// what it waits for, and who holds it.
func TestDeadlockListsEveryTask(t *testing.T) {
	v := wantKind(t, sim.Deadlock, func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		n := booted(w, "server", func(ctx context.Context, rt *runtime.Runtime) error {
			_, err := runtime.NewChan[int](rt, 0).Recv(ctx)
			return err
		})
		mu := rt.NewMutex()
		mu.Lock()
		requests, stop := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
		rt.Go(ctx, "locker", func(context.Context) error { mu.Lock(); return nil })
		rt.Go(ctx, "selector", func(ctx context.Context) error {
			_, err := runtime.Select2(ctx, requests.RecvArm(), stop.RecvArm())
			return err
		})
		return n.Wait()
	})
	const here = "TestDeadlockListsEveryTask.func."
	want := []sim.TaskState{
		{Task: "main", Wait: "node"},
		{Node: "server", Task: "main", Wait: "receive " + here + "chan#0"},
		{Task: "main/locker", Wait: "lock " + here[:len(here)-1] + ".mutex#0", Holder: "main"},
		{Task: "main/selector", Wait: "select " + here + "chan#0 " + here + "chan#1"},
	}
	if diff := cmp.Diff(want, v.Tasks); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	if v.String() != "deadlock: no task can ever run again" {
		t.Errorf("text %q", v)
	}
	for _, task := range want {
		if !strings.Contains(v.Message, "\n  "+task.String()) {
			t.Errorf("the message does not mention %q:\n%s", task, v.Message)
		}
	}
}

// TestDeadlockTellsOfPausedNodes protects the one cause of a deadlock that is
// not in the program.
func TestDeadlockTellsOfPausedNodes(t *testing.T) {
	v := wantKind(t, sim.Deadlock, func(_ context.Context, w *sim.World) error {
		n, err := w.Node("n1", forEver)
		must(err)
		must(n.Boot())
		must(n.Pause())
		return n.Wait()
	})
	if !strings.Contains(v.Message, "n1/main waits: ") || !strings.Contains(v.Message, "(node paused)") {
		t.Errorf("message:\n%s", v.Message)
	}
}

// explode is where the stack of a panic has to lead to.
func explode() { panic("boom") }

// TestPanicCarriesTheStackOfItsTask protects what iter.Pull would lose: the
// frames of the task that panicked.
func TestPanicCarriesTheStackOfItsTask(t *testing.T) {
	tests := []struct {
		name string
		main sim.Main
		task string
	}{
		{"in a task", body(func(ctx context.Context, rt *runtime.Runtime) {
			must(rt.Go(ctx, "bomb", func(context.Context) error { explode(); return nil }).Wait(ctx))
		}), "main/bomb"},
		{"in main", body(func(context.Context, *runtime.Runtime) { explode() }), "main"},
		{"in a deferred function", body(func(context.Context, *runtime.Runtime) { defer explode() }), "main"},
		{"after another panic", body(func(context.Context, *runtime.Runtime) { defer explode(); panic("first") }), "main"},
		{"in AfterFunc", body(func(ctx context.Context, rt *runtime.Runtime) {
			rt.AfterFunc(time.Second, explode)
			must(rt.Sleep(ctx, time.Minute))
		}), "after-func"},
		{"in AfterCancel", body(func(ctx context.Context, rt *runtime.Runtime) {
			child, cancel := rt.WithCancel(ctx)
			rt.AfterCancel(child, explode)
			cancel()
			must(rt.Sleep(ctx, time.Minute))
		}), "main/after-cancel"},
		{"in a group", body(func(ctx context.Context, rt *runtime.Runtime) {
			g := rt.NewGroup(ctx)
			g.Go("bomb", func(context.Context) error { explode(); return nil })
			must(g.Wait())
		}), "main"},
		{"in a node", func(_ context.Context, w *sim.World) error {
			return booted(w, "n1", func(context.Context, *runtime.Runtime) error { explode(); return nil }).Wait()
		}, "main"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := wantKind(t, sim.Panic, test.main)
			if !strings.Contains(v.Stack+v.Message, "sim_test.explode") {
				t.Errorf("the stack does not lead to the panic:\n%s", v.Stack)
			}
			if !strings.HasPrefix(v.Message, "boom") || v.Task != test.task || v.FailureID() != "panic" {
				t.Errorf("message %q, task %q, failure id %q", v.Message, v.Task, v.FailureID())
			}
		})
	}
}

// TestPanicIsRecoverable protects programs that handle their own panics.
func TestPanicIsRecoverable(t *testing.T) {
	wantOK(t, 5, body(func(_ context.Context, rt *runtime.Runtime) {
		func() {
			defer func() { recover() }() //nolint:errcheck // the value is of no interest
			rt.Yield()
			explode()
		}()
		rt.Yield()
	}))
}

// TestMisuseNamesTheObject protects the report of what kills a Go process.
func TestMisuseNamesTheObject(t *testing.T) {
	v := wantKind(t, sim.Misuse, body(func(_ context.Context, rt *runtime.Runtime) { rt.NewMutex().Unlock() }))
	if want := "unlock of unlocked mutex TestMisuseNamesTheObject.func.mutex#0"; v.Message != want {
		t.Errorf("message %q, want %q", v.Message, want)
	}
}

// TestGoexitEndsTheWorld protects tests that call t.FailNow and its like in a
// task.
func TestGoexitEndsTheWorld(t *testing.T) {
	leave := func(context.Context) error { goruntime.Goexit(); return nil }
	for name, main := range map[string]sim.Main{
		"main": body(func(ctx context.Context, _ *runtime.Runtime) { leave(ctx) }), //nolint:errcheck // does not return
		"main/leaver": body(func(ctx context.Context, rt *runtime.Runtime) {
			must(rt.Go(ctx, "leaver", leave).Wait(ctx))
		}),
		"main/grouped": body(func(ctx context.Context, rt *runtime.Runtime) {
			g := rt.NewGroup(ctx)
			g.Go("grouped", leave)
			must(g.Wait())
		}),
		"after-func": body(func(ctx context.Context, rt *runtime.Runtime) {
			rt.AfterFunc(1, goruntime.Goexit)
			must(rt.Sleep(ctx, time.Minute))
		}),
	} {
		v := wantKind(t, sim.Goexit, main)
		if want := fmt.Sprintf("task %s ended by runtime.Goexit", name); v.Message != want || v.Task != name {
			t.Errorf("message %q, task %q, want %q", v.Message, v.Task, want)
		}
	}
}
