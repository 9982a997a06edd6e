package part

import (
	"slices"

	"github.com/tidemarkdb/tidemark/persist/relation"
)

// Filter is a condition on an update. It is an immutable value, made of comparisons
// by [And], [Or] and [Not]. The zero Filter holds for every update.
//
// There are two truth values. Comparing null with anything is false, hence its
// negation is true; IsNull tells nulls apart. A column that the schema does not have
// is null in every row. Numbers and text are compared as encoded rows are: -0 is less
// than +0, and a NaN equals itself and is beyond infinity. A value and a constant of
// different types are never equal, less, or greater.
type Filter struct {
	kind     filterKind
	operands []Filter
	column   string
	operator Operator
	constant relation.Value
}

type filterKind uint8

const (
	isAnd filterKind = iota // of no operands, it is true
	isOr
	isNot
	isNull
	isComparison
	isTimeComparison
)

// Operator compares a value with a constant.
type Operator uint8

// The operators.
const (
	Equal Operator = iota
	NotEqual
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
)

// CompareColumn returns the filter of the rows that have a value in the named column to which
// the operator applies, as in column < constant.
func CompareColumn(column string, operator Operator, constant relation.Value) Filter {
	return Filter{kind: isComparison, column: column, operator: operator, constant: constant}
}

// CompareTime returns the filter of the updates to whose time the operator applies.
func CompareTime(operator Operator, time uint64) Filter {
	return Filter{kind: isTimeComparison, operator: operator, constant: relation.Uint64Value(time)}
}

// IsNull returns the filter of the rows that have null in the named column.
func IsNull(column string) Filter { return Filter{kind: isNull, column: column} }

// And holds where all filters do.
func And(filters ...Filter) Filter { return Filter{kind: isAnd, operands: slices.Clone(filters)} }

// Or holds where one of the filters does; that of none never holds.
func Or(filters ...Filter) Filter { return Filter{kind: isOr, operands: slices.Clone(filters)} }

// Not holds where the filter does not.
func Not(filter Filter) Filter { return Filter{kind: isNot, operands: []Filter{filter}} }

// Matches reports whether the filter holds for the row with the given values, one for
// each column of the schema, at the time.
func (f Filter) Matches(schema relation.Schema, values []relation.Value, time uint64) bool {
	switch f.kind {
	case isOr:
		for _, operand := range f.operands {
			if operand.Matches(schema, values, time) {
				return true
			}
		}
		return false
	case isNot:
		return !f.operands[0].Matches(schema, values, time)
	case isNull:
		return valueOf(f.column, schema, values).IsNull()
	case isComparison:
		return f.operator.holds(valueOf(f.column, schema, values), f.constant)
	case isTimeComparison:
		return f.operator.holds(relation.Uint64Value(time), f.constant)
	default:
		for _, operand := range f.operands {
			if !operand.Matches(schema, values, time) {
				return false
			}
		}
		return true
	}
}

func valueOf(column string, schema relation.Schema, values []relation.Value) relation.Value {
	if place := schema.Index(column); place >= 0 {
		return values[place]
	}
	return relation.Null()
}

func (o Operator) holds(value, constant relation.Value) bool {
	if value.IsNull() || value.Type() != constant.Type() {
		return false
	}
	order := relation.Compare(value, constant)
	switch o {
	case Equal:
		return order == 0
	case NotEqual:
		return order != 0
	case Less:
		return order < 0
	case LessOrEqual:
		return order <= 0
	case Greater:
		return order > 0
	case GreaterOrEqual:
		return order >= 0
	default:
		return false
	}
}
