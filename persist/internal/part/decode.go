package part

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

const what = "part"

// Decode returns the updates that [Encode] encoded as data under the same schema. They
// are consolidated, and share no memory with data, but among each other: whoever keeps
// one row for long should copy it. The pages and updates take no more than 1 GiB,
// whatever data promises. The error is a [*wire.CorruptionError], or a
// [*wire.VersionError] if the file is of a version that this program does not read.
func Decode(schema relation.Schema, data []byte) ([]Update, error) {
	l := newLayout(schema)
	file, sizes, err := open(l, data)
	if err != nil {
		return nil, err
	}
	updates := make([]Update, 0, file.NumRows())
	for i, group := range file.RowGroups() {
		if updates, err = appendRowGroup(updates, l, group, sizes[i]); err != nil {
			return nil, err
		}
	}
	return updates, nil
}

// open returns the file in data, and the size of the rows of each row group as far as
// it can be told, in bytes. Before, it has checked that the footer describes the
// layout, and that no header of a page promises more than there is.
func open(l layout, data []byte) (file *parquet.File, sizes []int64, err error) {
	if err := checkFooter(data); err != nil {
		return nil, nil, err
	}
	hasColumns := false
	err = contained(func() error {
		file, err = parquet.OpenFile(bytes.NewReader(data), int64(len(data)),
			parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		hasColumns = err == nil && l.isOf(file.Root())
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	version, ok := file.Lookup(versionKey)
	if number, err := strconv.ParseUint(version, 10, 64); !ok || err != nil {
		return nil, nil, wire.Corrupt(what, "a Parquet file of others")
	} else if number != formatVersion {
		return nil, nil, &wire.VersionError{Found: number, Oldest: formatVersion, Newest: formatVersion}
	}
	if !hasColumns {
		return nil, nil, wire.Corrupt(what, "other columns than the schema")
	}
	sizes, err = checkPages(l, file.Metadata(), data)
	return file, sizes, err
}

// checkFooter checks that data ends in a footer, and that it is well formed.
func checkFooter(data []byte) error {
	const magic = "PAR1"
	end := len(data) - len(magic) - 4
	if end < len(magic) || string(data[:len(magic)]) != magic || string(data[end+4:]) != magic {
		return wire.Corrupt(what, "no Parquet file")
	}
	size := int64(binary.LittleEndian.Uint32(data[end:]))
	if size > int64(end-len(magic)) {
		return wire.Corrupt(what, "a footer larger than the file")
	}
	if skimmed, ok := skim(data[end-int(size) : end]); !ok || int64(skimmed) != size {
		return wire.Corrupt(what, "a malformed footer")
	}
	return nil
}

// contained is the one place where panics of the Parquet library end. The library is
// made for files of friends: on others, some of its checks are index expressions,
// and some of its errors are panics. Whatever it meant to say, the file is not as it
// was written. Nothing else happens in fn, so no mistake of ours is taken for damage.
func contained(fn func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = wire.Corrupt(what, "not readable")
		}
	}()
	if err := fn(); err != nil {
		// Messages of the library may quote the input: name the fact only.
		return wire.Corrupt(what, "not decodable")
	}
	return nil
}

// appendRowGroup appends the updates of a row group, whose rows share one piece of
// memory.
func appendRowGroup(updates []Update, l layout, group parquet.RowGroup, size int64) (_ []Update, err error) {
	columns := make([]column, l.columns())
	for i, chunk := range group.ColumnChunks() {
		columns[i] = column{kind: l.typeOf(i), pages: chunk.Pages()}
	}
	rows := make([]byte, 0, size)
	for left := int(group.NumRows()); left > 0; {
		stretch := left // how many rows there are in the current page of every column
		for i := range columns {
			for columns[i].left() == 0 {
				if err := columns[i].turn(); err != nil {
					return nil, err
				}
			}
			stretch = min(stretch, columns[i].left())
		}
		if updates, rows, err = appendStretch(updates, rows, l.relation, columns, stretch); err != nil {
			return nil, err
		}
		left -= stretch
	}
	for i := range columns {
		if err := columns[i].close(); err != nil {
			return nil, err
		}
	}
	return updates, nil
}

// appendStretch appends some updates, and the bytes of their rows.
func appendStretch(
	updates []Update, rows []byte, schema relation.Schema, columns []column, length int,
) ([]Update, []byte, error) {
	var few [16]relation.Value // not on the heap, where writing a value costs twice as much
	values := slices.Grow(few[:0], schema.Len())[:schema.Len()]
	times, diffs := &columns[schema.Len()], &columns[schema.Len()+1]
	for range length {
		for i := range values {
			columns[i].take(&values[i])
		}
		start := len(rows)
		var err error
		if rows, err = schema.AppendRow(rows, values); err != nil {
			return nil, nil, wire.Corrupt(what, "%v", err)
		}
		update := Update{
			Row: rows[start:len(rows):len(rows)], Time: times.takeNumber(), Diff: int64(diffs.takeNumber()),
		}
		last := len(updates) - 1
		if update.Diff == 0 || last >= 0 && compare(updates[last], update) >= 0 {
			return nil, nil, wire.Corrupt(what, "not consolidated at update %d", last+1)
		}
		updates = append(updates, update)
	}
	return updates, rows, nil
}
