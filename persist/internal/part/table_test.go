package part_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// table draws a schema and consolidated updates of its rows.
func table() *rapid.Generator[content] {
	return rapid.Custom(func(t *rapid.T) content {
		schema := schemas().Draw(t, "schema")
		var given []part.Update
		for range rapid.IntRange(0, 40).Draw(t, "updates") {
			row, err := schema.AppendRow(nil, drawRow(t, schema))
			if err != nil {
				t.Fatal(err)
			}
			given = append(given, part.Update{
				Row:  row,
				Time: rapid.OneOf(rapid.Uint64Range(0, 2), rapid.Uint64()).Draw(t, "time"),
				Diff: rapid.OneOf(rapid.Int64Range(-2, 2), rapid.Int64Range(-1<<50, 1<<50)).Draw(t, "diff"),
			})
		}
		consolidated, err := part.Consolidate(given)
		if err != nil {
			t.Fatal(err)
		}
		return content{schema: schema, updates: consolidated}
	})
}

type content struct {
	schema  relation.Schema
	updates []part.Update
}

// names has some that clash with ours, and some that a library could stumble over.
var names = []string{"a", "b", "ts", "_ts", "diff", "Ω", "a.b", " ", "1", "\x00", "list"}

func schemas() *rapid.Generator[relation.Schema] {
	columns := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) relation.Column {
		return relation.Column{
			Name:       rapid.SampledFrom(names).Draw(t, "name"),
			Type:       relation.Type(rapid.IntRange(int(relation.Bool), int(relation.Bytes)).Draw(t, "type")),
			IsNullable: rapid.Bool().Draw(t, "nullable"),
		}
	}), 1, 6, func(c relation.Column) string { return c.Name })
	return rapid.Custom(func(t *rapid.T) relation.Schema {
		if rapid.IntRange(0, 4).Draw(t, "schema-less") == 0 {
			return relation.Schema{}
		}
		schema, err := relation.New(columns.Draw(t, "columns")...)
		if err != nil {
			t.Fatal(err)
		}
		return schema
	})
}

func drawRow(t *rapid.T, schema relation.Schema) []relation.Value {
	var values []relation.Value
	for _, column := range schema.Columns() {
		values = append(values, drawValue(t, column))
	}
	return values
}

func drawValue(t *rapid.T, column relation.Column) relation.Value {
	if column.IsNullable && rapid.Bool().Draw(t, "null") {
		return relation.Null()
	}
	switch column.Type {
	case relation.Bool:
		return relation.BoolValue(rapid.Bool().Draw(t, "bool"))
	case relation.Int64:
		return relation.Int64Value(rapid.OneOf(rapid.Int64Range(-2, 2), rapid.Int64()).Draw(t, "int64"))
	case relation.Uint64:
		return relation.Uint64Value(rapid.OneOf(rapid.Uint64Range(0, 2), rapid.Uint64()).Draw(t, "uint64"))
	case relation.Float64:
		bits := rapid.OneOf(
			rapid.SampledFrom([]float64{math.Inf(-1), -1, math.Copysign(0, -1), 0, 1, math.Inf(1), math.NaN(), -math.NaN()}),
			rapid.Map(rapid.Uint64(), math.Float64frombits)).Draw(t, "float64")
		return relation.Float64Value(bits)
	case relation.String:
		text := rapid.OneOf(rapid.StringOfN(rapid.SampledFrom([]rune{0, 'a', 'ÿ', 'Ω'}), 0, 3, -1), rapid.String())
		return relation.StringValue(text.Draw(t, "string"))
	default:
		piece := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'a', 0xfe, 0xff}), 0, 3).Draw(t, "bytes")
		return relation.BytesValue(slices.Repeat(piece, rapid.SampledFrom([]int{1, 1, 1, 500}).Draw(t, "times")))
	}
}

// sample is a part with every type, nulls, several pages' worth of kinds of values, and
// names that clash with ours.
func sample(t testing.TB) content {
	t.Helper()
	schema, err := relation.New(
		relation.Column{Name: "ts", Type: relation.Int64},
		relation.Column{Name: "_ts", Type: relation.Bool, IsNullable: true},
		relation.Column{Name: "diff", Type: relation.Uint64, IsNullable: true},
		relation.Column{Name: "ratio", Type: relation.Float64, IsNullable: true},
		relation.Column{Name: "name", Type: relation.String},
		relation.Column{Name: "blob", Type: relation.Bytes, IsNullable: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	rows := [][]relation.Value{
		{
			relation.Int64Value(-7), relation.Null(), relation.Uint64Value(math.MaxUint64),
			relation.Float64Value(math.Copysign(0, -1)), relation.StringValue(""), relation.Null(),
		},
		{
			relation.Int64Value(0), relation.BoolValue(true), relation.Null(),
			relation.Float64Value(math.Inf(1)), relation.StringValue("Ω\x00"), relation.BytesValue(nil),
		},
		{
			relation.Int64Value(9), relation.BoolValue(false), relation.Uint64Value(0),
			relation.Null(), relation.StringValue("pear"), relation.BytesValue([]byte{0, 0xff}),
		},
	}
	given := content{schema: schema}
	for i, values := range rows {
		row, err := schema.AppendRow(nil, values)
		if err != nil {
			t.Fatal(err)
		}
		given.updates = append(given.updates,
			part.Update{Row: row, Time: uint64(i), Diff: int64(i) - 5},
			part.Update{Row: row, Time: math.MaxUint64, Diff: math.MinInt64})
	}
	return given
}
