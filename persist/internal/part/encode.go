package part

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/tidemarkdb/tidemark/persist/relation"
)

const (
	// formatVersion is the version of the layout within the Parquet file, and
	// versionKey where the file says it.
	formatVersion = 1
	versionKey    = "tidemark.part"

	// decodedSizeMax bounds what one part may take in memory, in bytes, whatever
	// its file says.
	decodedSizeMax = 1 << 30
	// updateSize is what an update takes in memory besides its row, in bytes.
	updateSize = 48
	// rowGroupSizeDefault is where a row group ends, in bytes of rows.
	rowGroupSizeDefault = 1 << 20
	// A batch is what is handed to the writer of a column at once. A page ends
	// with a batch, so both limits bound how far it exceeds its size.
	batchLengthMax = 64
	batchSizeMax   = 1 << 18
	// pageSize is the size of pages in bytes, in files of up to 16 columns. The
	// library has a buffer for each column, so more columns get smaller pages.
	pageSize    = 1 << 18
	pageSizeMin = 1 << 12
	// boundedRowSizeMax is the size of rows up to which the file has the bounds of
	// text: they are not cut short, and there are two for each row group.
	boundedRowSizeMax = 1 << 10
)

// ErrNotConsolidated says that updates were to be encoded that are not as
// [Consolidate] returns them.
var ErrNotConsolidated = errors.New("updates are not consolidated")

// TooLargeError says that updates do not fit into one part.
type TooLargeError struct {
	// SizeMax is the size of the largest part in memory, in bytes.
	SizeMax int64
}

// Error implements error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("updates take more than the %d bytes of the largest part", e.SizeMax)
}

// Compression says how the pages of a part are compressed.
type Compression uint8

const (
	// Uncompressed stores values as they are.
	Uncompressed Compression = 0
	// Zstd compresses each page with Zstandard at its default level.
	Zstd Compression = 1
)

// zstdCodec has a pool of compressors, of which each has forgotten everything when it
// begins anew.
var zstdCodec = &zstd.Codec{Level: zstd.SpeedDefault, Concurrency: 1}

// Options are the choices of who writes a part. The zero Options are the defaults.
// Whoever reads it need not know them.
type Options struct {
	Compression Compression
	// RowGroupSize is how many bytes of rows end a row group, 1 MiB by default.
	// Readers of the file can skip the row groups without the keys they look for.
	RowGroupSize int
}

// Encode returns a Parquet file with updates that have to be consolidated, and their
// rows encoded under the schema. Equal input gives equal bytes, within one build of
// the program. It returns [ErrNotConsolidated], a [*relation.RowError], or a
// [*TooLargeError].
func Encode(schema relation.Schema, consolidated []Update, options Options) ([]byte, error) {
	if options.RowGroupSize <= 0 {
		options.RowGroupSize = rowGroupSizeDefault
	}
	rows, err := measure(schema, consolidated)
	if err != nil {
		return nil, err
	}
	e := newEncoder(newLayout(schema), options, rows)
	for len(consolidated) > 0 {
		length := prefix(consolidated, math.MaxInt, options.RowGroupSize)
		if err := e.writeRowGroup(consolidated[:length]); err != nil {
			return nil, err
		}
		consolidated = consolidated[length:]
	}
	if err := e.file.Close(); err != nil {
		return nil, fmt.Errorf("encode part: %w", err)
	}
	return e.buffer.Bytes(), nil
}

// measures are what has to be known of all rows beforehand.
type measures struct {
	// size is what they take in the file, about, and sizeMax the size of the longest
	// row, both in bytes; length is how many there are.
	size, sizeMax int64
	length        int
}

// measure also checks what has to hold of all updates together.
func measure(schema relation.Schema, updates []Update) (measures, error) {
	rows := measures{length: len(updates)}
	overhead := int64(6*schema.Len() + 16) // in the file a value has at most 6 bytes more than in the row
	for i := range updates {
		if updates[i].Diff == 0 || i > 0 && compare(updates[i-1], updates[i]) >= 0 {
			return measures{}, ErrNotConsolidated
		}
		rowSize := int64(len(updates[i].Row))
		rows.sizeMax = max(rows.sizeMax, rowSize)
		if rows.size += rowSize + overhead; rows.size+int64(i+1)*updateSize > decodedSizeMax {
			return measures{}, &TooLargeError{SizeMax: decodedSizeMax}
		}
	}
	return rows, nil
}

// fileSize returns a guess at the size of the file, to begin with.
func (m measures) fileSize(compression Compression) int64 {
	if compression == Zstd {
		return m.size/4 + 4096
	}
	return m.size + m.size/32 + 4096
}

