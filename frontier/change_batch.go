package frontier

import (
	"fmt"
	"iter"
)

// Change is one entry of a [ChangeBatch]: Diff more of something at Time.
type Change struct {
	Time uint64
	Diff int64
}

// String returns the time and the signed diff, as in "5:+1".
func (c Change) String() string {
	return fmt.Sprintf("%d:%+d", c.Time, c.Diff)
}

// ChangeBatch adds up changes: it keeps, in the order of time, every time whose
// diffs do not add up to zero, with their sum. Changes that cancel leave nothing
// behind, and the order in which changes came does not show.
//
// The zero value is an empty batch. Up to 8 distinct times are kept in the batch
// itself, without allocation; beyond that an update costs O(log n). Summing up at
// once rather than on demand was measured to be the faster way for the small
// batches that occur, and lets every sum be checked when it is made.
//
// A ChangeBatch may be read from many goroutines while nobody modifies it; Clone
// counts as a modification. It must not be copied by assignment once it has been
// used, except to hand it over for good: use [ChangeBatch.Clone].
type ChangeBatch struct {
	sums entries
}

// Update adds diff at time t. If the sum there leaves the range of int64 it
// returns an [*OverflowError].
func (b *ChangeBatch) Update(t uint64, diff int64) error {
	_, err := b.sums.add(t, diff)
	return err
}

// Extend makes all the given changes, or none of them if one fails with an
// [*OverflowError].
func (b *ChangeBatch) Extend(changes ...Change) error {
	var staged ChangeBatch
	for _, c := range changes {
		if err := staged.Update(c.Time, c.Diff); err != nil {
			return err
		}
	}
	return b.Merge(&staged)
}

// Move records that a frontier went from one place to another: -1 at every
// element of from and +1 at every element of to, hence nothing if they are
// equal. If a sum overflows it returns an [*OverflowError].
func (b *ChangeBatch) Move(from, to Antichain) error {
	moved := movement(from, to)
	return b.Merge(&moved)
}

// movement is what Move records.
func movement(from, to Antichain) ChangeBatch {
	var moved ChangeBatch
	if from != to {
		for t := range from.Elements() {
			moved.sums.set(t, -1)
		}
		for t := range to.Elements() {
			moved.sums.set(t, +1)
		}
	}
	return moved
}

// Merge makes all the changes of other, which is left alone, or none of them if
// one fails with an [*OverflowError].
func (b *ChangeBatch) Merge(other *ChangeBatch) error {
	return b.sums.merge(&other.sums)
}

// DrainInto merges b into other and leaves b empty; O(1) if other is empty. If a
// sum overflows it returns an [*OverflowError], and both stay as they were.
func (b *ChangeBatch) DrainInto(other *ChangeBatch) error {
	if other == b {
		return nil
	}
	if other.IsEmpty() {
		*b, *other = *other, *b
		return nil
	}
	if err := other.Merge(b); err != nil {
		return err
	}
	*b = ChangeBatch{}
	return nil
}

// Drain hands out the entries in the order of time. Each entry leaves the batch
// as it is handed out, so a loop that runs to its end leaves the batch empty and
// a loop that stops early leaves the rest. The body of the loop may update the
// batch: the loop always goes on with the earliest entry that is there.
func (b *ChangeBatch) Drain() iter.Seq2[uint64, int64] {
	return func(yield func(uint64, int64) bool) {
		for !b.sums.isEmpty() {
			first := b.sums.first()
			b.sums.set(first.Time, 0)
			if !yield(first.Time, first.Diff) {
				return
			}
		}
	}
}

// All iterates over the entries in the order of time, each time once, no diff
// zero. The batch must not be modified meanwhile.
func (b *ChangeBatch) All() iter.Seq2[uint64, int64] {
	return b.sums.all()
}

// Len returns the number of entries: distinct times whose diffs do not cancel.
func (b *ChangeBatch) Len() int {
	return b.sums.len()
}

// IsEmpty reports whether all changes have cancelled, or none were made.
func (b *ChangeBatch) IsEmpty() bool {
	return b.sums.isEmpty()
}

// Clone returns a batch with the same entries, independent of b. It is O(1):
// what the two share is copied when one of them changes.
func (b *ChangeBatch) Clone() ChangeBatch {
	return ChangeBatch{sums: b.sums.clone()}
}

// Equal reports whether both batches have the same entries. Like String it is a
// method of the value, so that fmt and go-cmp find it on values and pointers.
func (b ChangeBatch) Equal(other ChangeBatch) bool {
	return b.sums.equal(&other.sums)
}

// String returns the entries in the order of time, as in "[5:-1 7:+1]".
func (b ChangeBatch) String() string {
	return b.sums.String()
}

// Check verifies that the entries are sorted, distinct and not zero, and stored
// as they should be. An error means a bug in this package or the use of a copy
// made by assignment.
func (b *ChangeBatch) Check() error {
	if err := b.sums.check(); err != nil {
		return fmt.Errorf("frontier: change batch: %w", err)
	}
	return nil
}
