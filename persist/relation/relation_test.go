package relation_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/relation"
)

func columns(sizeMax int) *rapid.Generator[[]relation.Column] {
	return rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) relation.Column {
		return relation.Column{
			Name:       string(rapid.RuneFrom([]rune("abcdefghijklΩ")).Draw(t, "name")),
			Type:       relation.Type(rapid.IntRange(int(relation.Bool), int(relation.Bytes)).Draw(t, "type")),
			IsNullable: rapid.Bool().Draw(t, "nullable"),
		}
	}), 1, sizeMax, func(c relation.Column) string { return c.Name })
}

func mustNew(t interface{ Fatal(...any) }, columns ...relation.Column) relation.Schema {
	schema, err := relation.New(columns...)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func drawRow(t *rapid.T, schema relation.Schema, label string) []relation.Value {
	var values []relation.Value
	for _, column := range schema.Columns() {
		values = append(values, drawValue(t, column, label+" "+column.Name))
	}
	return values
}

var floats = []float64{
	math.Inf(-1), -math.MaxFloat64, -1, -math.SmallestNonzeroFloat64, math.Copysign(0, -1),
	0, math.SmallestNonzeroFloat64, 1, math.Inf(1), math.NaN(), -math.NaN(),
	math.Float64frombits(0x7ff0000000000001), math.Float64frombits(0xfff0000000000001), // signalling
}

func drawValue(t *rapid.T, column relation.Column, label string) relation.Value {
	if column.IsNullable && rapid.IntRange(0, 2).Draw(t, label+" null") == 0 {
		return relation.Null()
	}
	switch column.Type {
	case relation.Bool:
		return relation.BoolValue(rapid.Bool().Draw(t, label))
	case relation.Int64:
		return relation.Int64Value(rapid.OneOf(rapid.Int64Range(-1, 1), rapid.Int64()).Draw(t, label))
	case relation.Uint64:
		return relation.Uint64Value(rapid.OneOf(rapid.Uint64Range(0, 1), rapid.Uint64()).Draw(t, label))
	case relation.Float64:
		bits := rapid.Map(rapid.Uint64(), math.Float64frombits)
		return relation.Float64Value(rapid.OneOf(rapid.SampledFrom(floats), bits).Draw(t, label))
	case relation.String:
		return relation.StringValue(rapid.StringOfN(rapid.RuneFrom([]rune{0, 1, 'a', 'ÿ'}), 0, 4, -1).Draw(t, label))
	default:
		return relation.BytesValue(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0xff}), 0, 4).Draw(t, label))
	}
}

// twinCompare orders two values of a column by the definitions of the package document,
// and from nothing that the encoding uses.
func twinCompare(a, b relation.Value) int {
	switch {
	case a.IsNull() || b.IsNull():
		return toInt(b.IsNull()) - toInt(a.IsNull())
	case a.Type() == relation.Bool:
		return toInt(a.Bool()) - toInt(b.Bool())
	case a.Type() == relation.Int64:
		return cmp.Compare(a.Int64(), b.Int64())
	case a.Type() == relation.Uint64:
		return cmp.Compare(a.Uint64(), b.Uint64())
	case a.Type() == relation.Float64:
		return cmp.Or(cmp.Compare(rank(a.Float64()), rank(b.Float64())), compareWithinRank(a.Float64(), b.Float64()))
	default:
		return strings.Compare(string(a.Bytes()), string(b.Bytes()))
	}
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// rank puts floats into the groups of the total order.
func rank(f float64) int {
	sign := 1
	if math.Signbit(f) {
		sign = -1
	}
	switch {
	case math.IsNaN(f):
		return 3 * sign
	case f == 0:
		return sign
	default:
		return 2 * sign
	}
}

func compareWithinRank(a, b float64) int {
	if math.IsNaN(a) { // by payload, which grows away from zero
		order := cmp.Compare(math.Float64bits(a)&(1<<63-1), math.Float64bits(b)&(1<<63-1))
		if math.Signbit(a) {
			return -order
		}
		return order
	}
	return cmp.Compare(a, b)
}

// Merging, consolidating and skipping by key all compare encoded rows as bytes: that
// has to be the order of the values.
func TestRowsAreOrderedAsTheirValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		schema := mustNew(t, columns(3).Draw(t, "columns")...)
		a, b := drawRow(t, schema, "a"), drawRow(t, schema, "b")
		if rapid.Bool().Draw(t, "same beginning") {
			copy(b, a[:len(a)-1])
		}
		rowA, rowB := mustAppend(t, schema, a), mustAppend(t, schema, b)
		want, compared := 0, 0
		for i := range a {
			want = cmp.Or(want, twinCompare(a[i], b[i]))
			compared = cmp.Or(compared, relation.Compare(a[i], b[i]))
		}
		if got := bytes.Compare(rowA, rowB); got != sign(want) || sign(compared) != sign(want) {
			t.Fatalf("rows %x and %x: order %d, Compare %d, want %d", rowA, rowB, got, compared, want)
		}
	})
}

