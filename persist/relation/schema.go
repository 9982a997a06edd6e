package relation

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of a schema.
const (
	// ColumnsMax is the greatest number of columns.
	ColumnsMax = 1600
	// NameSizeMax is the size of the longest name of a column in bytes.
	NameSizeMax = 255
)

// Column describes one column.
type Column struct {
	// Name is not empty, valid UTF-8, and no other column's.
	Name string
	Type Type
	// IsNullable says that values may be null.
	IsNullable bool
}

// String returns the column as in "name string null".
func (c Column) String() string {
	if c.IsNullable {
		return c.Name + " " + c.Type.String() + " null"
	}
	return c.Name + " " + c.Type.String()
}

// Schema describes the rows of a collection. It is an immutable value. The zero
// Schema is that of rows without structure: one column, "row", of any bytes, whose
// encoding is the row itself.
type Schema struct {
	columns []Column // none means bytesColumns
}

var bytesColumns = []Column{{Name: "row", Type: Bytes}}

// New returns the schema with the given columns, or a [*SchemaError]: there has to be
// at least one and at most [ColumnsMax], each with a name of its own.
func New(columns ...Column) (Schema, error) {
	if len(columns) == 0 || len(columns) > ColumnsMax {
		reason := fmt.Sprintf("%d columns, not 1 to %d", len(columns), ColumnsMax)
		return Schema{}, &SchemaError{Column: -1, Reason: reason}
	}
	names := make(map[string]bool, len(columns))
	for i, column := range columns {
		if reason := column.flaw(); reason != "" {
			return Schema{}, &SchemaError{Column: i, Reason: reason}
		}
		if names[column.Name] {
			return Schema{}, &SchemaError{Column: i, Reason: fmt.Sprintf("a second %q", column.Name)}
		}
		names[column.Name] = true
	}
	return Schema{columns: slices.Clone(columns)}, nil
}

// flaw says what is wrong with the column, "" if nothing is.
func (c Column) flaw() string {
	switch {
	case c.Name == "":
		return "no name"
	case len(c.Name) > NameSizeMax:
		return fmt.Sprintf("a name of %d bytes, at most %d are possible", len(c.Name), NameSizeMax)
	case !utf8.ValidString(c.Name):
		return "a name that is no UTF-8"
	case !c.Type.isKnown():
		return "unknown " + c.Type.String()
	default:
		return ""
	}
}

// list returns the columns, which the caller must not modify.
func (s Schema) list() []Column {
	if s.columns == nil {
		return bytesColumns
	}
	return s.columns
}

// Len returns the number of columns, at least one.
func (s Schema) Len() int { return len(s.list()) }

// Column returns the column at a place from 0 to Len - 1.
func (s Schema) Column(i int) Column { return s.list()[i] }

// Columns returns a copy of all columns.
func (s Schema) Columns() []Column { return slices.Clone(s.list()) }

// Index returns the place of the column with the given name, -1 if there is none.
func (s Schema) Index(name string) int {
	return slices.IndexFunc(s.list(), func(c Column) bool { return c.Name == name })
}

// Equal reports whether both have the same columns.
func (s Schema) Equal(other Schema) bool { return slices.Equal(s.list(), other.list()) }

// IsIdentity reports whether the encoding of a row is its only value as it is: there
// is a single column, of bytes, without nulls.
func (s Schema) IsIdentity() bool {
	columns := s.list()
	return len(columns) == 1 && columns[0].Type == Bytes && !columns[0].IsNullable
}

// String returns the columns.
func (s Schema) String() string {
	texts := make([]string, s.Len())
	for i, column := range s.list() {
		texts[i] = column.String()
	}
	return "(" + strings.Join(texts, ", ") + ")"
}
