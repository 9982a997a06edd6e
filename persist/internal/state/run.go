package state

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/part"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// Run is a list of parts that are sorted and consolidated together.
type Run struct {
	ID     RunID    `cbor:"1,keyasint"`
	Order  Order    `cbor:"2,keyasint,omitzero"`
	Schema SchemaID `cbor:"3,keyasint,omitzero"`
	Parts  []Part   `cbor:"4,keyasint,omitempty"`
	// Spilled is set instead of Parts if the run is so long that the list of its
	// parts is an object of its own.
	Spilled *SpilledRun `cbor:"5,keyasint,omitempty"`
	// Length is the number of updates in all parts.
	Length uint64 `cbor:"6,keyasint"`
	// EncodedSize is the sum of the sizes of all parts in bytes.
	EncodedSize uint64 `cbor:"7,keyasint"`
}

// Equal reports whether both are the same.
func (r Run) Equal(other Run) bool {
	sameList := r.Spilled == other.Spilled
	if r.Spilled != nil && other.Spilled != nil {
		sameList = *r.Spilled == *other.Spilled
	}
	return sameList && r.ID == other.ID && r.Order == other.Order && r.Schema == other.Schema &&
		r.Length == other.Length && r.EncodedSize == other.EncodedSize &&
		slices.EqualFunc(r.Parts, other.Parts, Part.Equal)
}

// keys iterates over the keys of all objects that the run refers to.
func (r Run) keys() iter.Seq[PartKey] {
	return func(yield func(PartKey) bool) {
		for _, part := range r.Parts {
			if !part.IsInline() && !yield(part.Key) {
				return
			}
		}
		if r.Spilled != nil {
			yield(r.Spilled.Key)
		}
	}
}

// hasObjects reports whether any part is an object of its own.
func (r Run) hasObjects() bool {
	return r.Spilled != nil || slices.ContainsFunc(r.Parts, func(p Part) bool { return !p.IsInline() })
}

// isEncrypted reports whether a key is needed to read any part.
func (r Run) isEncrypted() bool { return slices.ContainsFunc(r.Parts, Part.IsEncrypted) }

// DiffsSum returns the sum of all diffs, modulo 2^64.
func (r Run) DiffsSum() (sum int64) {
	if r.Spilled != nil {
		return r.Spilled.DiffsSum
	}
	for _, p := range r.Parts {
		sum += p.DiffsSum
	}
	return sum
}

// check returns an error that says what contradicts itself.
func (r Run) check() error {
	if (r.Spilled == nil) == (len(r.Parts) == 0) {
		return errors.New("a run has either parts or a list of them")
	}
	if r.Order > ByColumns || r.Length == 0 {
		return fmt.Errorf("a run of order %d and length %d", r.Order, r.Length)
	}
	var length, size uint64
	for _, part := range r.Parts {
		if err := part.check(); err != nil {
			return err
		}
		length += part.Length
		size += part.EncodedSize
	}
	if r.Spilled == nil && (length != r.Length || size != r.EncodedSize) {
		return fmt.Errorf("a run says length %d, %d B and its parts %d, %d B", r.Length, r.EncodedSize, length, size)
	}
	for key := range r.keys() {
		if _, err := key.Parse(); err != nil {
			return err
		}
	}
	return nil
}

// String returns the id, the order, and how much there is.
func (r Run) String() string {
	return fmt.Sprintf("%v %v schema %d length %d in %d parts, %d B",
		r.ID, r.Order, r.Schema, r.Length, len(r.Parts), r.EncodedSize)
}

// SpilledRun says where the list of parts of a long run is.
type SpilledRun struct {
	Key PartKey `cbor:"1,keyasint"`
	// ObjectSize is the size of the list in bytes and Checksum its CRC32C. Both
	// are verified before anything else looks at it.
	ObjectSize uint64 `cbor:"2,keyasint"`
	Checksum   uint32 `cbor:"3,keyasint"`
	// PartSizeMax is the size of the largest part in bytes.
	PartSizeMax uint64 `cbor:"4,keyasint"`
	// DiffsSum is the sum of all diffs modulo 2^64.
	DiffsSum int64 `cbor:"5,keyasint,omitzero"`
}

// Order says how the updates of a run are sorted. The numbers are stored.
type Order uint8

