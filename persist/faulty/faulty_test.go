package faulty_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/persist/persisttest"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/simtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestConformance protects the wrappers: without a rule that fires they change
// nothing.
func TestConformance(t *testing.T) {
	open := func(t *testing.T) func(rt *runtime.Runtime) (persist.Blob, persist.Consensus) {
		t.Helper()
		store := memory.New("test", memory.Options{})
		f := newFaults(t, faulty.Plan{{Op: faulty.Any, Effect: faulty.FailBefore, OneIn: 2, KeyPrefix: "elsewhere"}})
		return func(rt *runtime.Runtime) (persist.Blob, persist.Consensus) {
			return f.Blob(rt, store.Blob(rt)), f.Consensus(rt, store.Consensus(rt))
		}
	}
	t.Run("blob", func(t *testing.T) { persisttest.Blob(t, open) })
	t.Run("consensus", func(t *testing.T) { persisttest.Consensus(t, open) })
}

func newFaults(t *testing.T, plan faulty.Plan) *faulty.Faults {
	t.Helper()
	f, err := faulty.New(plan, 1)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// attempt is one write under a plan with a single rule, and what became of it.
type attempt struct {
	err     error
	present bool // right after the answer
	landed  bool // after some more accesses
	took    time.Duration
}

// try sets a blob under a rule, over seeds, and hands each seed's attempt on.
func try(t *testing.T, rule faulty.Rule, visit func(rt *runtime.Runtime, a attempt)) {
	t.Helper()
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		store := memory.New("test", memory.Options{})
		f, err := faulty.New(faulty.Plan{rule}, 0)
		if err != nil {
			t.Error(err)
			return
		}
		blob := f.Blob(rt, store.Blob(rt))
		var a attempt
		start := rt.Now()
		a.err = blob.Set(ctx, "write", []byte("value"))
		a.took = rt.Since(start)
		_, a.present, _ = store.Blob(rt).Get(ctx, "write")
		for range 3 {
			blob.Get(ctx, "read") //nolint:errcheck // an access at which a late effect may land
		}
		_, a.landed, _ = store.Blob(rt).Get(ctx, "write")
		visit(rt, a)
	})
}

// TestEffects protects what each effect promises about what has happened, and
// that every effect is delivered in some seed.
func TestEffects(t *testing.T) {
	for _, c := range []struct {
		rule  faulty.Rule
		fired func(a attempt) bool
		right func(a attempt) bool
	}{
		{
			faulty.Rule{Op: faulty.Set, Effect: faulty.FailBefore, OneIn: 2},
			func(a attempt) bool { return a.err != nil },
			func(a attempt) bool { return errors.Is(a.err, persist.ErrIndeterminate) && !a.present && !a.landed },
		},
		{
			faulty.Rule{Op: faulty.Set, Effect: faulty.FailAfter, OneIn: 2},
			func(a attempt) bool { return a.err != nil },
			func(a attempt) bool { return errors.Is(a.err, persist.ErrIndeterminate) && a.present },
		},
		{
			faulty.Rule{Op: faulty.Set, Effect: faulty.Late, OneIn: 2},
			func(a attempt) bool { return a.landed && !a.present },
			func(a attempt) bool { return errors.Is(a.err, persist.ErrIndeterminate) },
		},
		{
			faulty.Rule{Op: faulty.Set, Effect: faulty.Late, OneIn: 2},
			func(a attempt) bool { return a.err != nil && !a.landed },
			func(a attempt) bool { return errors.Is(a.err, persist.ErrIndeterminate) && !a.present },
		},
		{
			faulty.Rule{Op: faulty.Set, Effect: faulty.Refuse, OneIn: 2},
			func(a attempt) bool { return a.err != nil },
			func(a attempt) bool { return errors.Is(a.err, persist.ErrDeterminate) && !a.present && !a.landed },
		},
		{
			faulty.Rule{Op: faulty.Any, Effect: faulty.Stall, OneIn: 2, StallMax: time.Second},
			func(a attempt) bool { return a.took >= time.Millisecond },
			func(a attempt) bool { return a.err == nil && a.present && a.took <= time.Second+time.Millisecond },
		},
	} {
		t.Run(string(c.rule.Effect), func(t *testing.T) {
			fired, calm := 0, 0
			try(t, c.rule, func(rt *runtime.Runtime, a attempt) {
				if c.fired(a) {
					fired++
					rt.Always(c.right(a), "effect-as-promised", "attempt", fmt.Sprintf("%+v", a))
				} else if a.err == nil {
					calm++
					rt.Always(a.present, "no-fault-no-effect", "attempt", fmt.Sprintf("%+v", a))
				}
			})
			if !testing.Short() && (fired == 0 || calm == 0) { // a few seeds need not reach both
				t.Errorf("fired in %d seeds, calm in %d", fired, calm)
			}
		})
	}
}

