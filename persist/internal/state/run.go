package state

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
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
