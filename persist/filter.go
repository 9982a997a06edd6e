package persist

import (
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

type (
	// Filter is a condition on an update, as a reader gets it. It is an immutable value,
	// made by [CompareColumn], [CompareTime] and [IsNull], and of others by [And], [Or] and
	// [Not]. The zero Filter holds for every update.
	//
	// There are two truth values. Comparing null with anything is false, hence its
	// negation is true; IsNull tells nulls apart. Columns are those of the reader's
	// schema; one that it does not have is null in every row. Rows without a schema have
	// one column, "row". Numbers and text are compared as encoded rows are: -0 is less
	// than +0, and a NaN equals itself and is beyond infinity. A value and a constant of
	// different types are never equal, less, or greater.
	//
	// A read with filters yields exactly those updates of the read without them for which
	// all filters hold. It does not fetch parts whose stats prove that none is in them;
	// [Config.AuditPercent] says how often it does so all the same, to find out whether
	// stats are right.
	Filter = part.Filter
	// Operator compares a value with a constant.
	Operator = part.Operator
)

// The operators.
const (
	Equal          = part.Equal
	NotEqual       = part.NotEqual
	Less           = part.Less
	LessOrEqual    = part.LessOrEqual
	Greater        = part.Greater
	GreaterOrEqual = part.GreaterOrEqual
)

// CompareColumn returns the filter of the rows that have a value in the named column to
// which the operator applies, as in column < constant.
func CompareColumn(column string, operator Operator, constant relation.Value) Filter {
	return part.CompareColumn(column, operator, constant)
}

// CompareTime returns the filter of the updates to whose time the operator applies. In a
// snapshot that is the time as of which it is read.
func CompareTime(operator Operator, time uint64) Filter { return part.CompareTime(operator, time) }

// IsNull returns the filter of the rows that have null in the named column.
func IsNull(column string) Filter { return part.IsNull(column) }

// And holds where all filters do.
func And(filters ...Filter) Filter { return part.And(filters...) }

// Or holds where one of the filters does; that of none never holds.
func Or(filters ...Filter) Filter { return part.Or(filters...) }

// Not holds where the filter does not.
func Not(filter Filter) Filter { return part.Not(filter) }
