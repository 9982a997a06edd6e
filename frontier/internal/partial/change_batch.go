package partial

import (
	"fmt"
	"slices"
)

// lengthMax is the length up to which a batch may be a mess.
const lengthMax = 32

// Change is one entry of a [ChangeBatch].
type Change[T any] struct {
	Time T
	Diff int64
}

// ChangeBatch adds up changes lazily: updates are appended, and only when
// somebody looks, or when the list has become long and at least half of it is
// new, is it compacted: sorted, sums made, zeros dropped. The zero value is
// empty.
type ChangeBatch[T Time[T]] struct {
	changes []Change[T]
	clean   int // the first so many changes are compacted
}

// Update adds diff at t. A zero diff is nothing.
func (b *ChangeBatch[T]) Update(t T, diff int64) {
	b.Extend(Change[T]{t, diff})
}

// Extend makes all the given changes.
func (b *ChangeBatch[T]) Extend(changes ...Change[T]) {
	for _, c := range changes {
		if c.Diff != 0 {
			b.changes = append(b.changes, c)
		}
	}
	if len(b.changes) > lengthMax && b.clean <= len(b.changes)/2 {
		b.Compact()
	}
}

// Compact puts the list in order: sorted by Compare, each time once, no zeros.
func (b *ChangeBatch[T]) Compact() {
	if b.clean == len(b.changes) {
		return
	}
	slices.SortFunc(b.changes, func(x, y Change[T]) int { return x.Time.Compare(y.Time) })
	compacted := b.changes[:0]
	for i := 0; i < len(b.changes); {
		sum := b.changes[i]
		for i++; i < len(b.changes) && b.changes[i].Time == sum.Time; i++ {
			sum.Diff += b.changes[i].Diff
		}
		if sum.Diff != 0 {
			compacted = append(compacted, sum)
		}
	}
	b.changes, b.clean = compacted, len(compacted)
}

// Changes returns a copy of the compacted list.
func (b *ChangeBatch[T]) Changes() []Change[T] {
	b.Compact()
	return slices.Clone(b.changes)
}

// Drain returns the compacted list and leaves the batch empty.
func (b *ChangeBatch[T]) Drain() []Change[T] {
	drained := b.Changes()
	*b = ChangeBatch[T]{}
	return drained
}

// DrainInto moves all changes to other.
func (b *ChangeBatch[T]) DrainInto(other *ChangeBatch[T]) {
	if len(other.changes) == 0 {
		*b, *other = *other, *b
		return
	}
	other.Extend(b.changes...)
	*b = ChangeBatch[T]{}
}

// IsEmpty reports whether all changes cancel. It need not compact if more than
// half of the list is compacted: what is new cannot cancel all of that.
func (b *ChangeBatch[T]) IsEmpty() bool {
	if b.clean > len(b.changes)/2 {
		return false
	}
	b.Compact()
	return len(b.changes) == 0
}

// Stored returns the number of changes as they are now stored.
func (b *ChangeBatch[T]) Stored() int {
	return len(b.changes)
}

// Check verifies the part that is said to be compacted, and the bound.
func (b *ChangeBatch[T]) Check() error {
	if b.clean > len(b.changes) {
		return fmt.Errorf("partial: change batch: %d of %d changes compacted", b.clean, len(b.changes))
	}
	if n := len(b.changes); n > lengthMax && b.clean <= n/2 {
		return fmt.Errorf("partial: change batch: only %d of %d changes compacted", b.clean, n)
	}
	for i, c := range b.changes[:b.clean] {
		if c.Diff == 0 || i > 0 && b.changes[i-1].Time.Compare(c.Time) >= 0 {
			return fmt.Errorf("partial: change batch: %v is out of place", c)
		}
	}
	return nil
}
