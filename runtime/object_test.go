package runtime_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/runtime"
)

// watchedScheduler notes the operations that the toy is told about.
type watchedScheduler struct {
	toyScheduler
	points, parks []string
	events        []runtime.Event
	failures      []runtime.Failure
}

func (s *watchedScheduler) Point(op runtime.Op) *runtime.Task {
	s.points = append(s.points, s.describe(op))
	return s.toyScheduler.Point(op)
}

func (s *watchedScheduler) Park(op runtime.Op) {
	s.parks = append(s.parks, s.describe(op))
	s.toyScheduler.Park(op)
}

func (s *watchedScheduler) Record(e runtime.Event) { s.events = append(s.events, e) }

func (s *watchedScheduler) Fail(f runtime.Failure) {
	s.failures = append(s.failures, f)
	s.toyScheduler.Fail(f)
}

func (s *watchedScheduler) describe(op runtime.Op) string {
	text := op.Kind.String()
	if op.Object != nil {
		text += " " + op.Object.Name()
		if holder := op.Object.Holder(); holder != nil {
			text += " held by " + holder.Path()
		}
	}
	for o := range s.Current().Objects() {
		text += " " + o.Name()
	}
	return text
}

// A scheduler sees what each task is about to do and what it waits for, with
// the holder of a lock and all channels of a select.
func TestSchedulerSeesOperations(t *testing.T) {
	s := &watchedScheduler{}
	rt := runtime.Plug(s, runtime.Options{})
	verdict := s.Run(rt, func(ctx context.Context) {
		mu := rt.NewMutex()
		values, ends := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
		mu.Lock()
		locker := rt.Go(ctx, "locker", func(context.Context) error { mu.Lock(); return nil })
		selecter := rt.Go(ctx, "selecter", func(ctx context.Context) error {
			_, err := runtime.Select2(ctx, values.RecvArm(), ends.RecvArm())
			return err
		})
		_ = rt.Sleep(ctx, time.Second)
		mu.Unlock()
		ends.Close()
		_, _ = locker.Wait(ctx), selecter.Wait(ctx)
	})
	if verdict != "ok" {
		t.Fatalf("verdict %q", verdict)
	}
	const object = "TestSchedulerSeesOperations.func."
	want := []string{
		"lock " + object + "mutex#0", "spawn", "spawn", "lock " + object + "mutex#0 held by main",
		"sleep", "select " + object + "chan#0 " + object + "chan#1",
		"unlock " + object + "mutex#0 held by main", "close " + object + "chan#1", "join", "join",
	}
	if diff := cmp.Diff(want, s.points); diff != "" {
		t.Errorf("scheduling points (-want +got):\n%s", diff)
	}
	want = []string{
		"lock " + object + "mutex#0 held by main", "sleep", "select " + object + "chan#0 " + object + "chan#1",
	}
	if diff := cmp.Diff(want, s.parks); diff != "" {
		t.Errorf("parks (-want +got):\n%s", diff)
	}
}

// The identity of an object is the function that made it, its kind and a
// count; it does not depend on other functions or on the order of calls.
func TestObjectIdentityIsStable(t *testing.T) {
	names := func(warmUp bool) []string {
		s := &watchedScheduler{}
		rt := runtime.Plug(s, runtime.Options{})
		s.Run(rt, func(context.Context) {
			if warmUp {
				rt.NewMutex().Lock()
			}
			s.points = nil
			makeAndUse(rt)
			makeAndUse(rt)
		})
		return s.points
	}
	plain := names(false)
	want := []string{
		"lock runtime_test.makeAndUse.mutex#0", "len runtime_test.makeAndUse.chan#0",
		"lock runtime_test.makeAndUse.mutex#1", "len runtime_test.makeAndUse.chan#1",
	}
	if diff := cmp.Diff(want, plain); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if later := names(true); cmp.Diff(plain, later) != "" {
		t.Errorf("names depend on what was made elsewhere: %v", later)
	}
}

func makeAndUse(rt *runtime.Runtime) {
	rt.NewMutex().Lock()
	runtime.NewChan[int](rt, 1).Len()
}

