package state_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Some commands cannot share a version: the since must not move where a reader has just
// gone (P-13), and no registration be promised and ended at once.
func TestCommandsWaitForTheNextVersion(t *testing.T) {
	open := newShard()
	env := state.Environment{NowMS: 1000}
	must(t, open, env, state.Initialise{Rollup: state.NewRollupKey(1, state.BlobID{})})
	other := number[state.LeasedReaderID](2)
	must(t, open, env, state.RegisterLeasedReader{ID: leased1, LeaseMS: 1000})
	must(t, open, env, state.RegisterLeasedReader{ID: other, LeaseMS: 1000})
	first, err := state.NewCandidate(env, open.current())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := state.Execute(first, state.ExpireLeasedReader{ID: other}); err != nil {
		t.Fatal(err)
	}
	downgrade := state.DowngradeLeasedReader{ID: leased1, Since: frontier.At(3), Hold: 3}
	if _, _, err := state.Execute(first, downgrade); !errors.Is(err, state.ErrNextVersion) {
		t.Errorf("downgrade after a reader has gone: error is %v, want ErrNextVersion", err)
	}

	closed := newShard()
	must(t, closed, env, state.Initialise{Rollup: state.NewRollupKey(1, state.BlobID{})})
	must(t, closed, env, state.CompareAndAppend{
		Writer: writer1, Token: number[state.IdempotencyToken](1), LeaseMS: 1000, New: frontier.Empty(),
	})
	must(t, closed, env, state.RegisterLeasedReader{ID: leased1, LeaseMS: 1000})
	must(t, closed, env, state.DowngradeLeasedReader{ID: leased1, Since: frontier.Empty(), Hold: 3})
	second, err := state.NewCandidate(env, closed.current())
	if err != nil {
		t.Fatal(err)
	}
	if isAlive, _, err := state.Execute(second, state.HeartbeatLeasedReader{ID: leased1}); !isAlive || err != nil {
		t.Fatalf("heartbeat: %t, %v", isAlive, err)
	}
	if _, _, err := state.Execute(second, state.Finalize{}); !errors.Is(err, state.ErrNextVersion) {
		t.Errorf("the end after a sign of life: error is %v, want ErrNextVersion", err)
	}

	// A rollup that is listed together with a step to the end would pass for one of the end,
	// and what that step has dropped would never be deleted (P-15).
	rollup := state.AddRollup{Key: state.NewRollupKey(closed.current().SeqNo(), number[state.BlobID](9)), EncodedSize: 1}
	for _, finalizes := range []bool{true, false} {
		both, err := state.NewCandidate(env, closed.current())
		if err != nil {
			t.Fatal(err)
		}
		finalize := func() error { _, _, err := state.Execute(both, state.Finalize{}); return err }
		list := func() error { _, _, err := state.Execute(both, rollup); return err }
		before, after := list, finalize
		if finalizes {
			before, after = finalize, list
		}
		if err := before(); err != nil {
			t.Fatal(err)
		}
		if err := after(); !errors.Is(err, state.ErrNextVersion) {
			t.Errorf("finalize first: %t: error of the second is %v, want ErrNextVersion", finalizes, err)
		}
	}
}

// What a diff only moves, or replaces, has not become garbage by it.
func TestDroppedIsOnlyWhatIsNoLongerReferredTo(t *testing.T) {
	runs := func(n byte) []state.Run { return objectRun(number[state.BlobID](n), 1, 1) }
	key := func(n byte) state.PartKey { return runs(n)[0].Parts[0].Key }
	rollup := func(n byte) *state.Rollup {
		return &state.Rollup{Key: state.NewRollupKey(1, number[state.BlobID](n))}
	}
	diff := state.Diff{
		Batches: []state.Mutation[state.BatchID, state.Batch]{
			{Key: 0, Old: &state.Batch{Runs: runs(1)}, New: &state.Batch{Runs: append(runs(2), runs(3)...)}},
			{Key: 1, Old: &state.Batch{Runs: runs(2)}},
		},
		Rollups: []state.Mutation[state.SeqNo, state.Rollup]{
			{Key: 1, Old: rollup(1)}, {Key: 2, Old: rollup(2), New: rollup(2)}, {Key: 3, New: rollup(3)},
		},
	}
	if got, want := diff.DroppedParts(), []state.PartKey{key(1)}; !slices.Equal(got, want) {
		t.Errorf("dropped parts are %v, want %v", got, want)
	}
	if got, want := diff.AddedParts(), []state.PartKey{key(3)}; !slices.Equal(got, want) {
		t.Errorf("added parts are %v, want %v", got, want)
	}
	if got, want := diff.DroppedRollups(), []state.RollupKey{rollup(1).Key}; !slices.Equal(got, want) {
		t.Errorf("dropped rollups are %v, want %v", got, want)
	}
	if got, want := diff.AddedRollups(), []state.RollupKey{rollup(3).Key}; !slices.Equal(got, want) {
		t.Errorf("added rollups are %v, want %v", got, want)
	}
}
