// Package independent_test has another reader open what package part writes. It is a
// module of its own, so that the reader is no dependency of anybody else's.
package independent_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// Parts are readable by any Parquet tool: this one sees the columns of the relation in
// their order and with their types, then time and diff, and every value and null.
func TestPartsAreReadableByOthers(t *testing.T) {
	schema, err := relation.New(
		relation.Column{Name: "z.id", Type: relation.Int64},
		relation.Column{Name: "ts", Type: relation.Uint64, IsNullable: true},
		relation.Column{Name: "isOpen", Type: relation.Bool, IsNullable: true},
		relation.Column{Name: "ratio", Type: relation.Float64, IsNullable: true},
		relation.Column{Name: "name", Type: relation.String, IsNullable: true},
		relation.Column{Name: "blob", Type: relation.Bytes},
	)
	if err != nil {
		t.Fatal(err)
	}
	updates, rows := content(t, schema)
	for _, compression := range []part.Compression{part.Uncompressed, part.Zstd} {
		data, err := part.Encode(schema, updates, part.Options{Compression: compression, RowGroupSize: 5000})
		if err != nil {
			t.Fatal(err)
		}
		reader, err := file.NewParquetReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		checkColumns(t, reader)
		if reader.NumRows() != int64(len(updates)) || reader.NumRowGroups() < 2 {
			t.Fatalf("%d rows in %d groups, want %d in several", reader.NumRows(), reader.NumRowGroups(), len(updates))
		}
		for column := range schema.Len() + 2 {
			got := readColumn(t, reader, column)
			for i, update := range updates {
				want := fmt.Sprint(update.Time)
				if column < schema.Len() {
					want = textOf(rows[i][column])
				} else if column > schema.Len() {
					want = fmt.Sprint(update.Diff)
				}
				if got[i] != want {
					t.Fatalf("compression %d, column %d, row %d is %s, want %s", compression, column, i, got[i], want)
				}
			}
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// content returns sorted updates, and the values of their rows.
func content(t *testing.T, schema relation.Schema) (updates []part.Update, rows [][]relation.Value) {
	floats := []float64{math.Inf(-1), math.Copysign(0, -1), 0, 1.5, math.NaN(), math.Float64frombits(0xfff8000000000123)}
	for i := range 1000 {
		values := []relation.Value{
			relation.Int64Value(int64(i) - 500),
			relation.Uint64Value(math.MaxUint64 - uint64(i)),
			relation.BoolValue(i%2 == 0),
			relation.Float64Value(floats[i%len(floats)]),
			relation.StringValue(strings.Repeat("Ω\x00", i%4)),
			relation.BytesValue(bytes.Repeat([]byte{0, 0xff}, i%3)),
		}
		for column := 1; column <= 4; column++ {
			if (i>>column)%3 == 0 {
				values[column] = relation.Null()
			}
		}
		row, err := schema.AppendRow(nil, values)
		if err != nil {
			t.Fatal(err)
		}
		updates = append(updates, part.Update{Row: row, Time: math.MaxUint64 - uint64(i), Diff: int64(-i - 1)})
		rows = append(rows, values)
	}
	return updates, rows
}

// checkColumns checks names, repetition, physical and logical types.
func checkColumns(t *testing.T, reader *file.Reader) {
	want := []string{
		"z.id REQUIRED INT64 Int(bitWidth=64, isSigned=true)",
		"ts OPTIONAL INT64 Int(bitWidth=64, isSigned=false)",
		"isOpen OPTIONAL BOOLEAN None",
		"ratio OPTIONAL DOUBLE None",
		"name OPTIONAL BYTE_ARRAY String",
		"blob REQUIRED BYTE_ARRAY None",
		"_ts REQUIRED INT64 Int(bitWidth=64, isSigned=false)",
		"diff REQUIRED INT64 Int(bitWidth=64, isSigned=true)",
	}
	schema := reader.MetaData().Schema
	if schema.NumColumns() != len(want) {
		t.Fatalf("%d columns, want %d", schema.NumColumns(), len(want))
	}
	for i := range want {
		column := schema.Column(i)
		repetition := strings.ToUpper(column.SchemaNode().RepetitionType().String())
		got := fmt.Sprintf("%s %s %v %v", column.Name(), repetition, column.PhysicalType(), column.LogicalType())
		if got != want[i] {
			t.Errorf("column %d is %q, want %q", i, got, want[i])
		}
	}
	if version := reader.MetaData().KeyValueMetadata().FindValue("tidemark.part"); version == nil || *version != "1" {
		t.Errorf("the version is %v", version)
	}
}

// readColumn returns the texts of all values of a column.
func readColumn(t *testing.T, reader *file.Reader, column int) (texts []string) {
	isUnsigned := strings.Contains(reader.MetaData().Schema.Column(column).LogicalType().String(), "isSigned=false")
	for group := range reader.NumRowGroups() {
		rows := reader.RowGroup(group).NumRows()
		chunk, err := reader.RowGroup(group).Column(column)
		if err != nil {
			t.Fatal(err)
		}
		switch chunk := chunk.(type) {
		case *file.BooleanColumnChunkReader:
			texts = append(texts, readChunk(t, chunk.ReadBatch, chunk.HasNext, rows, func(b bool) string {
				return fmt.Sprint(b)
			})...)
		case *file.Int64ColumnChunkReader:
			texts = append(texts, readChunk(t, chunk.ReadBatch, chunk.HasNext, rows, func(n int64) string {
				if isUnsigned {
					return fmt.Sprint(uint64(n))
				}
				return fmt.Sprint(n)
			})...)
		case *file.Float64ColumnChunkReader:
			texts = append(texts, readChunk(t, chunk.ReadBatch, chunk.HasNext, rows, func(f float64) string {
				return fmt.Sprintf("%x", math.Float64bits(f))
			})...)
		case *file.ByteArrayColumnChunkReader:
			texts = append(texts, readChunk(t, chunk.ReadBatch, chunk.HasNext, rows, func(b parquet.ByteArray) string {
				return fmt.Sprintf("%q", []byte(b))
			})...)
		default:
			t.Fatalf("column %d is a %T", column, chunk)
		}
	}
	return texts
}

func readChunk[T any](
	t *testing.T, read func(int64, []T, []int16, []int16) (int64, int, error), hasNext func() bool, rows int64,
	text func(T) string,
) (texts []string) {
	values, levels := make([]T, rows), make([]int16, rows)
	for hasNext() {
		levelCount, valueCount, err := read(rows, values, levels, nil)
		if err != nil {
			t.Fatal(err)
		}
		if int64(valueCount) == levelCount { // no nulls, and no levels where there can be none
			for _, value := range values[:valueCount] {
				texts = append(texts, text(value))
			}
			continue
		}
		next := 0
		for _, level := range levels[:levelCount] {
			if level == 0 {
				texts = append(texts, "null")
				continue
			}
			texts = append(texts, text(values[next]))
			next++
		}
	}
	return texts
}

func textOf(v relation.Value) string {
	switch v.Type() {
	case relation.Bool:
		return fmt.Sprint(v.Bool())
	case relation.Int64:
		return fmt.Sprint(v.Int64())
	case relation.Uint64:
		return fmt.Sprint(v.Uint64())
	case relation.Float64:
		return fmt.Sprintf("%x", math.Float64bits(v.Float64()))
	case relation.String, relation.Bytes:
		return fmt.Sprintf("%q", v.Bytes())
	default:
		return "null"
	}
}
