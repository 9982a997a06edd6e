package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/catalog/catalogtest"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/simtest"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// TestConformance protects the contract of Catalog, live.
func TestConformance(t *testing.T) { catalogtest.Test(t, open) }

// TestRacesAreLinearizable protects the same in the simulator, which stops a process
// between reading and committing.
func TestRacesAreLinearizable(t *testing.T) {
	simtest.Run(t, func(ctx context.Context, rt *runtime.Runtime) {
		view := open(t)
		if err := catalogtest.Race(ctx, rt, view(ctx, rt), view(ctx, rt), view(ctx, rt)); err != nil {
			t.Error(err)
		}
	})
}

// TestNothingIsCommittedUnderAnOlderEpoch protects a process that has taken over
// from those that crash, or wake up late, in the middle of an update: mappings are
// made in the order of the epochs under which they were made.
func TestNothingIsCommittedUnderAnOlderEpoch(t *testing.T) {
	crashed, fenced := 0, 0
	simtest.RunWorld(t, func(ctx context.Context, w *sim.World) error {
		memory := catalog.NewMemory("test")
		rand := w.Runtime().Rand("faults")
		var nodes []*sim.Node
		for i := range 3 {
			n, err := w.Node(fmt.Sprintf("p%d", i), func(ctx context.Context, rt *runtime.Runtime) error {
				err := addUntilFenced(ctx, rt, memory.View(rt))
				if errors.As(err, new(*catalog.FencedError)) {
					fenced++
					return nil
				}
				return err
			})
			if err != nil {
				return err
			}
			nodes = append(nodes, n)
			for _, kind := range []sim.FaultKind{sim.FaultCrash, sim.FaultPause} {
				fault := sim.Fault{Kind: kind, Target: n.Name(), Step: runtime.Between[uint64](rand, 1, 150), Duration: 100 * time.Microsecond}
				if err := w.Inject(fault); err != nil {
					return err
				}
			}
		}
		for _, n := range nodes {
			if err := n.Boot(); err != nil {
				return err
			}
		}
		for _, n := range nodes {
			if err := n.Wait(); err != nil { // a crash is none
				return err
			}
		}
		w.Quiesce(time.Second)
		for _, n := range nodes {
			crashed += int(n.Incarnation()) - 1
		}
		wantEpochsInOrder(t, memory.Inspect())
		return nil
	})
	if !testing.Short() && (crashed == 0 || fenced == 0) { // a few seeds need not reach both
		t.Errorf("%d crashed and %d fenced in all seeds", crashed, fenced)
	}
}