func sign(n int) int { return cmp.Compare(n, 0) }

func mustAppend(t interface{ Fatal(...any) }, schema relation.Schema, values []relation.Value) []byte {
	row, err := schema.AppendRow(nil, values)
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// Nothing may be lost, not even the bits of a NaN, and what is there stays in front.
func TestRowRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		schema := mustNew(t, columns(5).Draw(t, "columns")...)
		want := drawRow(t, schema, "row")
		row, err := schema.AppendRow([]byte("front"), want)
		if err != nil {
			t.Fatalf("AppendRow: %v", err)
		}
		row, isAppended := bytes.CutPrefix(row, []byte("front"))
		got, err := schema.DecodeRow(row, []relation.Value{relation.BoolValue(true)})
		if err != nil || !isAppended || len(got) != len(want)+1 || !got[0].Bool() {
			t.Fatalf("DecodeRow of %x: %d values, error %v", row, len(got), err)
		}
		for i, value := range got[1:] {
			if relation.Compare(value, want[i]) != 0 || value.Type() != want[i].Type() ||
				math.Float64bits(value.Float64()) != math.Float64bits(want[i].Float64()) {
				t.Fatalf("column %d of %x is different", i, row)
			}
		}
	})
}

// There is one encoding of each row: whatever bytes are accepted are the ones that
// AppendRow writes. Otherwise equal rows would not add up.
func TestDecodeRowAcceptsOnlyTheOneEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		schema := mustNew(t, columns(4).Draw(t, "columns")...)
		row := mustAppend(t, schema, drawRow(t, schema, "row"))
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			place := rapid.IntRange(0, len(row)).Draw(t, "place")
			change := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 0x80, 0xff}), 0, 2).Draw(t, "change")
			cut := rapid.IntRange(0, min(2, len(row)-place)).Draw(t, "cut")
			row = slices.Concat(row[:place], change, row[place+cut:])
		}
		checkCanonical(t, schema, row)
	})
}

func checkCanonical(t interface{ Fatalf(string, ...any) }, schema relation.Schema, row []byte) {
	values, err := schema.DecodeRow(row, nil)
	var rowError *relation.RowError
	if err != nil {
		if !errors.As(err, &rowError) || values != nil {
			t.Fatalf("%d values, error %v, want none and a RowError", len(values), err)
		}
		return
	}
	if again, err := schema.AppendRow(nil, values); err != nil || !bytes.Equal(again, row) {
		t.Fatalf("accepted %x, which is written as %x (error %v)", row, again, err)
	}
}

// What no schema writes, each case one byte from what it would.
func TestDecodeRowRefusesOtherBytes(t *testing.T) {
	schema := mustNew(t,
		relation.Column{Name: "b", Type: relation.Bool, IsNullable: true},
		relation.Column{Name: "s", Type: relation.String},
		relation.Column{Name: "u", Type: relation.Uint64},
	)
	const number = "\x00\x00\x00\x00\x00\x00\x00\x01"
	if _, err := schema.DecodeRow([]byte("\x01\x01a\x00\x00"+number), nil); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		column int
		row    string
	}{
		"empty":             {0, ""},
		"mark":              {0, "\x02\x01a\x00\x00" + number},
		"no bool":           {0, "\x01"},
		"bool":              {0, "\x01\x02a\x00\x00" + number},
		"no end of text":    {1, "\x01\x01a"},
		"half an end":       {1, "\x01\x01a\x00"},
		"neither escaped":   {1, "\x01\x01a\x00\x01\x00\x00" + number},
		"no UTF-8":          {1, "\x01\x01\xff\x00\x00" + number},
		"short number":      {2, "\x01\x01a\x00\x00" + number[1:]},
		"bytes at the end":  {-1, "\x01\x01a\x00\x00" + number + "\x00"},
		"null, then a bool": {2, "\x00\x01a\x00\x00" + number[1:]},
	} {
		_, err := schema.DecodeRow([]byte(test.row), nil)
		var rowError *relation.RowError
		if !errors.As(err, &rowError) || rowError.Column != test.column {
			t.Errorf("%s: error is %v, want one about column %d", name, err, test.column)
		}
	}
}

