package relation

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// The first byte of a column that may be null.
const (
	markNull  = 0x00
	markValue = 0x01
)

// AppendRow appends the encoding of a row to dst. It returns a [*RowError], and dst as
// it was, if there are more or fewer values than columns, if one is of another type
// than its column, if it is null where it must not be, or a string that is no UTF-8.
func (s Schema) AppendRow(dst []byte, values []Value) ([]byte, error) {
	columns := s.list()
	if len(values) != len(columns) {
		return dst, &RowError{Column: -1, Reason: "another number of values"}
	}
	row, isIdentity := dst, s.IsIdentity()
	for i := range columns {
		column, value := &columns[i], &values[i]
		if reason := column.mismatch(value); reason != "" {
			return dst, &RowError{Column: i, Reason: reason}
		}
		if column.IsNullable {
			if value.kind == 0 {
				row = append(row, markNull)
				continue
			}
			row = append(row, markValue)
		}
		if column.Type.IsText() && !isIdentity {
			row = appendEscaped(row, value.data)
		} else {
			row = value.AppendOrdered(row)
		}
	}
	return row, nil
}

// mismatch says why the value cannot be in the column, "" if it can.
func (c *Column) mismatch(v *Value) string {
	switch {
	case v.kind == 0 && c.IsNullable:
		return ""
	case v.kind == 0:
		return "null"
	case v.kind != c.Type:
		return "another type"
	case v.kind == String && !utf8.Valid(v.data):
		return "no UTF-8"
	default:
		return ""
	}
}

// DecodeRow appends the values of an encoded row to values. They may share memory
// with row. It returns a [*RowError], and values as they were, if AppendRow does not
// encode anything as row.
func (s Schema) DecodeRow(row []byte, values []Value) ([]Value, error) {
	if s.IsIdentity() {
		return append(values, BytesValue(row)), nil
	}
	columns := s.list()
	decoded := slices.Grow(values, len(columns))[:len(values)+len(columns)]
	for i := range columns {
		var reason string
		if row, reason = columns[i].cut(row, &decoded[len(values)+i]); reason != "" {
			return values, &RowError{Column: i, Reason: reason}
		}
	}
	if len(row) > 0 {
		return values, &RowError{Column: -1, Reason: "bytes after the end"}
	}
	return decoded, nil
}

const reasonShort = "ends too early"

// cut sets value to that of the column at the front of row, and returns what follows.
// The reason is "" unless that is impossible.
func (c *Column) cut(row []byte, value *Value) (rest []byte, reason string) {
	if c.IsNullable {
		switch {
		case len(row) == 0:
			return nil, reasonShort
		case row[0] == markNull:
			*value = Value{}
			return row[1:], ""
		case row[0] != markValue:
			return nil, "neither null nor a value"
		}
		row = row[1:]
	}
	value.kind = c.Type
	switch {
	case c.Type.IsText():
		value.ordered = 0
		if value.data, rest, reason = cutEscaped(row); c.Type == String && !utf8.Valid(value.data) {
			return nil, "no UTF-8"
		}
		return rest, reason
	case c.Type == Bool && len(row) >= 1:
		if row[0] > 1 {
			return nil, "neither false nor true"
		}
		value.ordered, value.data = uint64(row[0]), nil
		return row[1:], ""
	case c.Type != Bool && len(row) >= 8:
		value.ordered, value.data = binary.BigEndian.Uint64(row), nil
		return row[8:], ""
	default:
		return nil, reasonShort
	}
}

// Within text that is followed by something, a zero byte is written as zero and
// escape, and the end as zero and terminator, which is the lesser of the two: so a
// text precedes all that it is the beginning of.
const (
	terminator = 0x00
	escape     = 0xff
)

func appendEscaped(dst, data []byte) []byte {
	for {
		zero := bytes.IndexByte(data, 0)
		if zero < 0 {
			return append(append(dst, data...), 0, terminator)
		}
		dst = append(append(dst, data[:zero]...), 0, escape)
		data = data[zero+1:]
	}
}

// cutEscaped returns what [appendEscaped] wrote at the front of row, and what follows.
// It shares the memory of row unless there are zeros to be unescaped.
func cutEscaped(row []byte) (data, rest []byte, reason string) {
	for rest = row; ; {
		zero := bytes.IndexByte(rest, 0)
		if zero < 0 || zero+1 == len(rest) {
			return nil, nil, reasonShort
		}
		piece, mark := rest[:zero:zero], rest[zero+1]
		rest = rest[zero+2:]
		switch {
		case mark == terminator && data == nil:
			return piece, rest, ""
		case mark == terminator:
			return append(data, piece...), rest, ""
		case mark == escape:
			data = append(append(data, piece...), 0)
		default:
			return nil, nil, "a zero neither escaped nor at the end"
		}
	}
}
