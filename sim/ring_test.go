package sim_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// TestRecentAreTheLastDecisions protects the story of runs that cannot be told
// again: who went on, with what, at which step, oldest first, and no more than
// asked for.
func TestRecentAreTheLastDecisions(t *testing.T) {
	var told []trace.Event
	r := runWith(t, sim.Config{Seed: 1, Trace: func(e trace.Event) {
		if e.Kind == trace.Op {
			e.Location, e.Preempted, e.Stopped = "", false, trace.Stop{}
			told = append(told, e)
		}
	}}, cluster)
	recent := make(map[trace.Event]bool)
	last := uint64(0)
	for _, e := range r.Recent(1 << 20) {
		if e.Step <= last {
			t.Errorf("step %d behind step %d", e.Step, last)
		}
		last = e.Step
		recent[e] = true
	}
	for _, e := range told {
		if !recent[e] {
			t.Errorf("%v was told, but is not among the last decisions", e)
		}
	}
	if n := len(r.Recent(3)); n != 3 {
		t.Errorf("%d of 3 decisions", n)
	}
	if r.Recent(0) == nil && len(r.Recent(-1)) > 0 {
		t.Error("decisions where none were asked for")
	}
}

// TestRecentAreBounded protects memory: long runs remember their end only.
func TestRecentAreBounded(t *testing.T) {
	r := runWith(t, sim.Config{StepsMax: 10_000}, body(spin))
	recent := r.Recent(1 << 20)
	if len(recent) != 4096 || recent[4095].Step != 9_999 || recent[0].Step != 9_999-4095 {
		t.Errorf("%d decisions, from step %d to %d", len(recent), recent[0].Step, recent[len(recent)-1].Step)
	}
}

// TestDifferenceLocatesNondeterminism protects the search for what escapes the
// simulator: the first decision that differs is named, also when the beginning
// is forgotten.
func TestDifferenceLocatesNondeterminism(t *testing.T) {
	for _, prologue := range []int{0, 10_000} {
		runs := 0 // shared between runs, which is the mistake
		main := body(func(ctx context.Context, rt *runtime.Runtime) {
			for range prologue {
				rt.Yield()
			}
			runs++
			g := rt.NewGroup(ctx)
			g.Go("culprit", func(context.Context) error {
				for range runs {
					rt.NewMutex().Lock()
				}
				return nil
			})
			must(g.Wait())
			for range 10 {
				rt.Yield()
			}
		})
		first, second := run(t, 1, main), run(t, 1, main)
		if first.Hash == second.Hash {
			t.Fatal("the fixture is deterministic")
		}
		where := first.Difference(second)
		if !strings.HasPrefix(where, "step ") || !strings.Contains(where, "main/culprit (lock ") {
			t.Errorf("difference %q does not name the culprit", where)
		}
		if same := second.Difference(second); same != "" {
			t.Errorf("difference %q between a run and itself", same)
		}
	}
}

// TestDifferenceOfLengths protects runs that agree until one of them ends.
func TestDifferenceOfLengths(t *testing.T) {
	yields := 3 // between the step in which main starts and the one in which it has ended
	main := body(func(_ context.Context, rt *runtime.Runtime) {
		for range yields {
			rt.Yield()
		}
		yields++
	})
	if got, want := run(t, 1, main).Difference(run(t, 1, main)), "one run ended after step 5"; got != want {
		t.Errorf("difference %q, want %q", got, want)
	}
	if got := (sim.Result{}).Difference(run(t, 1, main)); got != "" {
		t.Errorf("difference %q to a run that remembers nothing", got)
	}
}

// TestHashCoversWhatIsCounted protects the search for nondeterminism that shows
// in what a run found, not in what it did.
func TestHashCoversWhatIsCounted(t *testing.T) {
	hash := func(met bool, verdict bool) uint64 {
		return run(t, 1, body(func(_ context.Context, rt *runtime.Runtime) {
			rt.Sometimes(met, "met")
			rt.Always(verdict, "holds")
		})).Hash
	}
	both := hash(true, true)
	if both == hash(false, true) || both == hash(true, false) || both != hash(true, true) {
		t.Error("equal hashes of runs that differ, or different ones of equal runs")
	}
}

// TestHashCoversOperations protects the search for nondeterminism that shows in
// what a task does, not in who runs: another object, or another operation.
func TestHashCoversOperations(t *testing.T) {
	var hashes []uint64
	for _, use := range []func(a, b *runtime.Mutex){
		func(a, _ *runtime.Mutex) { a.Lock() },
		func(a, _ *runtime.Mutex) { a.Lock() },
		func(_, b *runtime.Mutex) { b.Lock() },
		func(a, _ *runtime.Mutex) { a.TryLock() },
	} {
		main := body(func(_ context.Context, rt *runtime.Runtime) { use(rt.NewMutex(), rt.NewMutex()) })
		hashes = append(hashes, run(t, 1, main).Hash)
	}
	if hashes[0] != hashes[1] || hashes[0] == hashes[2] || hashes[0] == hashes[3] || hashes[2] == hashes[3] {
		t.Errorf("hashes %x: want the first two to be equal, and the others to differ", hashes)
	}
}
