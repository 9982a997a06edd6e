package runtime_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Every evaluation is counted, by kind and id, and the table is ordered: a
// sweep adds such tables up and misses what was never reached.
func TestAssertionsAreCounted(t *testing.T) {
	rt := runtime.New(runtime.Options{})
	for i := range 3 {
		rt.Always(i < 2, "b")
		rt.Always(true, "a")
		rt.Sometimes(i == 1, "a")
	}
	rt.Reachable("here")
	rt.Unreachable("there", "because", "x")
	rt.FaultDelivered("torn-write")
	rt.AlwaysOrUnreachable(true, "a")
	want := []runtime.Assertion{
		{Kind: runtime.KindAlways, ID: "a", Evaluated: 3, Held: 3},
		{Kind: runtime.KindAlways, ID: "b", Evaluated: 3, Held: 2},
		{Kind: runtime.KindSometimes, ID: "a", Evaluated: 3, Held: 1},
		{Kind: runtime.KindReachable, ID: "here", Evaluated: 1, Held: 1},
		{Kind: runtime.KindUnreachable, ID: "there", Evaluated: 1},
		{Kind: runtime.KindFault, ID: "torn-write", Evaluated: 1, Held: 1},
		{Kind: runtime.KindAlwaysOrUnreachable, ID: "a", Evaluated: 1, Held: 1},
	}
	if diff := cmp.Diff(want, rt.Assertions()); diff != "" {
		t.Errorf("assertions (-want +got):\n%s", diff)
	}
}

// Counting is safe from many tasks.
func TestAssertionsFromManyTasks(t *testing.T) {
	rt := runtime.New(runtime.Options{})
	group := rt.NewGroup(context.Background())
	for range 8 {
		group.Go("asserter", func(context.Context) error {
			for range 100 {
				rt.Always(true, "a")
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := rt.Assertions()[0].Evaluated; got != 800 {
		t.Errorf("%d evaluations, want 800", got)
	}
}

// Under a scheduler a violation ends the run with its id and details, and the
// task does not go on.
func TestViolationEndsTheRun(t *testing.T) {
	for name, assert := range map[string]func(*runtime.Runtime, bool, string, ...any){
		"Always": (*runtime.Runtime).Always, "AlwaysOrUnreachable": (*runtime.Runtime).AlwaysOrUnreachable,
	} {
		s := &watchedScheduler{}
		rt := runtime.Plug(s, runtime.Options{})
		s.Run(rt, func(context.Context) {
			assert(rt, true, "no-overdraft")
			assert(rt, false, "no-overdraft", "balance", -20)
			t.Errorf("%s: the task went on", name)
		})
		want := runtime.Failure{
			Kind: runtime.FailureViolation, ID: "no-overdraft", Details: []slog.Attr{slog.Int("balance", -20)},
		}
		if diff := cmp.Diff(want, s.failures[0]); diff != "" {
			t.Errorf("%s: failures (-want +got):\n%s", name, diff)
		}
	}
}

// A delivered fault is part of the story.
func TestFaultsAreRecorded(t *testing.T) {
	s := &watchedScheduler{}
	rt := runtime.Plug(s, runtime.Options{})
	s.Run(rt, func(context.Context) { rt.FaultDelivered("torn-write") })
	if diff := cmp.Diff([]runtime.Event{{Kind: runtime.EventFault, Name: "torn-write"}}, s.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// The kinds have the names that tables print.
func TestAssertionKindNames(t *testing.T) {
	names := make(map[string]bool)
	for kind := runtime.KindAlways; kind <= runtime.KindAlwaysOrUnreachable; kind++ {
		names[kind.String()] = true
		if parsed, err := runtime.ParseAssertionKind(kind.String()); err != nil || parsed != kind {
			t.Errorf("%v is read as %v, %v", kind, parsed, err)
		}
	}
	if len(names) != 6 || names[""] {
		t.Errorf("names %v", names)
	}
	if _, err := runtime.ParseAssertionKind("never"); err == nil {
		t.Error("an unknown name is read")
	}
}