// addUntilFenced begins an epoch and makes mappings to shards that are named after
// it.
func addUntilFenced(ctx context.Context, rt *runtime.Runtime, c catalog.Catalog) error {
	epoch, err := c.NextEpoch(ctx)
	if err != nil {
		return err
	}
	for range 20 {
		err := c.Update(ctx, epoch, func(d catalog.Draft) error {
			shards, err := d.Shards()
			if err != nil {
				return err
			}
			rt.Yield() // a change may take its time
			return d.InsertShards(mappings{user(uint64(len(shards)) + 1): shard(byte(epoch))})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func wantEpochsInOrder(t *testing.T, state catalog.State) {
	t.Helper()
	last := persist.ShardID{}
	for _, m := range state.Shards {
		if m.Shard.Compare(last) < 0 {
			t.Errorf("the mapping of %v was made under an older epoch than the one before: %v", m.ID, state.Shards)
			return
		}
		last = m.Shard
	}
	if int(state.Commits) != len(state.Shards) {
		t.Errorf("%d commits for %d mappings", state.Commits, len(state.Shards))
	}
}

// TestUpdateWithoutChangeCommitsNothing protects the other processes from running
// their changes again for the sake of one that has changed nothing.
func TestUpdateWithoutChangeCommitsNothing(t *testing.T) {
	memory := catalog.NewMemory("test")
	c := memory.View(runtime.New(runtime.Options{}))
	epoch := mustEpoch(t, c)
	fill := func(d catalog.Draft) error {
		return errors.Join(
			d.InsertShards(mappings{user(1): shard(1)}),
			d.Describe(catalog.Description{ID: user(1), DependsOn: []catalog.GlobalID{user(3), user(2)}}),
			d.InsertUnfinalized(shard(2)),
		)
	}
	if err := c.Update(t.Context(), epoch, fill); err != nil {
		t.Fatal(err)
	}
	before := memory.Inspect()
	for name, change := range map[string]func(catalog.Draft) error{
		"no call": func(catalog.Draft) error { return nil },
		"calls that find nothing to do": func(d catalog.Draft) error {
			_, err := d.DeleteShards(user(2))
			return errors.Join(err, d.InsertShards(nil), d.InsertUnfinalized(shard(2)), d.MarkFinalized(shard(1)),
				d.Describe(catalog.Description{ID: user(1), DependsOn: []catalog.GlobalID{user(2), user(3), user(2)}}))
		},
		"calls that undo each other": func(d catalog.Draft) error {
			err := errors.Join(d.InsertShards(mappings{user(4): shard(4)}), d.InsertUnfinalized(shard(4)))
			_, deleteErr := d.DeleteShards(user(4))
			return errors.Join(err, deleteErr, d.MarkFinalized(shard(4)))
		},
	} {
		if err := c.Update(t.Context(), epoch, change); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(before, memory.Inspect()); diff != "" {
			t.Errorf("%s (-before +after):\n%s", name, diff)
		}
	}
}

// TestEveryPartOfAChangeCounts protects against a part that is compared wrongly and
// therefore thought to have stayed as it was.
func TestEveryPartOfAChangeCounts(t *testing.T) {
	memory := catalog.NewMemory("test")
	c := memory.View(runtime.New(runtime.Options{}))
	epoch := mustEpoch(t, c)
	for i, change := range []func(catalog.Draft) error{
		func(d catalog.Draft) error { return d.InsertShards(mappings{user(1): shard(1)}) },
		func(d catalog.Draft) error { return d.Describe(catalog.Description{ID: user(1)}) },
		func(d catalog.Draft) error {
			return d.Describe(catalog.Description{ID: user(1), Since: frontier.At(1)})
		},
		func(d catalog.Draft) error { return d.InsertUnfinalized(shard(2)) },
		func(d catalog.Draft) error { return d.SetTxnsShard(shard(3)) },
		func(d catalog.Draft) error { return d.MarkFinalized(shard(2)) },
		func(d catalog.Draft) error {
			_, err := d.DeleteShards(user(1))
			return errors.Join(err, d.InsertShards(mappings{user(1): shard(4)}))
		},
	} {
		if err := c.Update(t.Context(), epoch, change); err != nil {
			t.Fatal(err)
		}
		if got := memory.Inspect().Commits; got != uint64(i)+1 {
			t.Errorf("%d commits after %d changes", got, i+1)
		}
	}
}

// TestCancelledUpdateIsDeterminate protects callers who give up while their change
// runs: they know that it has not happened.
func TestCancelledUpdateIsDeterminate(t *testing.T) {
	memory := catalog.NewMemory("test")
	rt := runtime.New(runtime.Options{})
	c := memory.View(rt)
	epoch := mustEpoch(t, c)
	before := memory.Inspect()
	ctx, cancel := rt.WithCancel(t.Context())
	err := c.Update(ctx, epoch, func(d catalog.Draft) error {
		cancel()
		return d.InsertUnfinalized(shard(1))
	})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("update: %v", err)
	}
	err = c.Update(ctx, epoch, func(catalog.Draft) error {
		t.Error("a change runs, though the context has ended")
		return nil
	})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("update: %v", err)
	}
	if _, err := c.NextEpoch(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("next epoch: %v", err)
	}
	if diff := cmp.Diff(before, memory.Inspect()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// TestDraftRefusesWhatNamesNothing protects against shards and collections that can
// never be opened. What is answered by an error has not happened, even if the change
// goes on.
func TestDraftRefusesWhatNamesNothing(t *testing.T) {
	memory := catalog.NewMemory("test")
	c := memory.View(runtime.New(runtime.Options{}))
	epoch := mustEpoch(t, c)
	before := memory.Inspect()
	err := c.Update(t.Context(), epoch, func(d catalog.Draft) error {
		for name, err := range map[string]error{
			"id":                d.InsertShards(mappings{user(1): shard(1), {}: shard(2)}),
			"shard":             d.InsertShards(mappings{user(1): shard(1), user(2): {}}),
			"unfinalised shard": d.InsertUnfinalized(shard(1), persist.ShardID{}),
			"txns shard":        d.SetTxnsShard(persist.ShardID{}),
		} {
			if !errors.Is(err, persist.ErrUsage) {
				t.Errorf("the zero %s: %v, want a usage error", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, memory.Inspect()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// TestInspectSharesNothing protects the catalog from its checkers.
func TestInspectSharesNothing(t *testing.T) {
	memory := catalog.NewMemory("test")
	c := memory.View(runtime.New(runtime.Options{}))
	err := c.Update(t.Context(), mustEpoch(t, c), func(d catalog.Draft) error {
		return errors.Join(
			d.InsertShards(mappings{user(1): shard(1)}),
			d.InsertUnfinalized(shard(2)),
			d.Describe(catalog.Description{ID: user(1), DependsOn: []catalog.GlobalID{user(2)}}),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	before, spoiled := memory.Inspect(), memory.Inspect()
	spoiled.Shards[0], spoiled.Unfinalized[0] = catalog.Mapping{}, persist.ShardID{}
	spoiled.Descriptions[0].DependsOn[0] = catalog.GlobalID{}
	if diff := cmp.Diff(before, memory.Inspect()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// TestOperationsAreSchedulingPoints protects the simulation: others can get in before
// a read and before a commit, and a strategy knows which is which.
func TestOperationsAreSchedulingPoints(t *testing.T) {
	var got []string
	sink := func(e trace.Event) {
		if e.Kind == trace.Op && strings.HasSuffix(e.Text, " orders.catalog") {
			got = append(got, strings.TrimSuffix(e.Text, " orders.catalog"))
		}
	}
	result, err := sim.Run(t.Context(), sim.Config{Trace: sink}, func(ctx context.Context, w *sim.World) error {
		c := catalog.NewMemory("orders").View(w.Runtime())
		epoch, err := c.NextEpoch(ctx)
		return errors.Join(
			err,
			c.Update(ctx, epoch, func(catalog.Draft) error { return nil }),
			c.Update(ctx, epoch, func(d catalog.Draft) error { return d.InsertUnfinalized(shard(1)) }),
		)
	})
	if err != nil || result.Verdict.Kind != sim.OK {
		t.Fatal(result.Verdict, err)
	}
	want := []string{"write", "read", "read", "read", "write"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestInspectIsNoSchedulingPoint protects checkers that run between two steps.
func TestInspectIsNoSchedulingPoint(t *testing.T) {
	simtest.RunWorld(t, func(_ context.Context, w *sim.World) error {
		memory := catalog.NewMemory("test")
		before := w.Step()
		memory.Inspect()
		if after := w.Step(); after != before {
			t.Errorf("step %d, then %d", before, after)
		}
		return nil
	})
}

func mustEpoch(t *testing.T, c catalog.Catalog) int64 {
	t.Helper()
	epoch, err := c.NextEpoch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return epoch
}

// TestFaultPlansSurviveTheirText protects plans that are printed and given back.
func TestFaultPlansSurviveTheirText(t *testing.T) {
	for _, p := range []catalog.FaultPlan{{}, {Refuse: 2}, {Refuse: 5, FailBefore: 3, FailAfter: 8}} {
		if again, err := catalog.ParseFaultPlan(p.String()); err != nil || again != p {
			t.Errorf("%q is read as %q: %v", p, again, err)
		}
	}
	for _, text := range []string{"refuse", "refuse 5", "refuse 1/1", "refuse 1/x", "explode 1/2", "refuse 1/2; refuse 1/3", "refuse 1/2 3"} {
		if p, err := catalog.ParseFaultPlan(text); !errors.Is(err, persist.ErrUsage) {
			t.Errorf("%q: %v, %v", text, p, err)
		}
	}
}
