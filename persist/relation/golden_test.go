package relation_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/tidemarkdb/tidemark/persist/relation"
)

// The bytes of rows and schemas are stored, and never change: the files in testdata
// say what they are. "schema" sets the columns and prints its encoding, "row" prints
// that of values.
func TestGolden(t *testing.T) {
	var schema relation.Schema
	datadriven.RunTest(t, "testdata/encoding.txt", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "schema":
			schema = parseSchema(t, d.Input)
			data, err := schema.Encode()
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("%x\n", data)
		case "row":
			var rows strings.Builder
			for line := range strings.Lines(d.Input) {
				var values []relation.Value
				for i, text := range strings.Fields(line) {
					values = append(values, parseValue(t, schema.Column(i).Type, text))
				}
				row, err := schema.AppendRow(nil, values)
				if err != nil {
					fmt.Fprintln(&rows, err)
					continue
				}
				fmt.Fprintf(&rows, "%x\n", row)
			}
			return rows.String()
		default:
			t.Fatalf("unknown command %q", d.Cmd)
			return ""
		}
	})
}

func parseSchema(t *testing.T, text string) relation.Schema {
	var columns []relation.Column
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		column := relation.Column{Name: words[0], IsNullable: len(words) == 3 && words[2] == "null"}
		for kind := relation.Bool; kind <= relation.Bytes; kind++ {
			if kind.String() == words[1] {
				column.Type = kind
			}
		}
		columns = append(columns, column)
	}
	return mustNew(t, columns...)
}

func parseValue(t *testing.T, kind relation.Type, text string) relation.Value {
	if text == "null" {
		return relation.Null()
	}
	var value relation.Value
	var err error
	switch kind {
	case relation.Bool:
		value = relation.BoolValue(text == "true")
	case relation.Int64:
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		value = relation.Int64Value(n)
	case relation.Uint64:
		var n uint64
		n, err = strconv.ParseUint(text, 10, 64)
		value = relation.Uint64Value(n)
	case relation.Float64:
		var f float64
		f, err = strconv.ParseFloat(strings.TrimPrefix(text, "-NaN"), 64)
		if text == "-NaN" {
			f, err = math.Float64frombits(0xfff8000000000001), nil
		}
		value = relation.Float64Value(f)
	default:
		text, err = strconv.Unquote(text)
		value = relation.BytesValue([]byte(text))
		if kind == relation.String {
			value = relation.StringValue(text)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}