// TestHistoriesUnderFaultsAreLinearizable protects the classification of
// errors: what is called unknown may happen or not, the rest is as it says.
func TestHistoriesUnderFaultsAreLinearizable(t *testing.T) {
	plan, err := faulty.ParsePlan(
		"cas fail-after 1/5; cas late 1/5; cas fail-before 1/8; cas refuse 1/8; any stall 1/10 20ms; head fail-before 1/10")
	if err != nil {
		t.Fatal(err)
	}
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		store := memory.New("test", memory.Options{})
		f := newFaults(t, plan)
		history := persisttest.NewHistory()
		group := rt.NewGroup(ctx)
		for w := range 3 {
			group.Go("writer", func(ctx context.Context) error {
				c := f.Consensus(rt, store.Consensus(rt))
				for range 4 {
					expected, err := history.Head(ctx, w, c, "key")
					if err != nil {
						continue // a read that failed says nothing
					}
					if _, err := history.CompareAndSet(ctx, w, c, "key", expected); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
		if err := history.Check(); err != nil {
			t.Error(err)
		}
	})
}

// TestLiveFaultsComeFromTheirSeed protects the use of a plan in production-like
// tests: the same seed gives the same faults.
func TestLiveFaultsComeFromTheirSeed(t *testing.T) {
	outcomes := func(seed uint64) string {
		rt := runtime.New(runtime.Options{})
		f, err := faulty.New(faulty.Plan{{Op: faulty.Set, Effect: faulty.FailAfter, OneIn: 3}}, seed)
		if err != nil {
			t.Fatal(err)
		}
		blob := f.Blob(rt, memory.New("test", memory.Options{}).Blob(rt))
		var text []byte
		for range 64 {
			if blob.Set(t.Context(), "key", nil) == nil {
				text = append(text, '.')
			} else {
				text = append(text, 'x')
			}
		}
		return string(text)
	}
	if a, b := outcomes(7), outcomes(7); a != b {
		t.Errorf("seed 7 twice:\n%s\n%s", a, b)
	}
	if a, b := outcomes(7), outcomes(8); a == b {
		t.Errorf("seeds 7 and 8 give the same: %s", a)
	}
}

// TestLateEffectsOfSeveralTasks protects live use: tasks that meet at the late
// effects of a store each take one of them, or none.
func TestLateEffectsOfSeveralTasks(t *testing.T) {
	rt := runtime.New(runtime.Options{})
	store := memory.New("test", memory.Options{})
	f := newFaults(t, faulty.Plan{{Op: faulty.Set, Effect: faulty.Late, OneIn: 2}})
	group := rt.NewGroup(t.Context())
	for range 8 {
		blob := f.Blob(rt, store.Blob(rt))
		group.Go("writer", func(ctx context.Context) error {
			for i := range 2000 {
				err := blob.Set(ctx, fmt.Sprint(i), nil)
				if err != nil && !errors.Is(err, persist.ErrIndeterminate) {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}
