package catalog_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/catalog/catalogtest"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

// everyOther lets each fault happen in every other operation that gets that far.
var everyOther = catalog.FaultPlan{Refuse: 2, FailBefore: 2, FailAfter: 2}

// TestFaultyConformance protects the wrapper: what it does not let fail it leaves
// alone. A live runtime draws no faults.
func TestFaultyConformance(t *testing.T) {
	catalogtest.Test(t, func(t *testing.T) func(ctx context.Context, rt *runtime.Runtime) catalog.Catalog {
		t.Helper()
		view := open(t)
		return func(ctx context.Context, rt *runtime.Runtime) catalog.Catalog {
			return catalog.Faulty(rt, view(ctx, rt), everyOther)
		}
	})
}

// TestRacesUnderFaultsAreLinearizable protects the classes of errors: what is called
// determinate has not happened, what is called indeterminate has happened or not.
func TestRacesUnderFaultsAreLinearizable(t *testing.T) {
	simtest.RunScenario(t, sim.Scenario{
		Name:   "catalog-race",
		Doc:    "processes fence and overtake each other in a catalog that loses answers",
		Faults: []string{catalog.FaultRefuse, catalog.FaultFailBefore, catalog.FaultFailAfter},
		Run: func(ctx context.Context, w *sim.World) error {
			rt, memory := w.Runtime(), catalog.NewMemory("test")
			var processes []catalog.Catalog
			for range 3 {
				plan := catalog.FaultPlan{Refuse: 8, FailBefore: 8, FailAfter: 8}
				processes = append(processes, catalog.Faulty(rt, memory.View(rt), plan))
			}
			return catalogtest.Race(ctx, rt, processes...)
		},
	})
}

// delivered returns how often a runtime has counted a fault.
func delivered(rt *runtime.Runtime, fault string) uint64 {
	for _, a := range rt.Assertions() {
		if a.Kind == runtime.KindFault && a.ID == fault {
			return a.Evaluated
		}
	}
	return 0
}

// attempt is what became of one call under a plan.
type attempt struct {
	err           error
	before, after catalog.State
	runs          int // of the change
	counted       uint64
}

func (a attempt) isDone() bool {
	return a.after.Commits > a.before.Commits || a.after.Epoch > a.before.Epoch
}

// TestFaultsDoWhatTheyPromise protects what each fault says about what has happened,
// and its count. Each of them is delivered in some seeds and not in others.
func TestFaultsDoWhatTheyPromise(t *testing.T) {
	for _, fault := range []struct {
		name  string
		plan  catalog.FaultPlan
		class error
		done  bool
		runs  int
	}{
		{catalog.FaultRefuse, catalog.FaultPlan{Refuse: 2}, persist.ErrDeterminate, false, 0},
		{catalog.FaultFailBefore, catalog.FaultPlan{FailBefore: 2}, persist.ErrIndeterminate, false, 1},
		{catalog.FaultFailAfter, catalog.FaultPlan{FailAfter: 2}, persist.ErrIndeterminate, true, 1},
	} {
		for _, call := range []string{"update", "next epoch"} {
			t.Run(fault.name+" of "+call, func(t *testing.T) {
				fired, calm := 0, 0
				simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
					a := try(ctx, t, rt, call, fault.plan, fault.name)
					wantRuns := 0
					switch {
					case a.err == nil:
						calm++
						if !a.isDone() || a.counted != 0 {
							t.Errorf("without a fault: %+v", a)
						}
						return
					case call == "update":
						wantRuns = fault.runs
					}
					fired++
					if !errors.Is(a.err, fault.class) || a.isDone() != fault.done || a.runs != wantRuns || a.counted != 1 {
						t.Errorf("with a fault: %+v", a)
					}
				})
				if !testing.Short() && (fired == 0 || calm == 0) { // a few seeds need not reach both
					t.Errorf("fired in %d seeds, calm in %d", fired, calm)
				}
			})
		}
	}
}

// try makes one call.
func try(
	ctx context.Context, t *testing.T, rt *runtime.Runtime, call string, plan catalog.FaultPlan, fault string,
) (a attempt) {
	t.Helper()
	memory := catalog.NewMemory("test")
	epoch, err := memory.View(rt).NextEpoch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.Faulty(rt, memory.View(rt), plan)
	a.before = memory.Inspect()
	if call == "update" {
		a.err = c.Update(ctx, epoch, func(d catalog.Draft) error {
			a.runs++
			return d.InsertUnfinalized(shard(1))
		})
	} else {
		_, a.err = c.NextEpoch(ctx)
	}
	a.after = memory.Inspect()
	a.counted = delivered(rt, fault)
	return a
}