func FuzzDecodeRow(f *testing.F) {
	schema := mustNew(f,
		relation.Column{Name: "a", Type: relation.String, IsNullable: true},
		relation.Column{Name: "b", Type: relation.Bool},
		relation.Column{Name: "c", Type: relation.Float64, IsNullable: true},
		relation.Column{Name: "d", Type: relation.Bytes},
	)
	f.Add(mustAppend(f, schema, []relation.Value{
		relation.StringValue("a\x00b"), relation.BoolValue(true), relation.Float64Value(-1), relation.BytesValue([]byte{0}),
	}))
	f.Fuzz(func(t *testing.T, row []byte) { checkCanonical(t, schema, row) })
}

// What is no row of the schema is refused, and leaves dst as it was.
func TestAppendRowRefusesOtherRows(t *testing.T) {
	schema := mustNew(t,
		relation.Column{Name: "a", Type: relation.Bool},
		relation.Column{Name: "b", Type: relation.String, IsNullable: true},
	)
	is := relation.BoolValue(true)
	for name, test := range map[string]struct {
		column int
		values []relation.Value
	}{
		"too few":       {-1, []relation.Value{is}},
		"too many":      {-1, []relation.Value{is, relation.Null(), is}},
		"null":          {0, []relation.Value{relation.Null(), relation.Null()}},
		"another type":  {1, []relation.Value{is, relation.BytesValue([]byte("secret"))}},
		"no UTF-8":      {1, []relation.Value{is, relation.StringValue("secret\xff")}},
		"number for it": {0, []relation.Value{relation.Uint64Value(1), relation.Null()}},
	} {
		dst, err := schema.AppendRow([]byte("front"), test.values)
		var rowError *relation.RowError
		if !errors.As(err, &rowError) || rowError.Column != test.column || string(dst) != "front" {
			t.Errorf("%s: dst %q, error %v", name, dst, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error quotes the row: %v", name, err)
		}
	}
}

// Accessors of another type than the value's return zero and do not panic, and
// printing a value does not print its contents.
func TestValueKeepsToItsType(t *testing.T) {
	values := []relation.Value{
		relation.Null(), relation.BoolValue(true), relation.Int64Value(7), relation.Uint64Value(7),
		relation.Float64Value(7), relation.StringValue("7"), relation.BytesValue([]byte("7")),
	}
	var got []string
	for _, v := range values {
		got = append(got, fmt.Sprintf("%v %t %d %d %g %q %q",
			v, v.Bool(), v.Int64(), v.Uint64(), v.Float64(), v.Text(), v.Bytes()))
	}
	want := []string{
		`null false 0 0 0 "" ""`, `bool true 0 0 0 "" ""`, `int64 false 7 0 0 "" ""`, `uint64 false 0 7 0 "" ""`,
		`float64 false 0 0 7 "" ""`, `string false 0 0 0 "7" "7"`, `bytes false 0 0 0 "" "7"`,
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("values differ (-want +got):\n%s", diff)
	}
}

func ExampleSchema_AppendRow() {
	schema, err := relation.New(
		relation.Column{Name: "id", Type: relation.Int64},
		relation.Column{Name: "name", Type: relation.String, IsNullable: true},
	)
	if err != nil {
		fmt.Println(err)
	}
	row, err := schema.AppendRow(nil, []relation.Value{relation.Int64Value(-1), relation.StringValue("pear")})
	fmt.Printf("%x %v\n", row, err)
	values, err := schema.DecodeRow(row, nil)
	fmt.Println(values[0].Int64(), values[1].Text(), err)

	_, err = schema.DecodeRow(row[:10], nil)
	fmt.Println(err)
	// Output:
	// 7fffffffffffffff01706561720000 <nil>
	// -1 pear <nil>
	// relation: no row of the schema: column 1: ends too early
}
