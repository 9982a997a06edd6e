package relation

// Migration turns rows of an older schema into rows of a newer one. It is an
// immutable value, and safe for concurrent use. The zero Migration is the one from
// the zero Schema to itself.
type Migration struct {
	from, to Schema
	// source has, for each column of to, its place in from, or absent. Nil means that
	// the schemas are equal.
	source []int
}

const absent = -1

// NewMigration returns the migration from one schema to another, or an
// [*IncompatibleError]. Columns are known by their names. Allowed is to add columns
// that may be null, at any place, and to let a column be null that could not. Not
// allowed is to drop a column, to change its type, to exchange two, or to forbid
// null.
func NewMigration(from, to Schema) (Migration, error) {
	migration := Migration{from: from, to: to}
	if from.Equal(to) {
		return migration, nil
	}
	next := 0 // the first column of from that has not been found in to
	for _, column := range to.list() {
		if next < from.Len() && from.Column(next).Name == column.Name {
			if reason := change(from.Column(next), column); reason != "" {
				return Migration{}, &IncompatibleError{Column: column.Name, Reason: reason}
			}
			migration.source = append(migration.source, next)
			next++
			continue
		}
		if from.Index(column.Name) != absent {
			return Migration{}, misplaced(from.Column(next).Name, to)
		}
		if !column.IsNullable {
			return Migration{}, &IncompatibleError{Column: column.Name, Reason: "is new and must not be null"}
		}
		migration.source = append(migration.source, absent)
	}
	if next < from.Len() {
		return Migration{}, misplaced(from.Column(next).Name, to)
	}
	return migration, nil
}

// Compatible returns nil if rows of the old schema can be read as those of the new
// one, and otherwise the error of [NewMigration].
func Compatible(from, to Schema) error {
	_, err := NewMigration(from, to)
	return err
}

// change says what is wrong with a column becoming another, "" if nothing is.
func change(from, to Column) string {
	switch {
	case from.Type != to.Type:
		return "is " + to.Type.String() + " and was " + from.Type.String()
	case from.IsNullable && !to.IsNullable:
		return "must not be null any more"
	default:
		return ""
	}
}

// misplaced tells a column that was dropped from one that another has overtaken.
func misplaced(name string, to Schema) *IncompatibleError {
	if to.Index(name) == absent {
		return &IncompatibleError{Column: name, Reason: "was dropped"}
	}
	return &IncompatibleError{Column: name, Reason: "has changed places"}
}

// Row appends to dst what the row is under the newer schema. Of two rows the lesser
// stays the lesser: the columns that are added are the same in both, and so are the
// bytes that say that a value is not null. It returns a [*RowError], and dst as it
// was, if row is none of the older schema.
func (m Migration) Row(dst, row []byte) ([]byte, error) {
	var few [2][16]Value // rows of few columns need no allocation
	values, err := m.from.DecodeRow(row, few[0][:0])
	if err != nil {
		return dst, err
	}
	if m.source == nil {
		return append(dst, row...), nil
	}
	migrated := few[1][:0]
	for _, place := range m.source {
		if place == absent {
			migrated = append(migrated, Null())
		} else {
			migrated = append(migrated, values[place])
		}
	}
	return m.to.AppendRow(dst, migrated)
}
