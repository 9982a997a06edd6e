package part_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

const benchmarkLength = 100_000

// workload is a table with, beside it, the same values as Go slices by column.
type workload struct {
	schema  relation.Schema
	updates []part.Update
	columns []goColumn
	bytes   int
}

// goColumn has values of one type.
type goColumn struct {
	kind     relation.Type
	level    int // 1 if nullable
	isNull   []bool
	bits     []bool
	integers []int64
	floats   []float64
	texts    [][]byte
}

func newWorkload(b *testing.B, schema relation.Schema, row func(i uint64) []relation.Value) workload {
	b.Helper()
	w := workload{schema: schema, columns: make([]goColumn, schema.Len()+2)}
	for i := range uint64(benchmarkLength) {
		values := row(i)
		encoded, err := schema.AppendRow(nil, values)
		if err != nil {
			b.Fatal(err)
		}
		time := 1_700_000_000_000 + i%1000
		w.updates = append(w.updates, part.Update{Row: encoded, Time: time, Diff: 1})
		w.bytes += len(encoded) + 16
		for column, value := range append(values, relation.Int64Value(int64(time)), relation.Int64Value(1)) {
			c := &w.columns[column]
			if column < schema.Len() && schema.Column(column).IsNullable {
				c.level = 1
			}
			c.kind = max(c.kind, value.Type())
			c.isNull = append(c.isNull, value.IsNull())
			c.bits = append(c.bits, value.Bool())
			c.integers = append(c.integers, value.Int64())
			c.floats = append(c.floats, value.Float64())
			c.texts = append(c.texts, value.Bytes())
		}
	}
	return w
}

// fill sets batch to the values from place first on.
func (c *goColumn) fill(batch []parquet.Value, first, column int) {
	for i := range batch {
		switch {
		case c.isNull[first+i]:
			batch[i] = parquet.NullValue()
		case c.kind == relation.Bool:
			batch[i] = parquet.BooleanValue(c.bits[first+i]).Level(0, c.level, column)
		case c.kind == relation.Int64:
			batch[i] = parquet.Int64Value(c.integers[first+i]).Level(0, c.level, column)
		case c.kind == relation.Float64:
			batch[i] = parquet.DoubleValue(c.floats[first+i]).Level(0, c.level, column)
		default:
			batch[i] = parquet.ByteArrayValue(c.texts[first+i]).Level(0, c.level, column)
		}
	}
}

func workloads(b *testing.B) map[string]workload {
	five, err := relation.New(
		relation.Column{Name: "id", Type: relation.Int64},
		relation.Column{Name: "name", Type: relation.String},
		relation.Column{Name: "price", Type: relation.Float64},
		relation.Column{Name: "isOpen", Type: relation.Bool, IsNullable: true},
		relation.Column{Name: "note", Type: relation.Bytes, IsNullable: true},
	)
	if err != nil {
		b.Fatal(err)
	}
	return map[string]workload{
		"1column": newWorkload(b, relation.Schema{}, func(i uint64) []relation.Value {
			row := bytes.Repeat([]byte{'x'}, 64)
			binary.BigEndian.PutUint64(row, i)
			return []relation.Value{relation.BytesValue(row)}
		}),
		"5columns": newWorkload(b, five, func(i uint64) []relation.Value {
			note := relation.Null()
			if i%3 > 0 {
				note = relation.BytesValue([]byte("left at the neighbour's, who was out"))
			}
			return []relation.Value{
				relation.Int64Value(int64(i)), relation.StringValue(fmt.Sprintf("customer number %d", i)),
				relation.Float64Value(float64(i) / 7), relation.BoolValue(i%2 == 0), note,
			}
		}),
	}
}

// BenchmarkEncode compares with the Parquet library alone, which is given Go slices, one
// for each column: the same columns, pages, row groups and compression.
func BenchmarkEncode(b *testing.B) {
	for name, w := range workloads(b) {
		for _, compression := range []part.Compression{part.Uncompressed, part.Zstd} {
			kind := fmt.Sprintf("%s/compression%d", name, compression)
			b.Run(kind+"/part", func(b *testing.B) {
				for b.Loop() {
					if _, err := part.Encode(w.schema, w.updates, part.Options{Compression: compression}); err != nil {
						b.Fatal(err)
					}
				}
				w.report(b)
			})
			file := openFile(b, w, compression)
			b.Run(kind+"/library", func(b *testing.B) {
				for b.Loop() {
					w.encodeByLibrary(b, file.Schema(), compression)
				}
				w.report(b)
			})
		}
	}
}

func (w workload) encodeByLibrary(b *testing.B, schema *parquet.Schema, compression part.Compression) {
	options := []parquet.WriterOption{
		schema, parquet.DefaultEncoding(&parquet.Plain), parquet.DataPageStatistics(false), parquet.PageBufferSize(1 << 18),
	}
	if compression == part.Zstd {
		options = append(options, parquet.Compression(&zstd.Codec{}))
	}
	writer := parquet.NewGenericWriter[any](bytes.NewBuffer(make([]byte, 0, 2*w.bytes)), options...)
	values := make([]parquet.Value, 100)
	for first := 0; first < benchmarkLength; first += len(values) {
		for column, c := range writer.ColumnWriters() {
			w.columns[column].fill(values, first, column)
			if _, err := c.WriteRowValues(values); err != nil {
				b.Fatal(err)
			}
		}
		if first%50_000 == 49_900 {
			if err := writer.Flush(); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := writer.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkDecode compares with the Parquet library alone, whose values are kept, by
// column, together with the pages that they refer to.
func BenchmarkDecode(b *testing.B) {
	for name, w := range workloads(b) {
		for _, compression := range []part.Compression{part.Uncompressed, part.Zstd} {
			kind := fmt.Sprintf("%s/compression%d", name, compression)
			data, err := part.Encode(w.schema, w.updates, part.Options{Compression: compression})
			if err != nil {
				b.Fatal(err)
			}
			b.Run(kind+"/part", func(b *testing.B) {
				for b.Loop() {
					if _, err := part.Decode(w.schema, data); err != nil {
						b.Fatal(err)
					}
				}
				w.report(b)
			})
			b.Run(kind+"/library", func(b *testing.B) {
				for b.Loop() {
					decodeByLibrary(b, data)
				}
				w.report(b)
			})
		}
	}
}

func decodeByLibrary(b *testing.B, data []byte) {
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)),
		parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		b.Fatal(err)
	}
	for _, group := range file.RowGroups() {
		for _, chunk := range group.ColumnChunks() {
			values := make([]parquet.Value, 0, group.NumRows())
			pages := chunk.Pages()
			for {
				page, err := pages.ReadPage()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					b.Fatal(err)
				}
				n, err := page.Values().ReadValues(values[len(values):cap(values)])
				if err != nil && !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				values = values[:len(values)+n]
			}
			if int64(len(values)) != group.NumRows() {
				b.Fatalf("read %d values, want %d", len(values), group.NumRows())
			}
			if err := pages.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func openFile(b *testing.B, w workload, compression part.Compression) *parquet.File {
	data, err := part.Encode(w.schema, w.updates[:1], part.Options{Compression: compression})
	if err != nil {
		b.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		b.Fatal(err)
	}
	return file
}

func (w workload) report(b *testing.B) {
	b.ReportMetric(float64(w.bytes)*float64(b.N)/1e6/b.Elapsed().Seconds(), "MB/s")
	b.ReportAllocs()
}
