package relation

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
)

// Value is what a row has in one column: null, which is the zero Value, or a value
// of one of the types. It must not be compared with ==; see [Compare].
type Value struct {
	kind Type
	// ordered is a number as bits whose order is that of the numbers.
	ordered uint64
	data    []byte
}

const signBit = 1 << 63

// Null returns the null value.
func Null() Value { return Value{} }

// BoolValue returns a value of type [Bool].
func BoolValue(b bool) Value {
	if b {
		return Value{kind: Bool, ordered: 1}
	}
	return Value{kind: Bool}
}

// Int64Value returns a value of type [Int64].
func Int64Value(n int64) Value { return Value{kind: Int64, ordered: uint64(n) ^ signBit} }

// Uint64Value returns a value of type [Uint64].
func Uint64Value(n uint64) Value { return Value{kind: Uint64, ordered: n} }

// Float64Value returns a value of type [Float64]. It keeps every bit, also of NaNs.
func Float64Value(f float64) Value {
	bits := math.Float64bits(f)
	if bits&signBit != 0 {
		return Value{kind: Float64, ordered: ^bits}
	}
	return Value{kind: Float64, ordered: bits ^ signBit}
}

// StringValue returns a value of type [String]. Text that is no UTF-8 is refused
// when the row is encoded.
func StringValue(text string) Value { return Value{kind: String, data: []byte(text)} }

// TextValue is like [StringValue], but keeps the given bytes, which must not be
// modified any more.
func TextValue(text []byte) Value { return Value{kind: String, data: text} }

// BytesValue returns a value of type [Bytes]. It keeps data, which must not be
// modified any more; nil means empty.
func BytesValue(data []byte) Value { return Value{kind: Bytes, data: data} }

// Type returns the type, 0 for null.
func (v Value) Type() Type { return v.kind }

// IsNull reports whether it is null.
func (v Value) IsNull() bool { return v.kind == 0 }

// Bool returns the value, false if it is of another type.
func (v Value) Bool() bool { return v.kind == Bool && v.ordered == 1 }

// Int64 returns the value, 0 if it is of another type.
func (v Value) Int64() int64 {
	if v.kind != Int64 {
		return 0
	}
	return int64(v.ordered ^ signBit)
}

// Uint64 returns the value, 0 if it is of another type.
func (v Value) Uint64() uint64 {
	if v.kind != Uint64 {
		return 0
	}
	return v.ordered
}

// Float64 returns the value, 0 if it is of another type.
func (v Value) Float64() float64 {
	switch {
	case v.kind != Float64:
		return 0
	case v.ordered&signBit != 0:
		return math.Float64frombits(v.ordered ^ signBit)
	default:
		return math.Float64frombits(^v.ordered)
	}
}

// Text returns a value of type [String], "" if it is of another type.
func (v Value) Text() string {
	if v.kind != String {
		return ""
	}
	return string(v.data)
}

// Bytes returns the bytes of a value of type [String] or [Bytes], nil if it is
// of another type. They are shared and must not be modified.
func (v Value) Bytes() []byte { return v.data }

// String returns the type only: values are contents of users and stay out of logs.
func (v Value) String() string { return v.kind.String() }

// Compare orders values of one type as encoded rows do, and null before all others:
// see the package document for floats. Values of different types are ordered by
// type.
func Compare(a, b Value) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.ordered, b.ordered), bytes.Compare(a.data, b.data))
}

// AppendOrdered appends bytes to dst whose order, for values of one type, is that of
// the values: text and bytes as they are, numbers as in a row. Null appends
// nothing.
func (v Value) AppendOrdered(dst []byte) []byte {
	switch v.kind {
	case 0:
		return dst
	case Bool:
		return append(dst, byte(v.ordered))
	case String, Bytes:
		return append(dst, v.data...)
	default:
		return binary.BigEndian.AppendUint64(dst, v.ordered)
	}
}
