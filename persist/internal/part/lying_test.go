package part_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// page is a page of a file that is to be written once more, with lies.
type page struct {
	header format.PageHeader
	body   []byte
}

// rewrite writes a file of one row group, with a single page for each column, once
// more after lie has changed what it says. Pages lose their checksums, with which the
// library would find some of the lies.
func rewrite(t testing.TB, data []byte, lie func(metadata *format.FileMetaData, pages []page)) []byte {
	t.Helper()
	var protocol thrift.CompactProtocol
	end := len(data) - 8
	footer := data[end-int(binary.LittleEndian.Uint32(data[end:])) : end]
	var metadata format.FileMetaData
	if err := thrift.Unmarshal(&protocol, footer, &metadata); err != nil {
		t.Fatal(err)
	}
	chunks := metadata.RowGroups[0].Columns
	pages := make([]page, len(chunks))
	for i, chunk := range chunks {
		bytes := data[chunk.MetaData.DataPageOffset:][:chunk.MetaData.TotalCompressedSize]
		reader := protocol.NewReaderFromBytes(bytes)
		if err := thrift.NewDecoder(reader).Decode(&pages[i].header); err != nil {
			t.Fatal(err)
		}
		pages[i].header.CRC = 0
		pages[i].body = bytes[reader.BytesRead():]
	}
	lie(&metadata, pages)
	marshal := func(value any) []byte {
		encoded, err := thrift.Marshal(&protocol, value)
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
	file := []byte("PAR1")
	for i := range pages {
		chunk := &chunks[i].MetaData
		written := append(marshal(&pages[i].header), pages[i].body...)
		if chunk.DataPageOffset >= 0 { // otherwise that is the lie
			chunk.DataPageOffset, chunk.TotalCompressedSize = int64(len(file)), int64(len(written))
		}
		file = append(file, written...)
	}
	encoded := marshal(&metadata)
	file = append(file, encoded...)
	return append(binary.LittleEndian.AppendUint32(file, uint32(len(encoded))), "PAR1"...)
}

// refuse checks that the file is refused, at next to no cost.
func refuse(t *testing.T, name string, schema relation.Schema, data []byte) {
	t.Helper()
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	_, err := decode(schema, data)
	goruntime.ReadMemStats(&after)
	if !errors.Is(err, wire.ErrCorruption) {
		t.Errorf("%s: error is %v, want corruption", name, err)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 4<<20 {
		t.Errorf("%s: %d bytes were allocated for %d", name, allocated, len(data))
	}
}

// Headers that promise more than there is. Whoever believes one of them allocates
// gigabytes for a file of a few hundred bytes.
func TestDecodeBelievesNoHeader(t *testing.T) {
	schema, err := relation.New(
		relation.Column{Name: "text", Type: relation.Bytes},
		relation.Column{Name: "maybe", Type: relation.Int64, IsNullable: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	given := content{schema: schema}
	for i := range int64(20) {
		row, err := schema.AppendRow(nil, []relation.Value{relation.BytesValue([]byte{byte(i)}), relation.Null()})
		if err != nil {
			t.Fatal(err)
		}
		given.updates = append(given.updates, part.Update{Row: row, Diff: i + 1})
	}
	const huge = 1 << 29
	lies := map[string]func(metadata *format.FileMetaData, pages []page){
		"rows of the file": func(m *format.FileMetaData, _ []page) { m.NumRows = huge },
		"rows of the group": func(m *format.FileMetaData, _ []page) {
			m.NumRows, m.RowGroups[0].NumRows = huge, huge
		},
		"values of the chunk": func(m *format.FileMetaData, _ []page) {
			m.RowGroups[0].Columns[0].MetaData.NumValues = huge
		},
		"place of the chunk": func(m *format.FileMetaData, _ []page) {
			m.RowGroups[0].Columns[0].MetaData.DataPageOffset = -4
		},
		"size of the page":  func(_ *format.FileMetaData, p []page) { p[0].header.CompressedPageSize = huge },
		"uncompressed size": func(_ *format.FileMetaData, p []page) { p[0].header.UncompressedPageSize = huge },
		"negative size":     func(_ *format.FileMetaData, p []page) { p[0].header.CompressedPageSize = -1 },
		"values of the page": func(_ *format.FileMetaData, p []page) {
			p[0].header.DataPageHeaderV2.V.NumValues = huge
		},
		"rows of the page": func(_ *format.FileMetaData, p []page) {
			p[0].header.DataPageHeaderV2.V.NumRows = huge
		},
		"nulls of the page": func(_ *format.FileMetaData, p []page) {
			p[1].header.DataPageHeaderV2.V.NumNulls = 19
		},
		"nulls without levels": func(_ *format.FileMetaData, p []page) {
			p[0].header.DataPageHeaderV2.V.NumNulls = 1
		},
		"levels of the page": func(_ *format.FileMetaData, p []page) {
			p[1].header.DataPageHeaderV2.V.DefinitionLevelsByteLength = huge
		},
		"encoding": func(_ *format.FileMetaData, p []page) {
			p[0].header.DataPageHeaderV2.V.Encoding = format.DeltaLengthByteArray
		},
		"run of levels":         longRun(1 << 27),
		"run a bit too long":    longRun(28),
		"levels beyond one":     levelsBeyondOne,
		"all rows, all columns": everything(huge),
	}
	for _, compression := range []part.Compression{part.Uncompressed, part.Zstd} {
		data := encode(t, given, part.Options{Compression: compression})
		same := rewrite(t, data, func(*format.FileMetaData, []page) {})
		if decoded, err := decode(schema, same); err != nil || !slices.EqualFunc(given.updates, decoded, equal) {
			t.Fatalf("without a lie it is refused, or reads differently: %v", err)
		}
		for name, lie := range lies {
			refuse(t, name, schema, rewrite(t, data, lie))
		}
	}
}

// longRun replaces the levels of the nullable column by one run that is far too long.
func longRun(length uint64) func(*format.FileMetaData, []page) {
	return func(_ *format.FileMetaData, pages []page) {
		p := &pages[1]
		v2 := &p.header.DataPageHeaderV2.V
		levels := append(binary.AppendUvarint(nil, length<<1), 0)
		p.body = append(levels, p.body[v2.DefinitionLevelsByteLength:]...)
		grown := int32(len(levels)) - v2.DefinitionLevelsByteLength
		v2.DefinitionLevelsByteLength += grown
		p.header.CompressedPageSize += grown
		p.header.UncompressedPageSize += grown
	}
}

// levelsBeyondOne gives half of the rows a level that does not exist and counts double,
// so that all numbers agree.
func levelsBeyondOne(_ *format.FileMetaData, pages []page) {
	p := &pages[1]
	v2 := &p.header.DataPageHeaderV2.V
	p.body = append([]byte{10 << 1, 2, 10 << 1, 0}, make([]byte, 20*8)...)
	v2.DefinitionLevelsByteLength, v2.NumNulls = 4, 0
	p.header.CompressedPageSize, p.header.UncompressedPageSize = int32(len(p.body)), int32(len(p.body))
}

// everything lets all headers agree on so many rows.
func everything(rows int32) func(*format.FileMetaData, []page) {
	return func(metadata *format.FileMetaData, pages []page) {
		metadata.NumRows, metadata.RowGroups[0].NumRows = int64(rows), int64(rows)
		for i := range pages {
			metadata.RowGroups[0].Columns[i].MetaData.NumValues = int64(rows)
			pages[i].header.DataPageHeaderV2.V.NumValues = rows
			pages[i].header.DataPageHeaderV2.V.NumRows = rows
			pages[i].header.UncompressedPageSize = 8 * rows
		}
	}
}

// A page that becomes a thousand times as large when it is decompressed, in a frame
// that says so, or does not say it, or in a second frame behind a small one.
func TestDecodeRefusesBombs(t *testing.T) {
	given := content{updates: []part.Update{{Row: make([]byte, 100), Diff: 1}}}
	data := encode(t, given, part.Options{Compression: part.Zstd})
	const header, repeated = "\x28\xb5\x2f\xfd\x00\x58", 1 << 1 // a frame without its size, a block of one byte
	var bomb []byte
	for i := range 1000 {
		head := uint32(repeated | 128<<10<<3)
		if i == 999 {
			head |= 1 // the last block
		}
		bomb = append(bomb, byte(head), byte(head>>8), byte(head>>16), 0)
	}
	frames := map[string][]byte{
		"no size":     append([]byte(header), bomb...),
		"two frames":  nil,
		"wrong size":  append([]byte("\x28\xb5\x2f\xfd\xa0\x67\x00\x00\x00"), bomb...),
		"no end":      append([]byte(header), bomb[:len(bomb)-4]...),
		"no blocks":   []byte(header),
		"no frame":    {},
		"other bytes": []byte("anything"),
	}
	for name, frame := range frames {
		refuse(t, name, relation.Schema{}, rewrite(t, data, func(_ *format.FileMetaData, pages []page) {
			if frame == nil {
				frame = append(slices.Clone(pages[0].body), append([]byte(header), bomb...)...)
			}
			pages[0].body = frame
			pages[0].header.CompressedPageSize = int32(len(frame))
		}))
	}
}

// A page that honestly says that it becomes more than a part may take.
func TestDecodeRefusesMoreThanAPartMayTake(t *testing.T) {
	data := encode(t, content{updates: []part.Update{{Row: []byte("a"), Diff: 1}}}, part.Options{Compression: part.Zstd})
	const size = 1<<30 + 1
	frame := binary.LittleEndian.AppendUint32([]byte("\x28\xb5\x2f\xfd\xa0"), size)
	frame = append(frame, 1, 0, 0) // an empty last block
	refuse(t, "large page", relation.Schema{}, rewrite(t, data, func(_ *format.FileMetaData, pages []page) {
		pages[0].body = frame
		pages[0].header.CompressedPageSize, pages[0].header.UncompressedPageSize = int32(len(frame)), size
	}))
}

// Lists and texts in the footer that are longer than it.
func TestDecodeRefusesLyingFooters(t *testing.T) {
	for name, footer := range map[string][]byte{
		"list":         {0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00},
		"text":         {0x68, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00},
		"map":          {0x1b, 0xff, 0xff, 0xff, 0xff, 0x07, 0x88, 0x00},
		"nested lists": append(append([]byte{0x29}, slices.Repeat([]byte{0x19}, 8<<20)...), 0x00),
		"no end":       {0x15},
		"long varint":  {0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00},
		"empty":        {},
	} {
		file := append([]byte("PAR1"), footer...)
		file = append(binary.LittleEndian.AppendUint32(file, uint32(len(footer))), "PAR1"...)
		refuse(t, name, relation.Schema{}, file)
	}
}

// As many columns as possible: the library has a buffer for each, and their sizes must
// not add up to much more than the rows.
func TestEncodeOfManyColumns(t *testing.T) {
	var columns []relation.Column
	for i := range relation.ColumnsMax {
		columns = append(columns, relation.Column{Name: fmt.Sprint(i), Type: relation.Int64})
	}
	schema, err := relation.New(columns...)
	if err != nil {
		t.Fatal(err)
	}
	row, err := schema.AppendRow(nil, slices.Repeat([]relation.Value{relation.Int64Value(1)}, len(columns)))
	if err != nil {
		t.Fatal(err)
	}
	given := content{schema: schema, updates: []part.Update{{Row: row, Diff: 1}}}
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	data := encode(t, given, part.Options{})
	goruntime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 128<<20 {
		t.Errorf("%d bytes were allocated for %d", allocated, len(row))
	}
	if decoded, err := decode(schema, data); err != nil || !slices.EqualFunc(given.updates, decoded, equal) {
		t.Errorf("decoded differently, error %v", err)
	}
}
