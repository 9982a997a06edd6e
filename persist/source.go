package persist

import (
	"context"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// errPartMissing says that the object of a part is not there. It wraps [ErrNotFound].
var errPartMissing = fmt.Errorf("part: %w", ErrNotFound)

// openPart returns the updates of a part of a run as they were written, under a schema,
// piece by piece: consolidated, with times that are yet to be read as of its rewrite. The
// errors are errPartMissing, a [*KeyError], or those of corruption.
func (m *machine) openPart(
	ctx context.Context, run state.RunID, p state.Part, schema relation.Schema,
) (part.Pieces, error) {
	if p.IsInline() {
		updates, err := m.inlineUpdates(ctx, run, p)
		return part.Whole(updates), err
	}
	data, err := m.getPart(ctx, p)
	if err != nil {
		return nil, err
	}
	if data, err = m.decrypt(ctx, run, p, data, updatesOfPart); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Key, err)
	}
	r, err := part.NewReader(schema, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Key, err)
	}
	length, diffs := uint64(0), int64(0)
	return func(context.Context) ([]Update, error) {
		updates, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Key, err)
		}
		length += uint64(len(updates))
		diffs += part.DiffsSum(updates)
		if len(updates) == 0 && (length != p.Length || diffs != p.DiffsSum) {
			return nil, fmt.Errorf("%w: %s has other updates than it should", ErrCorruption, p.Key)
		}
		return updates, nil
	}, nil
}

func (m *machine) inlineUpdates(ctx context.Context, run state.RunID, p state.Part) ([]Update, error) {
	p, err := m.decryptInline(ctx, run, p)
	if err != nil {
		return nil, err
	}
	return p.InlineUpdates()
}

func (m *machine) getPart(ctx context.Context, p state.Part) (data []byte, err error) {
	err = m.client.readIntact(ctx, func() error {
		value, found, err := m.client.blob.Get(ctx, objectKey(m.key, p.Key))
		switch {
		case err == nil && !found:
			err = errPartMissing
		case err == nil && (uint64(len(value)) != p.EncodedSize || wire.Checksum(value) != p.Checksum):
			err = fmt.Errorf("%w: %s has another size or checksum", ErrCorruption, p.Key)
		}
		data = value
		return err
	})
	return data, err
}

// source is a batch as it is read: which updates of its parts count.
type source struct {
	reading
	batch *state.Batch
	// until is the first time that does not count any more, if hasUntil.
	until    uint64
	hasUntil bool
	// dropped is the sum of the diffs that an append which was cut short has left in
	// the parts. They are none of the batch's.
	dropped int64
}

// runs returns the runs of the batch, yet to be fetched. Bounds are of rows as they were
// written, and say nothing of what those are read as. Nor are runs sorted any more if
// columns are left out: those of equal rows have to be put together again, and if it is not
// the last columns that are left out each part is a run. The error is about a schema or a key.
func (s *source) runs(ctx context.Context) (runs [][]part.Unfetched, err error) {
	for _, run := range s.batch.Runs {
		rows, err := s.conversion(run)
		if err != nil {
			return nil, err
		}
		var parts []part.Unfetched
		for _, p := range run.Parts {
			if p, err = s.machine.withBounds(ctx, run.ID, p); err != nil {
				return nil, err
			}
			isWanted, isAudit := s.isWanted(p, rows)
			if !isWanted {
				continue
			}
			next := part.Unfetched{
				Fetch: func(ctx context.Context) (part.Pieces, error) { return s.open(ctx, run.ID, p, rows, isAudit) },
			}
			if rows.convert == nil {
				next.RowLower = p.RowLower
			}
			parts = append(parts, next)
			if run.Order == state.Unordered || rows.isProjection && !rows.keepsOrder {
				runs, parts = append(runs, parts), nil
			}
		}
		if len(parts) > 0 && rows.isProjection {
			parts = []part.Unfetched{part.Regroup(s.since, parts)}
		}
		if len(parts) > 0 {
			runs = append(runs, parts)
		}
	}
	return runs, nil
}

// open returns those updates of a part that count and are wanted, piece by piece.
func (s *source) open(
	ctx context.Context, run state.RunID, p state.Part, rows conversion, isAudit bool,
) (part.Pieces, error) {
	pieces, err := s.machine.openPart(ctx, run, p, rows.from)
	if err != nil {
		return nil, err
	}
	if rows.isProjection && !rows.keepsOrder { // what is left of the rows is in another order
		all, err := part.Gather(ctx, pieces)
		if err != nil {
			return nil, err
		}
		pieces = part.Whole(all)
	}
	return func(ctx context.Context) ([]Update, error) {
		for {
			updates, err := pieces(ctx)
			if err != nil || len(updates) == 0 {
				return nil, err
			}
			if updates, err = s.read(p, rows, updates, isAudit); err != nil || len(updates) > 0 {
				return updates, err
			}
		}
	}, nil
}

// read returns those of some updates that count and are wanted, as they are read.
func (s *source) read(p state.Part, rows conversion, updates []Update, isAudit bool) ([]Update, error) {
	updates, err := s.count(p, updates)
	if err != nil {
		return nil, err
	}
	if updates, err = rows.apply(updates); err != nil {
		return nil, err
	}
	chosen, err := s.choose(updates, rows.to)
	if err == nil && isAudit {
		s.audit(p, chosen)
	}
	return chosen, err
}

// count returns those of some updates that count, with their times as they are read.
func (s *source) count(p state.Part, all []Update) ([]Update, error) {
	desc, counted := s.batch.Desc, all[:0]
	isMerged := desc.Since != state.Desc{}.Since // what did not belong is gone, and times have moved
	for _, u := range all {
		u.Time = p.Rewrite.AdvanceTime(u.Time) // the bounds are about times as they are read
		if !isMerged && (!desc.Lower.LessEqualTime(u.Time) || desc.Upper.LessEqualTime(u.Time)) {
			s.dropped += u.Diff
			continue
		}
		if !s.hasUntil || u.Time < s.until {
			counted = append(counted, u)
		}
	}
	if p.Rewrite != (state.Part{}.Rewrite) {
		return part.Consolidate(counted)
	}
	return counted, nil
}