const (
	// Unordered: each part is consolidated by itself.
	Unordered Order = 0
	// ByRow: the updates of all parts together are consolidated, sorted by the
	// bytes of the row and then by time.
	ByRow Order = 1
	// ByColumns: like ByRow, but rows are compared column by column.
	ByColumns Order = 2
)

// String returns the name of the order.
func (o Order) String() string {
	switch o {
	case Unordered:
		return "unordered"
	case ByRow:
		return "by row"
	case ByColumns:
		return "by columns"
	default:
		return "order " + strconv.Itoa(int(o))
	}
}

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
	// KeyID names the key with which the bytes are encrypted, empty if they are not.
	// Size and checksum are those of the encrypted bytes.
	KeyID string `cbor:"11,keyasint,omitempty"`
	// Bounds has the RowLower and the Stats of an encrypted part, encrypted with the
	// same key; the two are empty then. Empty says nothing.
	Bounds []byte `cbor:"12,keyasint,omitempty"`
}

// KeyIDBytesMax is the size of the longest name of a key.
const KeyIDBytesMax = 256

// IsInline reports whether the updates are within the state.
func (p Part) IsInline() bool { return p.Key == "" }

// IsEncrypted reports whether a key is needed to read the updates.
func (p Part) IsEncrypted() bool { return p.KeyID != "" }

// Equal reports whether both are the same.
func (p Part) Equal(other Part) bool {
	return p.Key == other.Key && p.Format == other.Format && p.EncodedSize == other.EncodedSize &&
		p.Checksum == other.Checksum && p.Length == other.Length && p.DiffsSum == other.DiffsSum &&
		p.Rewrite == other.Rewrite && bytes.Equal(p.Inline, other.Inline) &&
		bytes.Equal(p.RowLower, other.RowLower) && bytes.Equal(p.Stats, other.Stats) &&
		p.KeyID == other.KeyID && bytes.Equal(p.Bounds, other.Bounds)
}

// String returns where the part is and how much it has; never its contents.
func (p Part) String() string {
	place := string(p.Key)
	if p.IsInline() {
		place = "inline"
	}
	if p.IsEncrypted() {
		place += fmt.Sprintf(" key %q", p.KeyID)
	}
	return fmt.Sprintf("%s length %d, %d B", place, p.Length, p.EncodedSize)
}

// InlineUpdates returns the updates of an inlined part, as they were written:
// their times are yet to be read as of [Part.Rewrite]. It returns a
// [*CorruptionError] if the part is damaged, encrypted, or has its updates elsewhere.
func (p Part) InlineUpdates() ([]part.Update, error) {
	const what = "inline part"
	if !p.IsInline() {
		return nil, wire.Corrupt(what, "is an object of its own")
	}
	if p.IsEncrypted() {
		return nil, wire.Corrupt(what, "is encrypted with key %q", p.KeyID)
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
	return p.checkEncryption()
}

func (p Part) checkEncryption() error {
	switch {
	case len(p.KeyID) > KeyIDBytesMax:
		return fmt.Errorf("a key with an id of %d bytes", len(p.KeyID))
	case p.IsEncrypted() && len(p.RowLower)+len(p.Stats) > 0:
		return errors.New("an encrypted part has bounds that are not")
	case !p.IsEncrypted() && len(p.Bounds) > 0:
		return errors.New("a part that is not encrypted has bounds that are")
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

// SchemaID numbers the schemas of a shard in the order in which they were
// registered, from 0 on. Until one is registered all data is under schema 0.
type SchemaID uint64

// Compare orders schemas by age.
func (id SchemaID) Compare(other SchemaID) int { return cmp.Compare(id, other) }

// Schema is how rows were encoded by those who wrote under its id. A registered
// schema never changes.
type Schema struct {
	// Relation is the encoded description of the columns.
	Relation []byte `cbor:"1,keyasint"`
	// Physical is the encoded description of their layout in parts.
	Physical []byte `cbor:"2,keyasint"`
}

// Equal reports whether both are the same.
func (s Schema) Equal(other Schema) bool {
	return bytes.Equal(s.Relation, other.Relation) && bytes.Equal(s.Physical, other.Physical)
}

// String returns the sizes of the two descriptions.
func (s Schema) String() string {
	return fmt.Sprintf("relation %d B, physical %d B", len(s.Relation), len(s.Physical))
}
