package state

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
)

// BatchID numbers appended batches: 0, 1, 2 and so on.
type BatchID uint64

// Compare orders batches by age.
func (id BatchID) Compare(other BatchID) int { return cmp.Compare(id, other) }

// BatchIDs is a range of ids: Lower and those after it, before Upper. A batch as
// it was appended has one id; one that came of merging has all of those that went
// into it, so that ids tell what replaces what.
type BatchIDs struct {
	_            struct{} `cbor:",toarray"`
	Lower, Upper BatchID
}

// String returns the half-open interval.
func (ids BatchIDs) String() string { return fmt.Sprintf("[%d,%d)", ids.Lower, ids.Upper) }

// Desc says what a batch contains: exactly the updates whose time, when they were
// appended, was at or beyond Lower and not at or beyond Upper. Their times may
// have been advanced to Since.
type Desc struct {
	_                   struct{} `cbor:",toarray"`
	Lower, Upper, Since frontier.Antichain
}

// String returns the interval and the since.
func (d Desc) String() string { return fmt.Sprintf("[%v,%v) since %v", d.Lower, d.Upper, d.Since) }

// Batch describes a set of updates and says where they are. It is metadata: the
// updates are in the parts of its runs.
type Batch struct {
	IDs  BatchIDs `cbor:"1,keyasint"`
	Desc Desc     `cbor:"2,keyasint"`
	Runs []Run    `cbor:"3,keyasint,omitempty"`
	// Length is the number of updates in all runs, an upper bound of how many
	// are left when they are consolidated together.
	Length uint64 `cbor:"4,keyasint,omitzero"`
	// EncodedSize is the sum of the sizes of all parts in bytes.
	EncodedSize uint64 `cbor:"5,keyasint,omitzero"`
}

// IsEmpty reports whether the batch has no updates: it only says that there are
// none in its interval.
func (b Batch) IsEmpty() bool { return b.Length == 0 }

// InlineSize returns the number of bytes of parts that are in the state itself.
func (b Batch) InlineSize() (size uint64) {
	for _, run := range b.Runs {
		for _, part := range run.Parts {
			size += uint64(len(part.Inline))
		}
	}
	return size
}

// Equal reports whether both are the same.
func (b Batch) Equal(other Batch) bool {
	return b.IDs == other.IDs && b.Desc == other.Desc && b.Length == other.Length &&
		b.EncodedSize == other.EncodedSize && slices.EqualFunc(b.Runs, other.Runs, Run.Equal)
}

// String returns everything but the runs, of which it gives the number.
func (b Batch) String() string {
	return fmt.Sprintf("%v %v length %d in %d runs, %d B", b.IDs, b.Desc, b.Length, len(b.Runs), b.EncodedSize)
}
