package state

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// Part is the unit of reading: some updates, either in an object of their own or,
// if they are few, within the state.
type Part struct {
	// Key is where the object is; empty if the part is inlined.
	Key PartKey `cbor:"1,keyasint,omitempty"`
	// Inline are the bytes of an inlined part, nil otherwise.
	Inline []byte     `cbor:"2,keyasint,omitempty"`
	Format PartFormat `cbor:"3,keyasint"`
	// EncodedSize is the number of bytes and Checksum their CRC32C. Both are
	// verified before anything else looks at the bytes.
	EncodedSize uint64 `cbor:"4,keyasint"`
	Checksum    uint32 `cbor:"5,keyasint"`
	// Length is the number of updates, at least one.
	Length uint64 `cbor:"6,keyasint"`
	// DiffsSum is the sum of all diffs modulo 2^64. Neither consolidation nor
	// advancing times changes it.
	DiffsSum int64 `cbor:"7,keyasint"`
	// Rewrite is where times before it are to be read as; {0}, where every time
	// is read as it is, if the part was never rewritten.
	Rewrite frontier.Antichain `cbor:"8,keyasint,omitzero"`
	// RowLower is no greater than any row, possibly cut short. Empty says nothing.
	RowLower []byte `cbor:"9,keyasint,omitempty"`
	// Stats are encoded bounds of the columns. Empty says nothing.
	Stats []byte `cbor:"10,keyasint,omitempty"`
}

// IsInline reports whether the updates are within the state.
func (p Part) IsInline() bool { return p.Key == "" }

// Equal reports whether both are the same.
func (p Part) Equal(other Part) bool {
	return p.Key == other.Key && p.Format == other.Format && p.EncodedSize == other.EncodedSize &&
		p.Checksum == other.Checksum && p.Length == other.Length && p.DiffsSum == other.DiffsSum &&
		p.Rewrite == other.Rewrite && bytes.Equal(p.Inline, other.Inline) &&
		bytes.Equal(p.RowLower, other.RowLower) && bytes.Equal(p.Stats, other.Stats)
}

// String returns where the part is and how much it has; never its contents.
func (p Part) String() string {
	place := string(p.Key)
	if p.IsInline() {
		place = "inline"
	}
	return fmt.Sprintf("%s length %d, %d B", place, p.Length, p.EncodedSize)
}

// InlineUpdates returns the updates of an inlined part, as they were written:
// their times are yet to be read as of [Part.Rewrite]. It returns a
// [*CorruptionError] if the part is damaged or has its updates elsewhere.
func (p Part) InlineUpdates() ([]part.Update, error) {
	const what = "inline part"
	if !p.IsInline() {
		return nil, wire.Corrupt(what, "is an object of its own")
	}
	if err := p.check(); err != nil {
		return nil, wire.Corrupt(what, "%v", err)
	}
	updates, err := part.DecodeInline(p.Inline)
	if err != nil {
		return nil, err
	}
	if uint64(len(updates)) != p.Length || part.DiffsSum(updates) != p.DiffsSum {
		return nil, wire.Corrupt(what, "has other updates than it should")
	}
	return updates, nil
}

// check returns an error that says what contradicts itself.
func (p Part) check() error {
	isInline := p.Format == InlineFormat
	switch {
	case p.Format != InlineFormat && p.Format != ParquetFormat:
		return fmt.Errorf("a part of format %d", p.Format)
	case p.IsInline() != isInline || (len(p.Inline) > 0) != isInline:
		return errors.New("a part is neither inlined nor an object, or both")
	case isInline && (uint64(len(p.Inline)) != p.EncodedSize || wire.Checksum(p.Inline) != p.Checksum):
		return errors.New("an inlined part has another size or checksum")
	case p.Length == 0:
		return errors.New("a part has no updates")
	}
	return nil
}

// PartFormat says how the updates of a part are encoded. The numbers are stored.
type PartFormat uint8

const (
	// InlineFormat is that of package part for parts within the state.
	InlineFormat PartFormat = 1
	// ParquetFormat is Apache Parquet.
	ParquetFormat PartFormat = 2
)
