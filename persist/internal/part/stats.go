package part

import (
	"slices"

	"github.com/tidemarkdb/tidemark/persist/relation"
)

// Stats say what the updates of a part are like, so that a reader need not fetch a
// part in which nothing can match its [Filter].
type Stats struct {
	// Length is the number of updates, at least one.
	Length uint64
	// TimeLower and TimeUpper are the least and the greatest time.
	TimeLower, TimeUpper uint64
	// Columns has some of the columns, in the order of the schema.
	Columns []ColumnStats
}

// ColumnStats bound the values of one column. Bounds are as [relation.Value.AppendOrdered]
// has it; those of text may be cut short, so they need not occur.
type ColumnStats struct {
	// Column is the place of the column in the schema.
	Column int
	// Nulls is the number of nulls.
	Nulls uint64
	// Lower is no greater than any value that is not null.
	Lower []byte
	// Upper is no less than any value that is not null, if HasUpper says that there
	// is such a bound.
	Upper    []byte
	HasUpper bool
}

// boundSizeMax is the size of the longest bound in bytes.
const boundSizeMax = 32

// Collect returns the stats of updates whose rows are encoded under the schema. It
// returns a [*relation.RowError] if one is not. Of no updates there are no stats.
func Collect(schema relation.Schema, updates []Update) (Stats, error) {
	if len(updates) == 0 {
		return Stats{}, nil
	}
	stats := Stats{Length: uint64(len(updates)), TimeLower: updates[0].Time, TimeUpper: updates[0].Time}
	extremes := make([]extreme, schema.Len())
	values := make([]relation.Value, 0, schema.Len())
	for i := range updates {
		stats.TimeLower = min(stats.TimeLower, updates[i].Time)
		stats.TimeUpper = max(stats.TimeUpper, updates[i].Time)
		var err error
		if values, err = schema.DecodeRow(updates[i].Row, values[:0]); err != nil {
			return Stats{}, err
		}
		for column := range values {
			extremes[column].add(values[column])
		}
	}
	for column := range extremes {
		stats.Columns = append(stats.Columns, extremes[column].stats(column))
	}
	return stats, nil
}

// extreme are the least and the greatest value of a column so far; null while there is
// none.
type extreme struct {
	nulls          uint64
	least, largest relation.Value
}

func (e *extreme) add(value relation.Value) {
	switch {
	case value.IsNull():
		e.nulls++
	case e.least.IsNull():
		e.least, e.largest = value, value
	case relation.Compare(value, e.least) < 0:
		e.least = value
	case relation.Compare(value, e.largest) > 0:
		e.largest = value
	}
}

func (e *extreme) stats(column int) ColumnStats {
	stats := ColumnStats{Column: column, Nulls: e.nulls}
	if e.least.IsNull() {
		return stats
	}
	stats.Lower = LowerBound(e.least.AppendOrdered(nil), boundSizeMax)
	stats.Upper, stats.HasUpper = UpperBound(e.largest.AppendOrdered(nil), boundSizeMax)
	return stats
}

// Advanced returns the stats as they are when all times before since are read as
// since.
func (s Stats) Advanced(since uint64) Stats {
	s.TimeLower, s.TimeUpper = max(s.TimeLower, since), max(s.TimeUpper, since)
	return s
}

// ReadAs returns the stats as they are when rows under one schema are read as rows under
// another, which has more columns or fewer: what the rows do not have is null in all of
// them.
func (s Stats) ReadAs(from, to relation.Schema) Stats {
	if from.Equal(to) {
		return s
	}
	var columns []ColumnStats
	for place := range to.Len() {
		source := from.Index(to.Column(place).Name)
		if source < 0 {
			columns = append(columns, ColumnStats{Column: place, Nulls: s.Length})
		} else if column := s.column(source); column != nil {
			read := *column
			read.Column = place
			columns = append(columns, read)
		}
	}
	s.Columns = columns
	return s
}

// column returns the stats of a column, nil if there are none.
func (s *Stats) column(place int) *ColumnStats {
	i, found := slices.BinarySearchFunc(s.Columns, place, func(c ColumnStats, place int) int {
		return c.Column - place
	})
	if !found {
		return nil
	}
	return &s.Columns[i]
}

// LowerBound returns the longest beginning of data that has at most sizeMax bytes. It
// is no greater than data. It shares the memory of data.
func LowerBound(data []byte, sizeMax int) []byte {
	return data[:min(len(data), sizeMax):min(len(data), sizeMax)]
}

// UpperBound returns at most sizeMax bytes that are no less than data: data itself, or
// its beginning, incremented. There is no such bound if that has only bytes FF.
func UpperBound(data []byte, sizeMax int) (bound []byte, ok bool) {
	if len(data) <= sizeMax {
		return data, true
	}
	end := sizeMax
	for end > 0 && data[end-1] == 0xff {
		end--
	}
	if end == 0 {
		return nil, false
	}
	bound = slices.Clone(data[:end])
	bound[end-1]++
	return bound, true
}
