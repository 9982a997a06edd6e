package relation

// Projection turns rows of a newer schema into rows of an older one, by leaving out the
// columns that were added since. It is the way back of a [Migration], an immutable
// value, and safe for concurrent use. The zero Projection is the one from the zero Schema
// to itself.
type Projection struct {
	from, to Schema
	// source has, for each column of to, its place in from. Nil means that the schemas
	// are equal.
	source []int
}

// NewProjection returns the projection from a newer schema to an older one, or an
// [*IncompatibleError] if there is no migration from the older to the newer.
func NewProjection(from, to Schema) (Projection, error) {
	projection := Projection{from: from, to: to}
	if from.Equal(to) {
		return projection, nil
	}
	if err := Compatible(to, from); err != nil {
		return Projection{}, err
	}
	for _, column := range to.list() {
		projection.source = append(projection.source, from.Index(column.Name))
	}
	return projection, nil
}

// KeepsOrder reports whether the columns that are left are the first ones, in every row. Then
// of two rows the lesser does not become the greater, though they may become equal.
func (p Projection) KeepsOrder() bool {
	for i, place := range p.source {
		if place != i {
			return false
		}
	}
	return true
}

// Row appends to dst what the row is under the older schema. It does not keep the order of
// rows, unless KeepsOrder says so, and different rows may become equal. It returns a [*RowError], and dst as it
// was, if row is none of the newer schema, or has null where the older one forbids it.
func (p Projection) Row(dst, row []byte) ([]byte, error) {
	var few [2][16]Value // rows of few columns need no allocation
	values, err := p.from.DecodeRow(row, few[0][:0])
	if err != nil {
		return dst, err
	}
	if p.source == nil {
		return append(dst, row...), nil
	}
	projected := few[1][:0]
	for _, place := range p.source {
		projected = append(projected, values[place])
	}
	return p.to.AppendRow(dst, projected)
}
