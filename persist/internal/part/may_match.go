package part

import (
	"bytes"
	"encoding/binary"

	"github.com/tidemarkdb/tidemark/persist/relation"
)

// MayMatch reports whether the filter may hold for an update of a part with the given
// stats, whose rows are under the schema. If it is false, it holds for none. A filter
// on times has to be asked with stats of times as they are read: see
// [Stats.Advanced].
func (f Filter) MayMatch(schema relation.Schema, stats Stats) bool {
	return f.estimate(schema, &stats).some
}

// MayMatchEncoded is like MayMatch, of stats that are encoded and of a part whose times
// before since are read as since. Stats that cannot be read, or are empty, say that
// anything may be in the part.
func (f Filter) MayMatchEncoded(schema relation.Schema, encoded []byte, since uint64) bool {
	stats, err := DecodeStats(schema, encoded)
	return err != nil || f.MayMatch(schema, stats.Advanced(since))
}

// estimate is what stats tell of a filter: for a part it is certain that none, or that
// all of the updates match, or neither.
type estimate struct {
	some bool // false if it is certain that none does
	all  bool // true if it is certain that all do
}

var unknown = estimate{some: true}

func (f Filter) estimate(schema relation.Schema, stats *Stats) estimate {
	switch f.kind {
	case isOr:
		result := estimate{}
		for _, operand := range f.operands {
			e := operand.estimate(schema, stats)
			result = estimate{some: result.some || e.some, all: result.all || e.all}
		}
		return result
	case isNot:
		e := f.operands[0].estimate(schema, stats)
		return estimate{some: !e.all, all: !e.some}
	case isNull:
		column := stats.column(schema.Index(f.column))
		if column == nil {
			return unknown
		}
		return estimate{some: column.Nulls > 0, all: column.Nulls == stats.Length}
	case isComparison:
		return f.estimateColumn(schema, stats)
	case isTimeComparison:
		lower := binary.BigEndian.AppendUint64(nil, stats.TimeLower)
		upper := binary.BigEndian.AppendUint64(nil, stats.TimeUpper)
		return f.operator.estimate(lower, upper, true, f.constant.AppendOrdered(nil))
	default:
		result := estimate{some: true, all: true}
		for _, operand := range f.operands {
			e := operand.estimate(schema, stats)
			result = estimate{some: result.some && e.some, all: result.all && e.all}
		}
		return result
	}
}

func (f Filter) estimateColumn(schema relation.Schema, stats *Stats) estimate {
	place := schema.Index(f.column)
	column := stats.column(place)
	switch {
	case column == nil || schema.Column(place).Type != f.constant.Type():
		return unknown
	case column.Nulls == stats.Length:
		return estimate{} // null is neither equal nor less nor greater
	}
	e := f.operator.estimate(column.Lower, column.Upper, column.HasUpper, f.constant.AppendOrdered(nil))
	e.all = e.all && column.Nulls == 0
	return e
}

// estimate tells what applies to values that are bounded, of which there is at least
// one: no value is below lower, and none above upper if there is such a bound.
func (o Operator) estimate(lower, upper []byte, hasUpper bool, constant []byte) estimate {
	low := bytes.Compare(lower, constant)
	high := 1 // the order of the greatest value and the constant, at most
	if hasUpper {
		high = bytes.Compare(upper, constant)
	}
	isOne := low == 0 && high == 0 && hasUpper // all values are the constant
	isOut := low > 0 || high < 0               // none is
	switch o {
	case Equal:
		return estimate{some: !isOut, all: isOne}
	case NotEqual:
		return estimate{some: !isOne, all: isOut}
	case Less:
		return estimate{some: low < 0, all: high < 0}
	case LessOrEqual:
		return estimate{some: low <= 0, all: high <= 0}
	case Greater:
		return estimate{some: high > 0, all: low > 0}
	case GreaterOrEqual:
		return estimate{some: high >= 0, all: low >= 0}
	default:
		return unknown
	}
}
