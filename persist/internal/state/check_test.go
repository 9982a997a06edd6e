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

// Each invariant of a single version has a version that breaks it, and nothing
// else.
func TestCheckNoticesEveryViolation(t *testing.T) {
	base := busyShard(t).current()
	for _, c := range []change{
		{"no rollup", "P-9", func(old *state.State, d *state.Diff) {
			d.Rollups = append(remove(state.SeqNo(2), old.Rollups().Lookup(2)), remove(state.SeqNo(3), old.Rollups().Lookup(3))...)
			d.LatestRollup = ""
		}},
		{"rollup under the key of another version", "P-9", func(old *state.State, d *state.Diff) {
			d.Rollups = insert(state.SeqNo(5), state.Rollup{Key: state.NewRollupKey(4, state.BlobID{})})
			d.LatestRollup = d.Rollups[0].New.Key
		}},
		{"rollup of the future", "P-9", func(old *state.State, d *state.Diff) {
			d.Rollups = insert(state.SeqNo(90), state.Rollup{Key: state.NewRollupKey(90, state.BlobID{})})
			d.LatestRollup = d.Rollups[0].New.Key
		}},
		{"rollup that was removed", "P-10", func(old *state.State, d *state.Diff) {
			d.Rollups = insert(state.SeqNo(1), state.Rollup{Key: state.NewRollupKey(1, state.BlobID{})})
		}},
		{"work of the future", "P-11", func(old *state.State, d *state.Diff) {
			d.ActiveRollup = replace(old.ActiveRollup(), state.Activity{SeqNo: 90})
		}},
		{"work on no version", "P-11", func(old *state.State, d *state.Diff) {
			d.ActiveGC = replace(old.ActiveGC(), state.Activity{StartedMS: 4})
		}},
		{"collected what is held", "P-12", func(old *state.State, d *state.Diff) {
			d.LastGC = replace(old.LastGC(), 10)
		}},
		{"hold of the future", "P-12", func(old *state.State, d *state.Diff) {
			d.LeasedReaders = update(leased1, old.LeasedReaders().Lookup(leased1),
				func(r *state.LeasedReader) { r.Hold = 90 })
		}},
		{"leased reader behind the since", "P-13", func(old *state.State, d *state.Diff) {
			d.LeasedReaders = update(leased1, old.LeasedReaders().Lookup(leased1),
				func(r *state.LeasedReader) { r.Since = frontier.At(0) })
		}},
		{"critical reader behind the since", "P-13", func(old *state.State, d *state.Diff) {
			d.CriticalReaders = update(critical1, old.CriticalReaders().Lookup(critical1),
				func(r *state.CriticalReader) { r.Since = frontier.At(0) })
		}},
		{"writer beyond the upper", "P-25", func(old *state.State, d *state.Diff) {
			d.Writers = update(writer1, old.Writers().Lookup(writer1),
				func(w *state.Writer) { w.Upper = frontier.At(9) })
		}},
		{"writer without a token", "P-25", func(old *state.State, d *state.Diff) {
			d.Writers = update(writer1, old.Writers().Lookup(writer1),
				func(w *state.Writer) { w.Token = state.IdempotencyToken{} })
		}},
		{"gap between schemas", "P-36", func(old *state.State, d *state.Diff) {
			d.Schemas = insert(state.SchemaID(3), state.Schema{})
		}},
		{"data under an unknown schema", "P-36", func(old *state.State, d *state.Diff) {
			d.Batches = batch(old, 0, func(b *state.Batch) {
				run := b.Runs[0]
				run.Schema = 2
				b.Runs = []state.Run{run}
			})
		}},
		{"gap in time", "P-16", func(old *state.State, d *state.Diff) {
			d.Batches = batch(old, 2, func(b *state.Batch) { b.Desc.Lower = frontier.At(6) })
		}},
		{"batch of no time", "P-16", func(old *state.State, d *state.Diff) {
			d.Batches = insert(state.BatchID(3), state.Batch{
				IDs: state.BatchIDs{Lower: 3, Upper: 4}, Desc: state.Desc{Lower: frontier.At(8), Upper: frontier.At(8)},
			})
		}},
		{"gap in ids", "P-16", func(old *state.State, d *state.Diff) {
			d.Batches = insert(state.BatchID(4), state.Batch{
				IDs: state.BatchIDs{Lower: 4, Upper: 5}, Desc: state.Desc{Lower: frontier.At(8), Upper: frontier.At(9)},
			})
		}},
		{"batch under the id of another", "P-16", func(old *state.State, d *state.Diff) {
			d.Batches = batch(old, 2, func(b *state.Batch) { b.IDs.Lower = 1 })
		}},
		{"batch beyond the since", "P-16", func(old *state.State, d *state.Diff) {
			d.Batches = batch(old, 0, func(b *state.Batch) { b.Desc.Since = frontier.At(2) })
		}},
		{"batch of another length than its runs", "P-16", func(old *state.State, d *state.Diff) {
			d.Batches = batch(old, 0, func(b *state.Batch) { b.Length++ })
		}},
		{"run of another size than its parts", "P-16", func(old *state.State, d *state.Diff) {
			d.Batches = batch(old, 0, func(b *state.Batch) {
				run := b.Runs[0]
				run.EncodedSize++
				b.Runs, b.EncodedSize = []state.Run{run}, run.EncodedSize
			})
		}},
		{"compaction that splits a batch", "P-16", func(old *state.State, d *state.Diff) {
			d.Batches = append(batch(old, 0, func(b *state.Batch) {
				b.IDs.Upper, b.Desc.Upper = 2, frontier.At(5)
			}), remove(state.BatchID(1), old.Batches().Lookup(1))...)
			d.Compactions = update(state.BatchID(0), old.Compactions().Lookup(0),
				func(c *state.Compaction) { c.Window.Upper = 1 })
		}},
		{"compactions that overlap", "P-16", func(old *state.State, d *state.Diff) {
			d.Compactions = insert(state.BatchID(1), state.Compaction{Window: state.BatchIDs{Lower: 1, Upper: 3}})
		}},
		{"fence beyond the epoch", "P-20", func(old *state.State, d *state.Diff) {
			d.BatchEpochMin = replace[state.Epoch](3, 6)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			requireViolation(t, applied(t, base, c.diff).Check(), c.invariant)
		})
	}
}

