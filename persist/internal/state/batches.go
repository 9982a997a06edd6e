package state

import (
	"fmt"
	"iter"
	"sort"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/ordered"
)

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
