package main

import (
	"encoding/binary"
	"errors"
	"strings"
)

// row is what the collection has of a file: where it is, which content it has, and
// how many lines that is.
type row struct {
	path   string
	object objectID
	lines  int
}

// encode returns the row as it is stored: the path, a zero byte, the length of the
// object's name, that name, and the lines. Rows are thus ordered by path, which in
// git has no zero bytes.
func (r row) encode() []byte {
	data := make([]byte, 0, len(r.path)+len(r.object)+2+binary.MaxVarintLen64)
	data = append(data, r.path...)
	data = append(data, 0, byte(len(r.object)))
	data = append(data, r.object...)
	return binary.AppendUvarint(data, uint64(r.lines))
}

var errRow = errors.New("bytes that are no row")

// decodeRow is the inverse of encode.
func decodeRow(data []byte) (row, error) {
	path, rest, found := strings.Cut(string(data), "\x00")
	if !found || rest == "" || len(rest) < 1+int(rest[0]) {
		return row{}, errRow
	}
	size := 1 + int(rest[0])
	lines, n := binary.Uvarint([]byte(rest[size:]))
	if n <= 0 || size+n != len(rest) {
		return row{}, errRow
	}
	return row{path: path, object: objectID(rest[1:size]), lines: int(lines)}, nil
}
