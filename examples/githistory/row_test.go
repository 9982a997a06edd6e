package main

import (
	"bytes"
	"cmp"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func rows() *rapid.Generator[row] {
	return rapid.Custom(func(t *rapid.T) row {
		size := rapid.SampledFrom([]int{20, 32}).Draw(t, "size of the id")
		return row{
			path:   string(rapid.SliceOfN(rapid.ByteRange(1, 255), 0, 6).Draw(t, "path")),
			object: objectID(rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "id")),
			lines:  rapid.IntRange(0, math.MaxInt32).Draw(t, "lines"),
		}
	})
}

// Rows come back as they were stored, and in the order of their paths, on which the
// comparison with git relies.
func TestRowRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rows().Draw(t, "a"), rows().Draw(t, "b")
		if got, err := decodeRow(a.encode()); err != nil || got != a {
			t.Fatalf("%v is read as %v, error %v", a, got, err)
		}
		if a.path != b.path && bytes.Compare(a.encode(), b.encode()) != cmp.Compare(a.path, b.path) {
			t.Fatalf("%q and %q are stored in another order", a.path, b.path)
		}
	})
}

func TestDecodeRowRefusesOtherBytes(t *testing.T) {
	good := string(row{path: "p", object: objectID(strings.Repeat("x", 20)), lines: 300}.encode())
	for _, data := range []string{"", "p", "p\x00", "p\x00\x14xx", good[:len(good)-1], good[:len(good)-2], good + "\x00"} {
		if got, err := decodeRow([]byte(data)); err == nil {
			t.Errorf("%q is read as %v", data, got)
		}
	}
}
