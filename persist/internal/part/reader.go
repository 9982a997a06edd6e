package part

import (
	"bytes"

	"github.com/parquet-go/parquet-go"

	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// Reader decodes a part piece by piece, each a row group: that takes the memory of one
// piece, beside the encoded part. It is used by one task at a time.
type Reader struct {
	layout layout
	groups []parquet.RowGroup
	sizes  []int64
	last   Update // of the piece before
	isLate bool   // there was one
}

// NewReader returns the reader of what [Encode] encoded as data under the same schema.
// It keeps data until it is done. Errors are those of [Decode].
func NewReader(schema relation.Schema, data []byte) (*Reader, error) {
	l := newLayout(schema)
	file, sizes, err := open(l, data)
	if err != nil {
		return nil, err
	}
	return &Reader{layout: l, groups: file.RowGroups(), sizes: sizes}, nil
}

// Next returns the updates of the next piece, none at the end. All together are what
// [Decode] returns. Rows share memory with others of their piece, and with nothing else.
func (r *Reader) Next() (updates []Update, err error) {
	for len(updates) == 0 && len(r.groups) > 0 {
		group, size := r.groups[0], r.sizes[0]
		r.groups, r.sizes = r.groups[1:], r.sizes[1:]
		updates = make([]Update, 0, group.NumRows())
		if updates, err = appendRowGroup(updates, r.layout, group, size); err != nil {
			return nil, err
		}
	}
	if len(r.groups) == 0 {
		r.groups = nil // the part is not to be kept
	}
	if len(updates) == 0 {
		return nil, nil
	}
	if r.isLate && compare(r.last, updates[0]) >= 0 {
		return nil, wire.Corrupt(what, "not consolidated between two row groups")
	}
	r.last, r.isLate = updates[len(updates)-1], true
	r.last.Row = bytes.Clone(r.last.Row)
	return updates, nil
}