// Each invariant of a step has two valid versions between which there is no such
// step.
func TestCheckTransitionNoticesEveryViolation(t *testing.T) {
	base := busyShard(t).current()
	for _, c := range []change{
		{"since without readers", "P-13", func(old *state.State, d *state.Diff) {
			d.LeasedReaders = remove(leased1, old.LeasedReaders().Lookup(leased1))
			d.CriticalReaders = remove(critical1, old.CriticalReaders().Lookup(critical1))
			d.Since = replace(old.Since(), frontier.At(9))
		}},
		{"since that passes over a leased reader", "P-13", func(old *state.State, d *state.Diff) {
			d.LeasedReaders = remove(leased1, old.LeasedReaders().Lookup(leased1))
			d.CriticalReaders = update(critical1, old.CriticalReaders().Lookup(critical1),
				func(r *state.CriticalReader) { r.Since = frontier.At(3) })
			d.Since = replace(old.Since(), frontier.At(3))
		}},
		{"since that passes over a critical reader", "P-13", func(old *state.State, d *state.Diff) {
			d.CriticalReaders = remove(critical1, old.CriticalReaders().Lookup(critical1))
			d.Since = replace(old.Since(), frontier.At(2))
		}},
		{"last gc back", "P-11", func(old *state.State, d *state.Diff) { d.LastGC = replace(old.LastGC(), 1) }},
		{"rollups removed back", "P-11", func(old *state.State, d *state.Diff) {
			d.RollupsRemoved = replace[state.SeqNo](1, 0)
		}},
		{"epoch back", "P-11", func(old *state.State, d *state.Diff) { d.BatchEpoch = replace[state.Epoch](5, 4) }},
		{"fence back", "P-11", func(old *state.State, d *state.Diff) { d.BatchEpochMin = replace[state.Epoch](3, 2) }},
		{"hold back", "P-11", func(old *state.State, d *state.Diff) {
			d.LeasedReaders = update(leased1, old.LeasedReaders().Lookup(leased1),
				func(r *state.LeasedReader) { r.Hold = 8 })
		}},
		{"since of a leased reader back", "P-11", func(old *state.State, d *state.Diff) {
			d.LeasedReaders = update(leased1, old.LeasedReaders().Lookup(leased1),
				func(r *state.LeasedReader) { r.Since = frontier.At(1) })
		}},
		{"heartbeat back", "P-25", func(old *state.State, d *state.Diff) {
			d.Writers = update(writer1, old.Writers().Lookup(writer1),
				func(w *state.Writer) { w.Lease.HeartbeatMS = 999 })
		}},
		{"codec of an opaque", "P-34", func(old *state.State, d *state.Diff) {
			d.CriticalReaders = update(critical1, old.CriticalReaders().Lookup(critical1),
				func(r *state.CriticalReader) { r.Opaque.Codec = "text" })
		}},
		{"schema that changed", "P-36", func(old *state.State, d *state.Diff) {
			d.Schemas = update(state.SchemaID(1), old.Schemas().Lookup(1), func(s *state.Schema) { s.Physical = []byte("x") })
		}},
		{"rollup under another key", "P-10", func(old *state.State, d *state.Diff) {
			d.Rollups = update(state.SeqNo(2), old.Rollups().Lookup(2),
				func(r *state.Rollup) { r.Key = state.NewRollupKey(2, number[state.BlobID](9)) })
		}},
		{"rollup removed unnoticed", "P-10", func(old *state.State, d *state.Diff) {
			d.Rollups = remove(state.SeqNo(2), old.Rollups().Lookup(2))
		}},
		{"rollup of this very version", "P-9", func(old *state.State, d *state.Diff) {
			d.Rollups = insert(d.SeqNo, state.Rollup{Key: state.NewRollupKey(d.SeqNo, state.BlobID{})})
			d.LatestRollup = d.Rollups[0].New.Key
		}},
		{"batch that was lost", "P-11", func(old *state.State, d *state.Diff) {
			d.Writers = remove(writer1, old.Writers().Lookup(writer1))
			d.Batches = remove(state.BatchID(2), old.Batches().Lookup(2))
		}},
		{"time that changed hands", "P-16", func(old *state.State, d *state.Diff) {
			d.Batches = append(batch(old, 0, func(b *state.Batch) { b.Desc.Upper = frontier.At(4) }),
				batch(old, 1, func(b *state.Batch) { b.Desc.Lower = frontier.At(4) })...)
		}},
		{"extended batch with updates", "P-16", func(old *state.State, d *state.Diff) {
			d.Batches = batch(old, 2, func(b *state.Batch) { b.IDs.Upper, b.Desc.Upper = 4, frontier.At(9) })
		}},
		{"merge that gained updates", "P-22", func(old *state.State, d *state.Diff) {
			d.Batches = batch(old, 1, func(b *state.Batch) {
				first := old.Batches().Lookup(0)
				b.Runs, b.Length, b.EncodedSize = first.Runs, first.Length, first.EncodedSize
			})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			next := applied(t, base, c.diff)
			if err := next.Check(); err != nil {
				t.Fatalf("the version is invalid by itself: %v", err)
			}
			requireViolation(t, state.CheckTransition(base, next), c.invariant)
		})
	}
}

