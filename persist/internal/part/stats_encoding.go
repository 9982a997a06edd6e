package part

import (
	"bytes"
	"slices"

	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// statsVersion is the version of the format of encoded stats.
const statsVersion = 1

// storedStats is what is stored. Wrong stats lead to wrong answers that nobody
// notices, so they have a checksum of their own.
type storedStats struct {
	_        struct{} `cbor:",toarray"`
	Version  uint64
	Checksum uint32
	Body     []byte
}

type storedBounds struct {
	_                    struct{} `cbor:",toarray"`
	Length               uint64
	TimeLower, TimeUpper uint64
	Columns              []storedColumn
}

type storedColumn struct {
	_        struct{} `cbor:",toarray"`
	Column   uint64
	Nulls    uint64
	Lower    []byte
	Upper    []byte
	HasUpper bool
}

// statsSizeFixed is what encoded stats take without any column, at most, in bytes.
const statsSizeFixed = 64

// trimmed returns the stats with only those columns whose encoding fits into a budget
// in bytes, besides the few bytes of length and times. Columns that are to be kept,
// by their places, are there in any case; of the others, those that come first.
func (s Stats) trimmed(budget int, isKept func(column int) bool) (Stats, error) {
	sizes := make([]int, len(s.Columns))
	for i := range s.Columns {
		encoded, err := wire.Marshal(s.Columns[i].stored())
		if err != nil {
			return Stats{}, err
		}
		sizes[i] = len(encoded)
		if isKept(s.Columns[i].Column) {
			budget -= len(encoded)
		}
	}
	var columns []ColumnStats
	for i, column := range s.Columns {
		if !isKept(column.Column) {
			if sizes[i] > budget {
				continue
			}
			budget -= sizes[i]
		}
		columns = append(columns, column)
	}
	s.Columns = columns
	return s, nil
}

func (c *ColumnStats) stored() storedColumn {
	return storedColumn{
		Column: uint64(c.Column), Nulls: c.Nulls, Lower: c.Lower, Upper: c.Upper, HasUpper: c.HasUpper,
	}
}

// EncodeStats returns the encoding of stats in about budget bytes. Columns that do not
// fit are left out, unless keep has their name: those are never left out.
func EncodeStats(schema relation.Schema, stats Stats, budget int, keep ...string) ([]byte, error) {
	stats, err := stats.trimmed(budget-statsSizeFixed, func(column int) bool {
		return slices.Contains(keep, schema.Column(column).Name)
	})
	if err != nil {
		return nil, err
	}
	bounds := storedBounds{Length: stats.Length, TimeLower: stats.TimeLower, TimeUpper: stats.TimeUpper}
	for i := range stats.Columns {
		bounds.Columns = append(bounds.Columns, stats.Columns[i].stored())
	}
	body, err := wire.Marshal(&bounds)
	if err != nil {
		return nil, err
	}
	return wire.Marshal(&storedStats{Version: statsVersion, Checksum: wire.Checksum(body), Body: body})
}

// DecodeStats returns the stats that [EncodeStats] encoded for a part under the schema.
// The error is a [*wire.CorruptionError], or a [*wire.VersionError] if this program
// does not know them; both mean that anything may be in the part.
func DecodeStats(schema relation.Schema, data []byte) (Stats, error) {
	const what = "stats"
	var stored storedStats
	if err := wire.Unmarshal(what, data, &stored); err != nil {
		return Stats{}, err
	}
	if stored.Checksum != wire.Checksum(stored.Body) {
		return Stats{}, wire.Corrupt(what, "wrong checksum")
	}
	if stored.Version != statsVersion {
		return Stats{}, &wire.VersionError{Found: stored.Version, Oldest: statsVersion, Newest: statsVersion}
	}
	var bounds storedBounds
	if err := wire.Unmarshal(what, stored.Body, &bounds); err != nil {
		return Stats{}, err
	}
	stats := Stats{Length: bounds.Length, TimeLower: bounds.TimeLower, TimeUpper: bounds.TimeUpper}
	if stats.Length == 0 || stats.TimeLower > stats.TimeUpper {
		return Stats{}, wire.Corrupt(what, "of no updates")
	}
	for i, column := range bounds.Columns {
		if column.Column >= uint64(schema.Len()) || i > 0 && column.Column <= bounds.Columns[i-1].Column {
			return Stats{}, wire.Corrupt(what, "of other columns")
		}
		if !column.isSound(schema.Column(int(column.Column)), stats.Length) {
			return Stats{}, wire.Corrupt(what, "bounds contradict each other")
		}
		stats.Columns = append(stats.Columns, ColumnStats{
			Column: int(column.Column), Nulls: column.Nulls,
			Lower: column.Lower, Upper: column.Upper, HasUpper: column.HasUpper,
		})
	}
	return stats, nil
}

// isSound reports whether the bounds can be those of a column of so many updates.
func (c *storedColumn) isSound(column relation.Column, length uint64) bool {
	if c.Nulls > length || c.Nulls > 0 && !column.IsNullable || !c.HasUpper && len(c.Upper) > 0 {
		return false
	}
	if c.Nulls == length {
		return len(c.Lower) == 0 && !c.HasUpper
	}
	if !column.Type.IsText() {
		size := 8
		if column.Type == relation.Bool {
			size = 1
		}
		if len(c.Lower) != size || len(c.Upper) != size {
			return false
		}
	}
	return !c.HasUpper || bytes.Compare(c.Lower, c.Upper) <= 0
}