// An operation on something outside the node is a scheduling point on an
// object that is the same one for all nodes; live it is nothing.
func TestResourcesAreVisible(t *testing.T) {
	s := &watchedScheduler{}
	rt := runtime.Plug(s, runtime.Options{})
	use := func(rt *runtime.Runtime) {
		rt.Read(runtime.NewResource("consensus", "orders"))
		rt.Write(runtime.NewResource("consensus", "orders"))
	}
	s.Run(rt, func(context.Context) { use(rt) })
	use(runtime.New(runtime.Options{}))
	if diff := cmp.Diff([]string{"read orders.consensus", "write orders.consensus"}, s.points); diff != "" {
		t.Errorf("scheduling points (-want +got):\n%s", diff)
	}
}

// The holder of a read-write mutex is the writer, or the only reader; a report
// never names one who has left.
func TestReadersAsHolders(t *testing.T) {
	s := &watchedScheduler{}
	rt := runtime.Plug(s, runtime.Options{})
	s.Run(rt, func(ctx context.Context) {
		m := rt.NewRWMutex()
		m.RLock()
		m.TryLock()
		m.RLock()
		m.TryLock()
		m.RUnlock()
		m.RUnlock()
		m.Lock()
		_ = rt.Go(ctx, "reader", func(context.Context) error { m.RLock(); return nil }).Path()
		rt.Yield()
		m.Unlock()
		m.TryLock()
	})
	held := make([]string, 0, len(s.points))
	for _, point := range s.points {
		if strings.Contains(point, "rwmutex") {
			kind, _, _ := strings.Cut(point, " ")
			_, holder, _ := strings.Cut(point, " held by ")
			held = append(held, strings.TrimSpace(kind+" "+holder))
		}
	}
	want := []string{
		"read-lock", "try-lock main", "read-lock main", "try-lock", "read-unlock", "read-unlock",
		"lock", "read-lock main", "unlock main", "try-lock main/reader",
	}
	if diff := cmp.Diff(want, held); diff != "" {
		t.Errorf("operations and holders (-want +got):\n%s", diff)
	}
}

// Every kind of operation has a name for stories, and reads are told from
// writes.
func TestOperationsHaveNames(t *testing.T) {
	seen := make(map[string]runtime.OpKind)
	for kind := range runtime.OpKind(100) {
		name := kind.String()
		if name == fmt.Sprintf("op %d", kind) {
			if kind <= runtime.OpExternal {
				t.Errorf("operation %d has no name", kind)
			}
			continue
		}
		if other, ok := seen[name]; ok || name == "" {
			t.Errorf("operations %d and %d are both called %q", other, kind, name)
		}
		seen[name] = kind
	}
	if runtime.OpLen.Writes() || !runtime.OpSend.Writes() {
		t.Error("Len writes, or Send does not")
	}
}

// A panic, an assertion and a misuse reach the scheduler as failures of their
// own kinds.
func TestFailuresReachTheScheduler(t *testing.T) {
	tests := []struct {
		name string
		main func(ctx context.Context, rt *runtime.Runtime)
		want runtime.FailureKind
	}{
		{"panic", func(context.Context, *runtime.Runtime) { panic("boom") }, runtime.FailurePanic},
		{"violation", func(_ context.Context, rt *runtime.Runtime) {
			rt.Always(false, "id", "k", 1)
		}, runtime.FailureViolation},
		{"misuse", func(_ context.Context, rt *runtime.Runtime) { rt.NewMutex().Unlock() }, runtime.FailureMisuse},
		{"goexit", func(context.Context, *runtime.Runtime) { goexit() }, runtime.FailureGoexit},
	}
	for _, test := range tests {
		s := &watchedScheduler{}
		rt := runtime.Plug(s, runtime.Options{})
		s.Run(rt, func(ctx context.Context) { test.main(ctx, rt) })
		if len(s.failures) == 0 || s.failures[0].Kind != test.want {
			t.Errorf("%s: failures %+v", test.name, s.failures)
		}
	}
}