// A batch that was split would give two batches the updates of one, or none.
func TestCheckTransitionNoticesASplitBatch(t *testing.T) {
	s := busyShard(t)
	s.edit(t, 1000, state.Diff{
		Batches: append(batch(s.current(), 0, func(b *state.Batch) { b.IDs.Upper, b.Desc.Upper = 2, frontier.At(5) }),
			remove(state.BatchID(1), s.current().Batches().Lookup(1))...),
	})
	merged := s.current()
	split := applied(t, merged, func(old *state.State, d *state.Diff) {
		d.Compactions = remove(state.BatchID(0), old.Compactions().Lookup(0))
		d.Batches = append(batch(old, 0, func(b *state.Batch) { b.IDs.Upper, b.Desc.Upper = 1, frontier.At(4) }),
			insert(state.BatchID(1), state.Batch{
				IDs: state.BatchIDs{Lower: 1, Upper: 2}, Desc: state.Desc{Lower: frontier.At(4), Upper: frontier.At(5)},
			})...)
	})
	if err := split.Check(); err != nil {
		t.Fatal(err)
	}
	requireViolation(t, state.CheckTransition(merged, split), "P-16")
}

func TestCheckTransitionTakesOnlyTheNextVersion(t *testing.T) {
	s := busyShard(t)
	requireViolation(t, state.CheckTransition(s.versions[2], s.versions[4]), "P-1")
	requireViolation(t, state.CheckTransition(s.versions[4], s.versions[3]), "P-1")
}

func TestCheckTransitionGuardsTombstones(t *testing.T) {
	s := newShard()
	env := state.Environment{NowMS: 1000}
	opaque := state.Opaque{Codec: "epoch"}
	id := number[state.CriticalReaderID](1)
	must(t, s, env, state.Initialise{Rollup: state.NewRollupKey(1, state.BlobID{})})
	must(t, s, env, state.RegisterCriticalReader{ID: id, Opaque: opaque})
	must(t, s, env, state.CompareAndDowngradeSince{ID: id, Expected: opaque, New: opaque, Since: frontier.Empty()})
	must(t, s, env, state.CompareAndAppend{
		Writer: number[state.WriterID](1), Token: number[state.IdempotencyToken](1), New: frontier.Empty(),
	})
	must(t, s, env, state.ExpireWriter{ID: number[state.WriterID](1)})
	must(t, s, env, state.ExpireCriticalReader{ID: id})
	if !s.current().IsTombstone() || !s.current().IsFinalized() {
		t.Fatalf("not a finalized tombstone:\n%v", s.current())
	}
	for _, c := range []change{
		{"empty version", "P-15", func(old *state.State, d *state.Diff) {}},
		{"epoch", "P-15", func(old *state.State, d *state.Diff) { d.BatchEpoch = replace[state.Epoch](0, 1) }},
		{"revival", "P-15", func(old *state.State, d *state.Diff) {
			d.Writers = insert(number[state.WriterID](2), state.Writer{Token: number[state.IdempotencyToken](2)})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			requireViolation(t, state.CheckTransition(s.current(), applied(t, s.current(), c.diff)), c.invariant)
		})
	}
}
