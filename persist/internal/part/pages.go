package part

import (
	"encoding/binary"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// checkPages checks all that allocations depend on: each column of each row group has
// pages of the only kind that Encode writes, with as many values as there are rows,
// and with the bytes that so many values need. It returns the size of the values of
// each row group in bytes.
func checkPages(l layout, metadata *format.FileMetaData, data []byte) (sizes []int64, err error) {
	check := pageCheck{layout: l, data: data, room: decodedSizeMax}
	var rows int64
	for i := range metadata.RowGroups {
		group := &metadata.RowGroups[i]
		if group.NumRows <= 0 || group.NumRows > decodedSizeMax || len(group.Columns) != l.columns() {
			return nil, wire.Corrupt(what, "row group %d is no part of the table", i)
		}
		rows += group.NumRows
		check.room -= group.NumRows * updateSize
		before := check.room
		for column := range group.Columns {
			if !check.chunk(&group.Columns[column].MetaData, column, group.NumRows) {
				return nil, wire.Corrupt(what, "row group %d, column %d: pages contradict each other", i, column)
			}
		}
		sizes = append(sizes, before-check.room-16*group.NumRows)
	}
	if rows != metadata.NumRows {
		return nil, wire.Corrupt(what, "another number of rows than it says")
	}
	return sizes, nil
}

// pageCheck walks over the headers of pages.
type pageCheck struct {
	layout layout
	data   []byte
	// room is how many bytes the pages that are still to come may take in memory.
	room     int64
	protocol thrift.CompactProtocol
}

// chunk reports whether the pages of one column of a row group are as they must be.
func (c *pageCheck) chunk(meta *format.ColumnMetaData, column int, rows int64) bool {
	first, size := meta.DataPageOffset, meta.TotalCompressedSize
	if first < 0 || size < 0 || first > int64(len(c.data)) || size > int64(len(c.data))-first ||
		meta.DictionaryPageOffset != 0 || meta.NumValues != rows ||
		meta.Codec != format.Uncompressed && meta.Codec != format.Zstd {
		return false
	}
	pages := c.data[first : first+size]
	for len(pages) > 0 {
		headerSize, ok := skim(pages)
		if !ok {
			return false
		}
		var header format.PageHeader
		err := contained(func() error { return thrift.Unmarshal(&c.protocol, pages[:headerSize], &header) })
		if err != nil {
			return false
		}
		pages = pages[headerSize:]
		stored := int64(header.CompressedPageSize)
		if stored < 0 || stored > int64(len(pages)) || !c.page(&header, pages[:stored], meta.Codec, column) {
			return false
		}
		pages = pages[stored:]
		rows -= int64(header.DataPageHeaderV2.V.NumValues)
	}
	return rows == 0
}

// page reports whether the header of a page fits itself, the column, and the page.
func (c *pageCheck) page(header *format.PageHeader, page []byte, codec format.CompressionCodec, column int) bool {
	v2 := &header.DataPageHeaderV2.V
	if header.Type != format.DataPageV2 || !header.DataPageHeaderV2.Valid || v2.Encoding != format.Plain ||
		v2.NumRows != v2.NumValues || v2.NumNulls < 0 || v2.NumNulls > v2.NumValues ||
		v2.RepetitionLevelsByteLength != 0 || v2.DefinitionLevelsByteLength < 0 {
		return false
	}
	levels, size := int64(v2.DefinitionLevelsByteLength), int64(header.UncompressedPageSize)
	if levels > int64(len(page)) || levels > size {
		return false
	}
	values := int64(v2.NumValues)
	if c.layout.isNullable(column) {
		c.room -= values
		if !levelsFit(page[:levels], values) {
			return false
		}
	} else if levels != 0 || v2.NumNulls != 0 {
		return false
	}
	c.room -= size
	if c.room < 0 || !suffices(c.layout.typeOf(column), values-int64(v2.NumNulls), size-levels) {
		return false
	}
	if isCompressed := codec == format.Zstd && (v2.IsCompressed.V || !v2.IsCompressed.Valid); isCompressed {
		return frameFits(page[levels:], size-levels)
	}
	return int64(len(page)) == size
}

// levelsFit reports whether definition levels, which are run-length encoded, are those
// of so many values. Runs of packed bits may have up to 7 more.
func levelsFit(levels []byte, values int64) bool {
	for len(levels) > 0 {
		head, headSize := binary.Uvarint(levels)
		if headSize <= 0 || head>>1 > uint64(decodedSizeMax) {
			return false
		}
		count, size := int64(head>>1), 1
		if head&1 != 0 {
			count, size = 8*count, int(count)
		}
		if values -= count; values <= -8 || size > len(levels)-headSize {
			return false
		}
		levels = levels[headSize+size:]
	}
	return values <= 0
}

// frameFits reports whether what is left of a page without its levels is a single frame
// of Zstandard that becomes so many bytes. A frame without its size, which is how
// small ones are written, has to be of one block: that ends at 128 KiB.
func frameFits(frame []byte, size int64) bool {
	var header zstd.Header
	if header.Decode(frame) != nil || header.Skippable || header.HasCheckSum {
		return false
	}
	frame = frame[header.HeaderSize:]
	blocks := 0
	for isLast := false; !isLast; blocks++ {
		if len(frame) < 3 {
			return false
		}
		head := uint32(frame[0]) | uint32(frame[1])<<8 | uint32(frame[2])<<16
		isLast = head&1 != 0
		blockSize := int(head >> 3)
		if isRepeated := head>>1&3 == 1; isRepeated {
			blockSize = 1 // one byte, and how often
		}
		if blockSize > len(frame)-3 {
			return false
		}
		frame = frame[3+blockSize:]
	}
	if header.HasFCS {
		return len(frame) == 0 && header.FrameContentSize == uint64(size)
	}
	return len(frame) == 0 && blocks == 1 && size < 256
}

// suffices reports whether so many values of the type can take so many bytes.
func suffices(kind relation.Type, values, size int64) bool {
	switch kind {
	case relation.Bool:
		return (values+7)/8 == size
	case relation.String, relation.Bytes:
		return 4*values <= size && (values > 0 || size == 0)
	default:
		return 8*values == size
	}
}