// prefix returns how many of the updates, at least one, come before a length or a
// size of rows in bytes is reached.
func prefix(updates []Update, length, size int) int {
	n := 0
	for rows := 0; n < len(updates) && n < length && rows < size; n++ {
		rows += len(updates[n].Row)
	}
	return n
}

// encoder writes one file, column by column.
type encoder struct {
	layout layout
	buffer *bytes.Buffer
	file   *parquet.GenericWriter[any]
	// values are those of some rows, by row, and batch the same by column.
	values []relation.Value
	batch  [][]parquet.Value
}

// newEncoder returns the encoder of a file. All values are plain: of the encodings
// that is the fastest, and the only one whose decoder trusts nothing that it reads;
// compression makes up for most of what the others would save.
func newEncoder(l layout, options Options, rows measures) *encoder {
	writerOptions := []parquet.WriterOption{
		l.file(),
		parquet.CreatedBy("tidemark", strconv.Itoa(formatVersion), "part"),
		parquet.KeyValueMetadata(versionKey, strconv.Itoa(formatVersion)),
		parquet.DataPageVersion(2),
		parquet.DefaultEncoding(&parquet.Plain),
		parquet.DataPageStatistics(false),
		parquet.PageBufferSize(max(pageSizeMin, pageSize*16/max(16, l.columns()))),
		parquet.WriteBufferSize(0), // it writes to memory
	}
	if options.Compression == Zstd {
		writerOptions = append(writerOptions, parquet.Compression(zstdCodec))
	}
	for i, field := range l.root.fields {
		if field.Type().Kind() == parquet.ByteArray && rows.sizeMax > boundedRowSizeMax {
			writerOptions = append(writerOptions, parquet.SkipPageBounds(l.root.fields[i].Name()))
		}
	}
	buffer := bytes.NewBuffer(make([]byte, 0, rows.fileSize(options.Compression)))
	e := &encoder{
		layout: l,
		buffer: buffer,
		file:   parquet.NewGenericWriter[any](buffer, writerOptions...),
		batch:  make([][]parquet.Value, l.columns()),
	}
	for i := range e.batch {
		e.batch[i] = make([]parquet.Value, min(rows.length, batchLengthMax))
	}
	return e
}

func (e *encoder) writeRowGroup(updates []Update) error {
	for len(updates) > 0 {
		length := prefix(updates, batchLengthMax, batchSizeMax)
		if err := e.writeBatch(updates[:length]); err != nil {
			return err
		}
		updates = updates[length:]
	}
	if err := e.file.Flush(); err != nil {
		return fmt.Errorf("encode part: %w", err)
	}
	return nil
}

func (e *encoder) writeBatch(updates []Update) error {
	schema := e.layout.relation
	times, diffs := e.batch[schema.Len()], e.batch[schema.Len()+1]
	e.values = e.values[:0]
	var err error
	for i := range updates {
		if e.values, err = schema.DecodeRow(updates[i].Row, e.values); err != nil {
			return err
		}
		times[i] = parquet.Int64Value(int64(updates[i].Time))
		diffs[i] = parquet.Int64Value(updates[i].Diff)
	}
	for i, column := range e.file.ColumnWriters() {
		if i < schema.Len() {
			e.fill(i, len(updates))
		}
		if _, err := column.WriteRowValues(e.batch[i][:len(updates)]); err != nil {
			return fmt.Errorf("encode part: %w", err)
		}
	}
	return nil
}

// fill sets the batch of a column to its values.
func (e *encoder) fill(column, length int) {
	width, level := e.layout.relation.Len(), 0
	if e.layout.isNullable(column) {
		level = 1 // the definition level of values that are not null
	}
	batch := e.batch[column][:length]
	for i := range batch {
		value := &e.values[i*width+column]
		switch value.Type() {
		case relation.Bool:
			batch[i] = parquet.BooleanValue(value.Bool()).Level(0, level, column)
		case relation.Int64:
			batch[i] = parquet.Int64Value(value.Int64()).Level(0, level, column)
		case relation.Uint64:
			batch[i] = parquet.Int64Value(int64(value.Uint64())).Level(0, level, column)
		case relation.Float64:
			batch[i] = parquet.DoubleValue(value.Float64()).Level(0, level, column)
		case relation.String, relation.Bytes:
			batch[i] = parquet.ByteArrayValue(value.Bytes()).Level(0, level, column)
		default:
			batch[i] = parquet.NullValue()
		}
	}
}
