package sim_test

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// TestTheWorldStandsStillDuringACall protects the meaning of virtual time: nothing of the
// world moves while a function is outside, however long that takes.
func TestTheWorldStandsStillDuringACall(t *testing.T) {
	wantOK(t, 20, body(func(ctx context.Context, rt *runtime.Runtime) {
		var moved atomic.Int64
		other := rt.Go(ctx, "other", func(ctx context.Context) error {
			for range 20 {
				moved.Add(1)
				must(rt.Sleep(ctx, time.Microsecond))
			}
			return nil
		})
		for range 5 {
			_, err := rt.External(ctx, "wait", func(context.Context) ([]byte, error) {
				was, at := moved.Load(), rt.Now()
				time.Sleep(100 * time.Microsecond) // for real
				if moved.Load() != was || !rt.Now().Equal(at) {
					t.Error("the world has moved")
				}
				return nil, nil
			})
			must(err)
		}
		must(other.Wait(ctx))
	}))
}

// TestPanicsFromOutside protects the reader of a failure: a panic and a Goexit are those
// of the task, with the stack of the function, and in a replay as well.
func TestPanicsFromOutside(t *testing.T) {
	ask := func(f func(context.Context) ([]byte, error)) sim.Main {
		return body(func(ctx context.Context, rt *runtime.Runtime) { _, _ = rt.External(ctx, "ask", f) })
	}
	first := run(t, 1, ask(blowUp))
	if v := first.Verdict; v.Kind != sim.Panic || v.Message != "boom 7" || v.Task != "main" ||
		!strings.Contains(v.Stack, "sim_test.blowUp") || !strings.Contains(v.Stack, "(*Task).Run") {
		t.Errorf("%v in %s\n%s", v, v.Task, v.Stack)
	}
	again := replay(t, first.Tape, ask(func(context.Context) ([]byte, error) { t.Error("called"); return nil, nil }))
	if again.Kind != sim.Panic || again.Message != "boom 7" {
		t.Errorf("replayed: %v", again)
	}
	gone := run(t, 1, ask(func(context.Context) ([]byte, error) { goruntime.Goexit(); return nil, nil }))
	if v := replay(t, gone.Tape, ask(echoNothing)); gone.Verdict.Kind != sim.Goexit || v.Kind != sim.Goexit {
		t.Errorf("Goexit: %v, then %v", gone.Verdict, v)
	}
	recovered := body(func(ctx context.Context, rt *runtime.Runtime) {
		defer func() { rt.Always(fmt.Sprint(recover()) == "boom 7", "recovered") }()
		_, _ = rt.External(ctx, "ask", blowUp)
	})
	if r := run(t, 1, recovered); r.Verdict.Kind != sim.OK {
		t.Error(r.Verdict)
	}
}

func blowUp(context.Context) ([]byte, error) { panic(fmt.Errorf("boom %d", 7)) }

func echoNothing(context.Context) ([]byte, error) { return nil, nil }

// TestHangingCallIsAnEscape protects against runs that hang outside: the verdict names
// the call and the line, and one that heeds its context leaves nothing behind.
func TestHangingCallIsAnEscape(t *testing.T) {
	block, ended := make(chan struct{}), make(chan struct{})
	for name, f := range map[string]func(context.Context) ([]byte, error){
		"heeds": func(ctx context.Context) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() },
		"ignores": func(context.Context) ([]byte, error) {
			defer close(ended)
			<-block
			return nil, nil
		},
	} {
		config := sim.Config{ExternalMax: 50 * time.Millisecond, StuckAfter: 10 * time.Millisecond}
		r := runWith(t, config, func(_ context.Context, w *sim.World) error {
			return booted(w, "n1", func(ctx context.Context, rt *runtime.Runtime) error {
				_, err := rt.External(ctx, "slow", f)
				t.Error("it has returned")
				return err
			}).Wait()
		})
		v := r.Verdict
		if v.Kind != sim.Escape || v.Node != "n1" || v.Task != "main" ||
			!strings.HasPrefix(v.Message, `external "slow" at sim/external_call_test.go:`) ||
			!strings.HasSuffix(v.Message, " took more than 50ms") || !strings.Contains(v.Stack, "TestHangingCallIsAnEscape") {
			t.Errorf("%s: %v in %s/%s\n%s", name, v, v.Node, v.Task, v.Stack)
		}
	}
	close(block)
	<-ended
}

// TestSlowCallIsNoEscape protects calls that take longer than any step may.
func TestSlowCallIsNoEscape(t *testing.T) {
	r := runWith(t, sim.Config{StuckAfter: 5 * time.Millisecond}, body(func(ctx context.Context, rt *runtime.Runtime) {
		_, err := rt.External(ctx, "slow", func(context.Context) ([]byte, error) {
			time.Sleep(50 * time.Millisecond) // for real
			return nil, nil
		})
		must(err)
	}))
	if r.Verdict.Kind != sim.OK {
		t.Error(r.Verdict)
	}
}

// TestInterruptEndsACall protects Ctrl-C: it reaches the function by its context.
func TestInterruptEndsACall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, err := sim.Run(ctx, sim.Config{}, body(func(ctx context.Context, rt *runtime.Runtime) {
		_, _ = rt.External(ctx, "slow", func(ctx context.Context) ([]byte, error) {
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		})
		t.Error("it goes on")
	}))
	if err != nil || r.Verdict.Kind != sim.Inconclusive || r.Verdict.Message != "interrupted" {
		t.Errorf("%v, %v", r.Verdict, err)
	}
}

// TestTheRuntimeIsRefusedOutside protects the world from a second thread: the function
// may not use primitives, and an assertion that it fails ends the run.
func TestTheRuntimeIsRefusedOutside(t *testing.T) {
	v := wantKind(t, sim.Panic, body(func(ctx context.Context, rt *runtime.Runtime) {
		_, _ = rt.External(ctx, "ask", func(context.Context) ([]byte, error) { rt.Yield(); return nil, nil })
	}))
	if v.Message != "sim: yield outside any task" {
		t.Error(v)
	}
	v = wantKind(t, sim.Violation, body(func(ctx context.Context, rt *runtime.Runtime) {
		_, _ = rt.External(ctx, "ask", func(context.Context) ([]byte, error) { rt.Always(false, "never"); return nil, nil })
		t.Error("the task goes on")
	}))
	if v.ID != "never" {
		t.Error(v)
	}
}

// TestNegativeExternalMaxIsRefused protects against typos.
func TestNegativeExternalMaxIsRefused(t *testing.T) {
	if err := (sim.Config{ExternalMax: -1}).Validate(); !errors.Is(err, sim.ErrConfig) {
		t.Error(err)
	}
}
