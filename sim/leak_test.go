package sim_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// forgotten leaves a task behind that sends to nobody, and one that waits for a lock.
func forgotten(ctx context.Context, rt *runtime.Runtime) {
	answers, mu := runtime.NewChan[int](rt, 0), rt.NewMutex()
	mu.Lock()
	rt.Go(ctx, "handler", func(ctx context.Context) error { return answers.Send(ctx, 1) })
	rt.Go(ctx, "writer", func(context.Context) error {
		mu.Lock()
		return nil
	})
}

// TestLeaksAreLookedForOnRequestOnly protects programs whose tasks end with the
// process.
func TestLeaksAreLookedForOnRequestOnly(t *testing.T) {
	wantOK(t, 20, body(forgotten))
}

// TestALeakSaysWhatWaitsAndWhereItCameFrom protects the report: for each task its
// path, what it waits for, who holds that, and the line that spawned it.
func TestALeakSaysWhatWaitsAndWhereItCameFrom(t *testing.T) {
	for seed := range uint64(20) {
		v := runWith(t, sim.Config{Seed: seed, LeaksAfter: time.Minute}, body(forgotten)).Verdict
		if v.Kind != sim.Leak || v.FailureID() != "leak" || !v.Failed() || v.Task != "" {
			t.Fatalf("seed %d: %v %q in %q", seed, v.Kind, v.FailureID(), v.Task)
		}
		if v.String() != "leak: main has returned, and 2 tasks wait for ever" {
			t.Errorf("seed %d: %v", seed, v)
		}
		want := []sim.TaskState{
			{Task: "main/handler", Wait: "send sim_test.forgotten.chan#0"},
			{Task: "main/writer", Wait: "lock sim_test.forgotten.mutex#0", Holder: "main"},
		}
		line := regexp.MustCompile(`^sim/leak_test\.go:\d+$`)
		for i, s := range v.Tasks {
			if !line.MatchString(s.Spawned) || !strings.Contains(v.Message, "\n  "+s.String()) {
				t.Errorf("seed %d: spawned at %q, message\n%s", seed, s.Spawned, v.Message)
			}
			v.Tasks[i].Spawned = ""
		}
		if diff := cmp.Diff(want, v.Tasks); diff != "" {
			t.Errorf("seed %d: tasks (-want +got):\n%s", seed, diff)
		}
	}
}

// TestWhatATimerEndsIsNoLeak protects loops that tick, sleeps that are longer than
// the patience of the harness, and waits that end by themselves.
func TestWhatATimerEndsIsNoLeak(t *testing.T) {
	for name, f := range map[string]func(ctx context.Context, rt *runtime.Runtime) error{
		"sleep": func(ctx context.Context, rt *runtime.Runtime) error { return rt.Sleep(ctx, time.Hour) },
		"timer": func(ctx context.Context, rt *runtime.Runtime) error {
			_, err := rt.NewTimer(time.Hour).C.Recv(ctx)
			return err
		},
		"ticker in a select": func(ctx context.Context, rt *runtime.Runtime) error {
			never := runtime.NewChan[int](rt, 0)
			for ticker := rt.NewTicker(time.Second); ; {
				if _, err := runtime.Select2(ctx, never.RecvArm(), ticker.C.RecvArm()); err != nil {
					return err
				}
			}
		},
		"deadline": func(ctx context.Context, rt *runtime.Runtime) error {
			ctx, cancel := rt.WithTimeout(ctx, time.Second)
			defer cancel()
			_, err := runtime.NewChan[int](rt, 0).Recv(ctx)
			return err
		},
		"a longer job": func(ctx context.Context, rt *runtime.Runtime) error {
			for range 1000 {
				rt.Yield()
			}
			return nil
		},
	} {
		r := runWith(t, sim.Config{LeaksAfter: time.Minute}, body(func(ctx context.Context, rt *runtime.Runtime) {
			rt.Go(ctx, "task", func(ctx context.Context) error { return f(ctx, rt) })
		}))
		if r.Verdict.Kind != sim.OK {
			t.Errorf("%s: %v %s", name, r.Verdict.Kind, r.Verdict.Message)
		}
	}
}

