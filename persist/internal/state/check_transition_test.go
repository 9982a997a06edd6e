package state_test

import (
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

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
		{"since back", "P-11", func(old *state.State, d *state.Diff) { d.Since = replace(old.Since(), frontier.At(0)) }},
		{"upper back", "P-11", func(old *state.State, d *state.Diff) {
			d.Writers = remove(writer1, old.Writers().Lookup(writer1))
			d.Batches = batch(old, 2, func(b *state.Batch) { b.Desc.Upper = frontier.At(7) })
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