// TestFaultyLeavesErrorsAlone protects callers who look for their own error, or for
// the end of their epoch: it is not hidden behind a lost answer, and no fault counts.
// Only a refusal comes before everything else.
func TestFaultyLeavesErrorsAlone(t *testing.T) {
	stop := errors.New("enough")
	for _, plan := range []catalog.FaultPlan{{FailBefore: 2}, {FailAfter: 2}} {
		simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
			inner := catalog.NewMemory("test").View(rt)
			for range 2 {
				if _, err := inner.NextEpoch(ctx); err != nil {
					t.Fatal(err)
				}
			}
			c := catalog.Faulty(rt, inner, plan)
			err := c.Update(ctx, 2, func(catalog.Draft) error { return stop })
			if err != stop { //nolint:errorlint // unchanged
				t.Errorf("%+v: got %v, want the error of the change", plan, err)
			}
			err = c.Update(ctx, 1, func(catalog.Draft) error { return nil })
			if !errors.As(err, new(*catalog.FencedError)) {
				t.Errorf("%+v: got %v, want a FencedError", plan, err)
			}
			if n := delivered(rt, catalog.FaultFailBefore) + delivered(rt, catalog.FaultFailAfter); n != 0 {
				t.Errorf("%+v: %d faults were counted", plan, n)
			}
		})
	}
}

// TestFaultyKeepsErrorsOfTheCatalog protects the same where the catalog itself finds
// the reason: an epoch has not begun, or the change has run and is fenced.
func TestFaultyKeepsErrorsOfTheCatalog(t *testing.T) {
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		ended, cancel := rt.WithCancel(ctx)
		cancel()
		c := catalog.Faulty(rt, catalog.NewMemory("test").View(rt), catalog.FaultPlan{FailAfter: 2})
		if _, err := c.NextEpoch(ended); !errors.Is(err, context.Canceled) || !errors.Is(err, persist.ErrDeterminate) {
			t.Errorf("got %v, want the error of the context", err)
		}
		c = catalog.Faulty(rt, fencedAfterwards{}, catalog.FaultPlan{FailBefore: 2})
		err := c.Update(ctx, 1, func(catalog.Draft) error { return nil })
		if !errors.As(err, new(*catalog.FencedError)) {
			t.Errorf("got %v, want a FencedError", err)
		}
		if n := delivered(rt, catalog.FaultFailBefore) + delivered(rt, catalog.FaultFailAfter); n != 0 {
			t.Errorf("%d faults were counted", n)
		}
	})
}

// fencedAfterwards finds out that it is fenced when a change has run, whatever that
// returns.
type fencedAfterwards struct{ catalog.Catalog }

func (fencedAfterwards) Update(_ context.Context, epoch int64, change func(catalog.Draft) error) error {
	_ = change(nil)
	return &catalog.FencedError{Ours: epoch, Actual: epoch + 1}
}

// TestFaultyAroundFaulty protects plans that are put on top of each other: one fault
// is one fault.
func TestFaultyAroundFaulty(t *testing.T) {
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		memory := catalog.NewMemory("test")
		epoch, err := memory.View(rt).NextEpoch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		c := catalog.Faulty(rt, memory.View(rt), catalog.FaultPlan{FailBefore: 2})
		c = catalog.Faulty(rt, c, catalog.FaultPlan{FailBefore: 2})
		err = c.Update(ctx, epoch, func(d catalog.Draft) error { return d.InsertUnfinalized(shard(1)) })
		counted, commits := delivered(rt, catalog.FaultFailBefore), memory.Inspect().Commits
		if errors.Is(err, persist.ErrIndeterminate) != (counted == 1) || (err == nil) != (commits == 1) || counted > 1 {
			t.Errorf("%v, %d faults counted, %d commits", err, counted, commits)
		}
	})
}

// TestBadFaultPlansAreRefused protects people who write plans by hand: every call
// tells them, and does nothing.
func TestBadFaultPlansAreRefused(t *testing.T) {
	memory := catalog.NewMemory("test")
	rt := runtime.New(runtime.Options{})
	for _, plan := range []catalog.FaultPlan{{Refuse: 1}, {FailBefore: -1}, {FailAfter: 1}, {Refuse: 2, FailAfter: -7}} {
		c := catalog.Faulty(rt, memory.View(rt), plan)
		_, epochErr := c.NextEpoch(t.Context())
		updateErr := c.Update(t.Context(), 1, func(catalog.Draft) error { return nil })
		for _, err := range []error{plan.Validate(), epochErr, updateErr} {
			if !errors.Is(err, persist.ErrUsage) || !errors.Is(err, persist.ErrDeterminate) {
				t.Errorf("%+v: %v; want it to be determinate, and of usage", plan, err)
			}
		}
	}
	if epoch := memory.Inspect().Epoch; epoch != 0 {
		t.Errorf("epoch %d has begun", epoch)
	}
	for _, plan := range []catalog.FaultPlan{{}, {Refuse: 2}, {FailAfter: 1000}} {
		if err := plan.Validate(); err != nil {
			t.Errorf("%+v: %v", plan, err)
		}
	}
}
