package relation

import "fmt"

// SchemaError says why columns are no schema.
type SchemaError struct {
	// Column is the place of the column that is wrong, from 0; -1 if it is the
	// list as a whole.
	Column int
	// Reason says what is wrong with it.
	Reason string
}

// Error implements error.
func (e *SchemaError) Error() string { return "relation: no schema: " + about(e.Column, e.Reason) }

// RowError says why values are no row of a schema, or bytes no encoding of one. It
// quotes neither.
type RowError struct {
	// Column is the place of the column that is wrong, from 0; -1 if it is the
	// row as a whole.
	Column int
	// Reason says what is wrong with it.
	Reason string
}

// Error implements error.
func (e *RowError) Error() string {
	return "relation: no row of the schema: " + about(e.Column, e.Reason)
}

// IncompatibleError says why rows of one schema cannot be read as those of another.
type IncompatibleError struct {
	// Column is the name of the column that is in the way.
	Column string
	// Reason says what happened to it.
	Reason string
}

// Error implements error.
func (e *IncompatibleError) Error() string {
	return fmt.Sprintf("relation: incompatible schema: column %q %s", e.Column, e.Reason)
}

func about(column int, reason string) string {
	if column < 0 {
		return reason
	}
	return fmt.Sprintf("column %d: %s", column, reason)
}
