package state

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"sort"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/ordered"
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

func (ids BatchIDs) overlaps(other BatchIDs) bool {
	return ids.Lower < other.Upper && other.Lower < ids.Upper
}

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

// Batches are the contents of a shard, oldest first: each batch begins where the
// one before it ends, the first at {0}. It is an immutable value with a useful
// zero value; appending to it costs the same however many batches there are.
type Batches struct {
	list   ordered.Map[BatchID, Batch] // by the lower end of their ids
	totals Totals
}

// Totals are sums over batches. They are kept up to date, not computed.
type Totals struct {
	// Length is the number of updates.
	Length uint64
	// EncodedSize is the size of all parts in bytes, InlineSize of those within
	// the state.
	EncodedSize, InlineSize uint64
}

// Upper returns where the last batch ends, {0} if there is none: all updates at
// times before it are in the batches.
func (b Batches) Upper() frontier.Antichain {
	if _, last := b.list.Last(); last != nil {
		return last.Desc.Upper
	}
	return frontier.Antichain{}
}

// NextID returns the id of the batch that will be appended next.
func (b Batches) NextID() BatchID {
	if _, last := b.list.Last(); last != nil {
		return last.IDs.Upper
	}
	return 0
}

// Len returns the number of batches.
func (b Batches) Len() int { return b.list.Len() }

// Totals returns the sums over all batches.
func (b Batches) Totals() Totals { return b.totals }

// All iterates over the batches, oldest first. Their slices must not be modified.
func (b Batches) All() iter.Seq2[BatchID, Batch] { return b.list.All() }

// Covering returns the batch with the updates of a time, and false if the time is
// not before the upper. O(log n) to the square.
func (b Batches) Covering(time uint64) (Batch, bool) {
	place := sort.Search(b.Len(), func(place int) bool {
		_, batch := b.list.At(place)
		return !batch.Desc.Upper.LessEqualTime(time)
	})
	if _, batch := b.list.At(place); batch != nil {
		return *batch, true
	}
	return Batch{}, false
}

// Lookup returns the batch whose ids begin at id, nil if there is none. It must
// not be modified.
func (b Batches) Lookup(id BatchID) *Batch { return b.list.Lookup(id) }

// Shared iterates over the batches by reference. They must not be modified.
func (b Batches) Shared() iter.Seq2[BatchID, *Batch] { return b.list.Shared() }

// Updated returns the batches with changes made like those of
// [ordered.Map.Updated], each key at most once. It goes through the changes
// twice. It does not check that batches still follow each other: see
// [State.Check].
func (b Batches) Updated(changes iter.Seq2[BatchID, *Batch]) Batches {
	totals := b.totals
	for id, batch := range changes {
		totals.remove(b.list.Lookup(id))
		totals.add(batch)
	}
	return Batches{list: b.list.Updated(changes), totals: totals}
}

func (t *Totals) add(batch *Batch) {
	if batch != nil {
		t.Length += batch.Length
		t.EncodedSize += batch.EncodedSize
		t.InlineSize += batch.InlineSize()
	}
}

func (t *Totals) remove(batch *Batch) {
	if batch != nil {
		t.Length -= batch.Length
		t.EncodedSize -= batch.EncodedSize
		t.InlineSize -= batch.InlineSize()
	}
}

// Compaction is a window of neighbouring batches that somebody has been asked to
// merge. It keeps others from doing the same, until it is so old that whoever had
// it is taken for dead.
type Compaction struct {
	// Window is the range of ids of the batches to be merged.
	Window BatchIDs `cbor:"1,keyasint"`
	// StartedMS is when it was assigned, in milliseconds since the Unix epoch.
	StartedMS uint64 `cbor:"2,keyasint"`
}

// String returns the window and the time.
func (c Compaction) String() string { return fmt.Sprintf("%v since %d ms", c.Window, c.StartedMS) }

// Equal reports whether both are the same.
func (c Compaction) Equal(other Compaction) bool { return c == other }