// TestAStoppedTimerWakesNobody protects from the opposite: a wait for a timer counts
// as a leak when no timer is left.
func TestAStoppedTimerWakesNobody(t *testing.T) {
	r := runWith(t, sim.Config{LeaksAfter: time.Minute}, body(func(ctx context.Context, rt *runtime.Runtime) {
		timer := rt.NewTimer(time.Second)
		rt.Go(ctx, "task", func(ctx context.Context) error {
			_, err := timer.C.Recv(ctx)
			return err
		})
		timer.Stop()
	}))
	if r.Verdict.Kind != sim.Leak {
		t.Errorf("%v %s", r.Verdict.Kind, r.Verdict.Message)
	}
}

// TestNodesMayGoOn protects servers, which are nobody's leak.
func TestNodesMayGoOn(t *testing.T) {
	r := runWith(t, sim.Config{LeaksAfter: time.Minute}, func(_ context.Context, w *sim.World) error {
		n, err := w.Node("server", func(ctx context.Context, rt *runtime.Runtime) error {
			_, err := runtime.NewChan[int](rt, 0).Recv(ctx)
			return err
		})
		if err != nil {
			return err
		}
		return n.Boot()
	})
	if r.Verdict.Kind != sim.OK {
		t.Errorf("%v %s", r.Verdict.Kind, r.Verdict.Message)
	}
}

// TestFailuresAfterMainCount protects what only shows in the tail of a run, and that a
// failure of main is not hidden by what it left behind.
func TestFailuresAfterMainCount(t *testing.T) {
	config := sim.Config{LeaksAfter: time.Minute}
	late := runWith(t, config, body(func(ctx context.Context, rt *runtime.Runtime) {
		forgotten(ctx, rt)
		rt.AfterFunc(time.Second, func() { rt.Always(false, "late") })
	}))
	if late.Verdict.FailureID() != "late" {
		t.Errorf("late: %v %s", late.Verdict.Kind, late.Verdict.Message)
	}
	failed := runWith(t, config, func(ctx context.Context, w *sim.World) error {
		forgotten(ctx, w.Runtime())
		return errors.New("broken")
	})
	if failed.Verdict.Message != "broken" {
		t.Errorf("failed: %v %s", failed.Verdict.Kind, failed.Verdict.Message)
	}
}

// TestALeakReplays protects the reproduction of a leak: the tape holds what it needs.
func TestALeakReplays(t *testing.T) {
	first := runWith(t, sim.Config{Seed: 3, LeaksAfter: time.Minute}, body(forgotten))
	second := runWith(t, sim.Config{Replay: first.Tape}, body(forgotten))
	if second.Verdict.Kind != sim.Leak || second.Hash != first.Hash {
		t.Errorf("%v %s", second.Verdict.Kind, second.Verdict.Message)
	}
	if err := (sim.Config{LeaksAfter: -1}).Validate(); !errors.Is(err, sim.ErrConfig) {
		t.Errorf("a negative LeaksAfter: %v", err)
	}
}

// TestWhatIsLeftIsTold protects those who look for what goes on after everything was closed:
// tasks that sleep, wait, or have yet to run, and timers that nobody has stopped.
func TestWhatIsLeftIsTold(t *testing.T) {
	for seed := range uint64(20) {
		wantMain := func(ctx context.Context, w *sim.World) error {
			rt := w.Runtime()
			if tasks, timers := w.Left(); len(tasks) != 0 || timers != 0 {
				t.Errorf("seed %d: %v and %d timers before anything was begun", seed, tasks, timers)
			}
			sleeping, stop := rt.WithCancel(ctx)
			sleeper := rt.Go(ctx, "sleeper", func(context.Context) error { return rt.Sleep(sleeping, time.Hour) })
			timer := rt.AfterFunc(time.Hour, func() {})
			if err := rt.Sleep(ctx, time.Second); err != nil {
				return err
			}
			tasks, timers := w.Left()
			if len(tasks) != 1 || tasks[0].Task != "main/sleeper" || timers != 2 {
				t.Errorf("seed %d: %v and %d timers", seed, tasks, timers)
			}
			stop()
			timer.Stop()
			_ = sleeper.Wait(ctx) // it says that it was cancelled
			if tasks, timers := w.Left(); len(tasks) != 0 || timers != 0 {
				t.Errorf("seed %d: %v and %d timers in the end", seed, tasks, timers)
			}
			return nil
		}
		if r, err := sim.Run(t.Context(), sim.Config{Seed: seed}, wantMain); err != nil || r.Verdict.Failed() {
			t.Fatal(r.Verdict, err)
		}
	}
}
