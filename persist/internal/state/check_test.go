package state_test

import (
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
)

// Each invariant of a single version has a version that breaks it, and nothing
// else.
func TestCheckNoticesEveryViolation(t *testing.T) {
	base := busyShard(t).current()
	for _, c := range []change{
		{"no rollup", "P-9", func(old *state.State, d *state.Diff) {
			d.Rollups = append(remove(state.SeqNo(2), old.Rollups().Lookup(2)),
				remove(state.SeqNo(3), old.Rollups().Lookup(3))...)
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
		{"compaction that begins within a batch", "P-16", func(old *state.State, d *state.Diff) {
			d.Batches = append(batch(old, 0, func(b *state.Batch) {
				b.IDs.Upper, b.Desc.Upper = 2, frontier.At(5)
			}), remove(state.BatchID(1), old.Batches().Lookup(1))...)
			d.Compactions = append(remove(state.BatchID(0), old.Compactions().Lookup(0)),
				insert(state.BatchID(1), state.Compaction{Window: state.BatchIDs{Lower: 1, Upper: 3}})...)
		}},
		{"compaction of what is not there", "P-16", func(old *state.State, d *state.Diff) {
			d.Compactions = insert(state.BatchID(3), state.Compaction{Window: state.BatchIDs{Lower: 3, Upper: 4}})
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
