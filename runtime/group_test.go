package runtime_test

import (
	"context"
	"errors"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// A panic in a task surfaces in the owner of the group, with the value, the
// task's path, and the stack of where it happened.
func TestGroupWaitPanicsWithTheStackOfTheTask(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		group := rt.NewGroup(ctx)
		group.Go("clumsy", func(context.Context) error { return stumble() })
		value := recovered(func() { _ = group.Wait() })
		var p *runtime.TaskPanic
		if err, ok := value.(error); !ok || !errors.As(err, &p) {
			t.Fatalf("Wait panicked with %T", value)
		}
		if p.Value != "stumbled" || p.Task != "main/clumsy" || p.Unwrap() != nil {
			t.Errorf("panic of %s with %v, wrapping %v", p.Task, p.Value, p.Unwrap())
		}
		message := p.Error()
		for _, part := range []string{"stumbled [task main/clumsy]", "runtime_test.stumble", "group_test.go"} {
			if !strings.Contains(message, part) {
				t.Errorf("no %q in the panic of Wait:\n%s", part, message)
			}
		}
	})
}

//go:noinline
func stumble() error { panic("stumbled") }

// The context of a group ends with the panic, its cause says why.
func TestGroupPanicCancelsTheOthers(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		group := rt.NewGroup(ctx)
		group.Go("clumsy", func(context.Context) error { return stumble() })
		group.Go("patient", func(ctx context.Context) error { return rt.Sleep(ctx, time.Hour) })
		recovered(func() { _ = group.Wait() })
		var p *runtime.TaskPanic
		if cause := context.Cause(group.Context()); !errors.As(cause, &p) || p.Task != "main/clumsy" {
			t.Errorf("cause %v", cause)
		}
	})
}

// A task that panics with an error lets the owner find it.
func TestGroupPanicWrapsAnError(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		broken := errors.New("broken")
		group := rt.NewGroup(ctx)
		group.Go("clumsy", func(context.Context) error { panic(broken) })
		value := recovered(func() { _ = group.Wait() })
		if err, ok := value.(error); !ok || !errors.Is(err, broken) {
			t.Errorf("Wait panicked with %v", value)
		}
	})
}

// An error before the panic does not hide it.
func TestGroupKeepsALatePanic(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		group := rt.NewGroup(ctx)
		group.Go("fails", func(context.Context) error { return errors.New("no") })
		group.Go("clumsy", func(ctx context.Context) error {
			_ = rt.Sleep(ctx, time.Hour)
			return stumble()
		})
		if recovered(func() { _ = group.Wait() }) == nil {
			t.Error("Wait returned")
		}
	})
}

// A task that leaves by Goexit, as t.FailNow does, does not hang its group.
func TestGroupSurvivesGoexit(t *testing.T) {
	group := runtime.New(runtime.Options{}).NewGroup(context.Background())
	group.Go("leaves", func(context.Context) error { goexit(); return nil })
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

func goexit() { goruntime.Goexit() }

// A group without tasks is done; its context ends with Wait.
func TestEmptyGroup(t *testing.T) {
	onBoth(t, runtime.Options{}, func(t *testing.T, ctx context.Context, rt *runtime.Runtime) {
		group := rt.NewGroup(ctx)
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
		if err := group.Context().Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("context after Wait: %v", err)
		}
	})
}
