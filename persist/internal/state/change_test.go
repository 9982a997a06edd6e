package state_test

import (
	"errors"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// change is what a test does to a valid version, in the form of the entries of a
// diff, and the invariant that has to notice.
type change struct {
	name      string
	invariant string
	diff      func(old *state.State, diff *state.Diff)
}

func insert[K, V any](key K, value V) []state.Mutation[K, V] {
	return []state.Mutation[K, V]{{Key: key, New: &value}}
}

func update[K, V any](key K, old *V, change func(*V)) []state.Mutation[K, V] {
	next := *old
	change(&next)
	return []state.Mutation[K, V]{{Key: key, Old: old, New: &next}}
}

func remove[K, V any](key K, old *V) []state.Mutation[K, V] {
	return []state.Mutation[K, V]{{Key: key, Old: old}}
}

func replace[T any](old, next T) *state.Replacement[T] {
	return &state.Replacement[T]{Old: old, New: next}
}

// busyShard has something of everything: batches [0,3), [3,5), which is empty,
// and [5,8); a leased reader at 2 and a critical one at 1, since 1; a writer, two
// schemas, a compaction of the first two batches, and rollups of versions 2 and 3.
func busyShard(t tester) *shard {
	t.Helper()
	s := newShard()
	env := state.Environment{NowMS: 1000, Hostname: "alpha"}
	id := number[state.ShardID](1)
	must(t, s, env, state.Initialise{Shard: id, Rollup: state.NewRollupKey(1, number[state.BlobID](1))})
	row := func(time uint64) part.Update { return part.Update{Row: []byte("row"), Time: time, Diff: 1} }
	for i, batch := range []state.Draft{
		draft(t, id, frontier.At(0), frontier.At(3), row(1), row(2)),
		draft(t, id, frontier.At(3), frontier.At(5)),
		draft(t, id, frontier.At(5), frontier.At(8), row(7)),
	} {
		must(t, s, env, state.CompareAndAppend{
			Writer: number[state.WriterID](1), Token: number[state.IdempotencyToken](byte(i + 1)), LeaseMS: 60_000,
			Expected: batch.Lower, New: batch.Upper, Batches: []state.Draft{batch},
		})
	}
	opaque := state.Opaque{Codec: "epoch"}
	must(t, s, env, state.RegisterCriticalReader{ID: number[state.CriticalReaderID](1), Opaque: opaque})
	must(t, s, env, state.CompareAndDowngradeSince{
		ID: number[state.CriticalReaderID](1), Expected: opaque, New: opaque, Since: frontier.At(1),
	})
	must(t, s, env, state.AddRollup{Key: state.NewRollupKey(2, number[state.BlobID](2)), EncodedSize: 100})
	must(t, s, env, state.AddRollup{Key: state.NewRollupKey(3, number[state.BlobID](3)), EncodedSize: 100})
	first := s.current().Rollups().Lookup(1)
	s.edit(t, 1000, state.Diff{
		LastGC: replace[state.SeqNo](0, 2), ActiveGC: replace(state.Activity{}, state.Activity{SeqNo: 2, StartedMS: 9}),
		Rollups: remove(state.SeqNo(1), first), RollupsRemoved: replace[state.SeqNo](0, 1),
		LeasedReaders: insert(number[state.LeasedReaderID](1), state.LeasedReader{
			Hold: 9, Since: frontier.At(2), Lease: state.Lease{HeartbeatMS: 1000, DurationMS: 60_000},
		}),
		Schemas: append(insert(state.SchemaID(0), state.Schema{Relation: []byte("a")}),
			insert(state.SchemaID(1), state.Schema{Relation: []byte("b")})...),
		Compactions: insert(state.BatchID(0), state.Compaction{Window: state.BatchIDs{Lower: 0, Upper: 2}}),
		BatchEpoch:  replace[state.Epoch](0, 5), BatchEpochMin: replace[state.Epoch](0, 3),
	})
	return s
}

// must commits a command.
func must[A any](t tester, s *shard, env state.Environment, command state.Command[A]) A {
	t.Helper()
	evaluation, err := state.Evaluate(env, s.current(), command)
	if err != nil || evaluation.Transition == nil || !s.commit(t, evaluation.Transition) {
		t.Fatalf("%T is not committed: %v", command, err)
	}
	return evaluation.Answer
}

// applied returns the version that the change leads to, valid or not.
func applied(t *testing.T, old *state.State, change func(*state.State, *state.Diff)) *state.State {
	t.Helper()
	diff := &state.Diff{Header: old.Header(), From: old.SeqNo(), LatestRollup: old.LatestRollup().Key}
	diff.SeqNo++
	diff.WalltimeMS++
	change(old, diff)
	next, err := state.Apply(old, diff)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return next
}

func requireViolation(t *testing.T, err error, invariant string) {
	t.Helper()
	var found *state.ViolationError
	if !errors.As(err, &found) || found.Invariant != invariant {
		t.Errorf("error is %v, want a violation of %s", err, invariant)
	}
}

var (
	writer1   = number[state.WriterID](1)
	leased1   = number[state.LeasedReaderID](1)
	critical1 = number[state.CriticalReaderID](1)
)

func batch(old *state.State, id state.BatchID, change func(*state.Batch)) []state.Mutation[state.BatchID, state.Batch] {
	return update(id, old.Batches().Lookup(id), change)
}
