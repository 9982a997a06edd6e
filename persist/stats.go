package persist

import (
	"context"
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// SnapshotStats say how much there is to be read as of a time.
type SnapshotStats struct {
	// Updates is the number of stored updates that a read looks at: an estimate of the
	// number of rows, which is too high as long as updates that cancel each other, or are
	// of one row, have not been merged.
	Updates uint64
}

// PartStats say what is known of one part without reading it.
type PartStats struct {
	// Updates is the number of updates, and EncodedSize their size in bytes.
	Updates, EncodedSize uint64
	// Schema is the one that the part was written under.
	Schema SchemaID
	// IsInline says that the part is within the metadata and no object.
	IsInline bool
	// HasStats says that TimeLower, TimeUpper and Columns are known: they are not of parts
	// that are inlined.
	HasStats bool
	// TimeLower and TimeUpper are the least and the greatest time of any update, as it is
	// stored.
	TimeLower, TimeUpper uint64
	// Columns has those columns that fit into [Config.StatsSize], and [Config.StatsColumns],
	// in the order of the schema. They are contents of rows: they do not belong into logs.
	Columns []ColumnStats
}

// ColumnStats bound the values that one column has in a part.
type ColumnStats struct {
	// Column describes the column, under the schema of the part.
	Column relation.Column
	// Nulls is the number of updates with null.
	Nulls uint64
	// Lower is no greater than any value that is not null, and Upper no less, both as
	// [relation.Value.AppendOrdered] has it; those of text may be cut short. There is no
	// upper bound if HasUpper is false, and neither says anything if all values are null.
	Lower, Upper []byte
	HasUpper     bool
}

// SnapshotStats estimates how many rows [Reader.Snapshot] returns, without reading them.
// It waits until the upper is beyond asOf; errors are those of Snapshot.
func (r *Reader) SnapshotStats(ctx context.Context, asOf uint64) (stats SnapshotStats, err error) {
	err = r.lookAt(ctx, asOf, func(s *state.State) error {
		stats = snapshotStats(s, asOf)
		return nil
	})
	return stats, err
}

// SnapshotPartsStats says of each part that [Reader.Snapshot] looks at what is known of it
// without reading it, oldest first. It waits until the upper is beyond asOf; errors are
// those of Snapshot.
func (r *Reader) SnapshotPartsStats(ctx context.Context, asOf uint64) (all []PartStats, err error) {
	err = r.lookAt(ctx, asOf, func(s *state.State) error {
		for batch := range batchesUpTo(s, asOf) {
			for _, run := range batch.Runs {
				format, err := formatOf(s, run.Schema)
				if err != nil {
					return err
				}
				for _, p := range run.Parts {
					if p, err = r.machine.withBounds(ctx, run.ID, p); err != nil {
						return err
					}
					all = append(all, partStats(p, format))
				}
			}
		}
		return nil
	})
	return all, err
}

// lookAt hands over a version that can be read as of a time.
func (r *Reader) lookAt(ctx context.Context, asOf uint64, look func(*state.State) error) error {
	_, err := r.machine.latest(ctx)
	if err == nil {
		var s *state.State
		var release func()
		if s, release, err = r.holdAt(ctx, asOf); err == nil {
			defer release()
			err = look(s)
		}
	}
	if err != nil {
		return fmt.Errorf("persist: stats of %v as of %d: %w", r.Shard(), asOf, r.machine.poison(err))
	}
	return nil
}

// SnapshotStats is that of [Reader], for whoever owns the capability.
func (s *Since) SnapshotStats(ctx context.Context, asOf uint64) (SnapshotStats, error) {
	stats, err := s.machine.statsAt(ctx, asOf)
	if err != nil {
		return SnapshotStats{}, fmt.Errorf("persist: stats of %v as of %d: %w", s.Shard(), asOf, err)
	}
	return stats, nil
}

func (m *machine) statsAt(ctx context.Context, asOf uint64) (SnapshotStats, error) {
	for {
		s, err := m.latest(ctx)
		switch {
		case err != nil:
			return SnapshotStats{}, err
		case !s.Since().LessEqualTime(asOf):
			return SnapshotStats{}, &SinceError{AsOf: asOf, Since: s.Since()}
		case !s.Upper().LessEqualTime(asOf):
			return snapshotStats(s, asOf), nil
		}
		isGivenUp := func(s *state.State) bool { return !s.Since().LessEqualTime(asOf) }
		if err := m.waitForUpper(ctx, frontier.At(asOf), isGivenUp); err != nil {
			return SnapshotStats{}, err
		}
	}
}

func snapshotStats(s *state.State, asOf uint64) (stats SnapshotStats) {
	for batch := range batchesUpTo(s, asOf) {
		stats.Updates += batch.Length
	}
	return stats
}

func partStats(p state.Part, format rowFormat) PartStats {
	all := PartStats{Updates: p.Length, EncodedSize: p.EncodedSize, Schema: format.id, IsInline: p.IsInline()}
	stats, err := part.DecodeStats(format.schema, p.Stats)
	if len(p.Stats) == 0 || err != nil {
		return all // nothing is known
	}
	all.HasStats, all.TimeLower, all.TimeUpper = true, stats.TimeLower, stats.TimeUpper
	for _, column := range stats.Columns {
		all.Columns = append(all.Columns, ColumnStats{
			Column: format.schema.Column(column.Column), Nulls: column.Nulls,
			Lower: column.Lower, Upper: column.Upper, HasUpper: column.HasUpper,
		})
	}
	return all
}
