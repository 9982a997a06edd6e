package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// TestExternalIsAPlainCallWhenLive protects production from the simulator's needs: the
// context, the bytes and the error go through as they are.
func TestExternalIsAPlainCallWhenLive(t *testing.T) {
	rt := runtime.New(runtime.Options{})
	want, result := errors.New("no such host"), []byte("answer")
	got, err := rt.External(t.Context(), "lookup", func(ctx context.Context) ([]byte, error) {
		if ctx != t.Context() {
			t.Error("another context")
		}
		return result, want
	})
	if err != want || &got[0] != &result[0] { //nolint:errorlint // the very same error
		t.Errorf("%q, %v", got, err)
	}
}

// Real input goes through External: live it is a plain call, and in a simulation it is
// recorded, so that a replay reads what the first run has read.
func ExampleRuntime_External() {
	rt := runtime.New(runtime.Options{})
	hosts, err := rt.External(context.Background(), "read hosts", func(context.Context) ([]byte, error) {
		return []byte("127.0.0.1 localhost"), nil // os.ReadFile("/etc/hosts")
	})
	fmt.Println(string(hosts), err)
	// Output:
	// 127.0.0.1 localhost <nil>
}

// TestExternalUnderAnyScheduler protects schedulers that keep no record: the function is
// called, after a scheduling point, under a context of the standard library that has the
// values of the caller's.
func TestExternalUnderAnyScheduler(t *testing.T) {
	s := &watchedScheduler{}
	rt := runtime.Plug(s, runtime.Options{})
	type key struct{}
	verdict := s.Run(rt, func(ctx context.Context) {
		ctx, cancel := rt.WithTimeout(context.WithValue(ctx, key{}, "value"), time.Hour)
		defer cancel()
		got, err := rt.External(ctx, "lookup", func(ctx context.Context) ([]byte, error) {
			if _, ok := ctx.Deadline(); ok || ctx.Err() != nil {
				t.Error("a deadline in virtual time, or an end")
			}
			child, cancel := context.WithCancel(ctx)
			cancel()
			<-child.Done()
			return fmt.Append(nil, ctx.Value(key{})), nil
		})
		if string(got) != "value" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	if points := strings.Join(s.points, ", "); verdict != "ok" || !strings.Contains(points, "external") {
		t.Errorf("%s; scheduling points: %s", verdict, points)
	}
}

// TestExternalUnderAnEndedContext protects clients that look at their context first: it
// has ended for the function as it has for the caller, with the same error and cause.
func TestExternalUnderAnEndedContext(t *testing.T) {
	toy := &toyScheduler{}
	rt := runtime.Plug(toy, runtime.Options{})
	why := errors.New("enough")
	ended := func(ctx context.Context) (err, cause error) {
		_, err = rt.External(ctx, "lookup", func(ctx context.Context) ([]byte, error) {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return nil, ctx.Err()
		})
		return err, cause
	}
	toy.Run(rt, func(ctx context.Context) {
		cancelled, cancel := rt.WithCancelCause(ctx)
		cancel(why)
		err, cause := ended(cancelled)
		if !errors.Is(err, context.Canceled) || cause != why { //nolint:errorlint // the cause itself
			t.Errorf("cancelled: %v, cause %v", err, cause)
		}
		late, cancelLate := rt.WithTimeoutCause(ctx, -1, why)
		defer cancelLate()
		err, cause = ended(late)
		if !errors.Is(err, context.DeadlineExceeded) || cause != why { //nolint:errorlint // the cause itself
			t.Errorf("late: %v, cause %v", err, cause)
		}
		foreign, cancelForeign := context.WithTimeout(ctx, time.Hour)
		defer cancelForeign()
		if err, _ := ended(foreign); !errors.Is(err, runtime.ErrForeignDeadline) {
			t.Errorf("a deadline in real time: %v", err)
		}
	})
}
