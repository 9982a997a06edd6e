package part

import (
	"bytes"
	"context"
	"iter"

	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// Unfetched is a part of a run that is yet to be read.
type Unfetched struct {
	// RowLower is no greater than any row; empty says nothing.
	RowLower []byte
	// Fetch returns the updates, sorted by row and time, piece by piece. An iteration
	// calls it at most once.
	Fetch func(context.Context) (Pieces, error)
}

// Pieces returns the next updates of a part, and leaves them alone from then on; none at
// the end. It must not be called again after that, or after an error.
type Pieces func(context.Context) ([]Update, error)

// Whole returns updates in one piece.
func Whole(updates []Update) Pieces {
	return func(context.Context) (all []Update, err error) {
		all, updates = updates, nil
		return all, nil
	}
}

// Gather returns the updates of all pieces.
func Gather(ctx context.Context, pieces Pieces) (all []Update, err error) {
	for {
		updates, err := pieces(ctx)
		if err != nil || len(updates) == 0 {
			return all, err
		}
		if all == nil {
			all = updates
			continue
		}
		all = append(all, updates...)
	}
}

// Merge iterates over the consolidated updates of several runs together: sorted by row
// and time, the diffs of equal row and time added up, none that changes nothing.
// Times before since are read as since. Each run is a list of parts that are sorted
// together, one after the other.
//
// A part is fetched when everything before its lower bound has been yielded, and at
// most one piece of one part of each run is held at a time, with what its Pieces hold: so
// much memory it takes. Rows are those that the pieces had: whoever keeps some of them
// should copy them, or their pieces stay with them.
//
// The error is that of Fetch, an [*OverflowError], or a [*wire.CorruptionError] if a
// run is not sorted, or a row is less than the bound. After an error the iteration
// ends. It may be repeated if Fetch may.
func Merge(ctx context.Context, since uint64, runs ...[]Unfetched) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		m := NewMerger(since, runs...)
		for {
			next, isAny, err := m.Next(ctx)
			if err != nil {
				yield(Update{}, err)
				return
			}
			if !isAny || !yield(next, nil) {
				return
			}
		}
	}
}

// runCursor is at the next update of a run, the first of updates if there are any.
// Otherwise the next piece is yet to be read, and its first update can be as little as
// the last before it; or the next part is yet to be fetched, and its first update can be
// as little as its lower bound at time 0.
type runCursor struct {
	number  int // of the run, for errors
	since   uint64
	updates []Update
	pieces  Pieces // of the part that is being read; nil if there is none
	rest    []Unfetched
	// last is the last update of the piece before, if there was one.
	last    Update
	isBegun bool
}

// compare orders cursors by what is next, or may be.
func (c *runCursor) compare(other *runCursor) int {
	a, _ := c.head()
	b, _ := other.head()
	return compare(a, b)
}

// head returns the next update with its time as it is read. Reading times before since
// as since leaves a run sorted: the maximum never exchanges two times of a row, it
// only makes some equal. So all that is to be added up still follows each other.
func (c *runCursor) head() (first Update, isFetched bool) {
	switch {
	case len(c.updates) > 0:
		first, isFetched = c.updates[0], true
	case c.pieces != nil:
		first = c.last
	default:
		return Update{Row: c.rest[0].RowLower}, false
	}
	first.Time = max(first.Time, c.since)
	return first, isFetched
}

// step goes to the update after the next.
func (c *runCursor) step() {
	if c.updates = c.updates[1:]; len(c.updates) == 0 {
		c.updates = nil // an empty slice would hold the piece
	}
}

// fetch reads the next piece, of the next part if there is none left of this one, and
// checks that it continues the run.
func (c *runCursor) fetch(ctx context.Context) (err error) {
	var lower []byte // says nothing
	if c.pieces == nil {
		next := c.rest[0]
		c.rest, lower = c.rest[1:], next.RowLower
		if c.pieces, err = next.Fetch(ctx); err != nil {
			return err
		}
	}
	updates, err := c.pieces(ctx)
	if err != nil {
		return err
	}
	if len(updates) == 0 {
		c.pieces = nil
		return nil
	}
	if bytes.Compare(updates[0].Row, lower) < 0 {
		return wire.Corrupt("run", "a row of run %d is less than the lower bound of its part", c.number)
	}
	for i := range updates {
		if c.isBegun && compare(c.last, updates[i]) > 0 {
			return wire.Corrupt("run", "run %d is not sorted", c.number)
		}
		c.last, c.isBegun = updates[i], true
	}
	c.last.Row = bytes.Clone(c.last.Row) // the piece itself is not to be kept
	c.updates = updates
	return nil
}

// isAtEnd reports whether there is nothing left of the run.
func (c *runCursor) isAtEnd() bool { return len(c.updates) == 0 && c.pieces == nil && len(c.rest) == 0 }

// merger has the cursors of all runs that are not exhausted, in a heap: none is less
// than the one at half its place.
type merger struct {
	heap []*runCursor
}

// next takes the sum of all updates of the least row and time. There is none if it is
// zero, or if all that happened was that a piece was read.
func (m *merger) next(ctx context.Context) (sum Update, isAny bool, err error) {
	sum, isFetched := m.heap[0].head()
	if !isFetched {
		return Update{}, false, m.fetch(ctx)
	}
	var diffs total
	for len(m.heap) > 0 {
		head, isFetched := m.heap[0].head()
		order := compare(head, sum)
		if isFetched && order != 0 || order > 0 {
			break
		}
		if isFetched {
			diffs.add(head.Diff)
			m.heap[0].step()
			m.settle()
			continue
		}
		sum.Row = bytes.Clone(sum.Row) // the piece before is not to be kept
		if err := m.fetch(ctx); err != nil {
			return Update{}, false, err
		}
	}
	isFit := false
	if sum.Diff, isFit = diffs.sum(); !isFit {
		return Update{}, false, &OverflowError{Time: sum.Time}
	}
	return sum, sum.Diff != 0, nil
}

// fetch reads the next piece of the first run.
func (m *merger) fetch(ctx context.Context) error {
	if err := m.heap[0].fetch(ctx); err != nil {
		return err
	}
	m.settle()
	return nil
}

// push adds a cursor.
func (m *merger) push(c *runCursor) {
	m.heap = append(m.heap, c)
	for i := len(m.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if m.heap[i].compare(m.heap[parent]) >= 0 {
			return
		}
		m.heap[i], m.heap[parent] = m.heap[parent], m.heap[i]
		i = parent
	}
}

// settle restores the order of the heap after its first cursor has moved, and drops that
// if it is exhausted.
func (m *merger) settle() {
	if m.heap[0].isAtEnd() {
		last := len(m.heap) - 1
		m.heap[0], m.heap[last] = m.heap[last], nil
		m.heap = m.heap[:last]
	}
	for i := 0; ; {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(m.heap) && m.heap[child].compare(m.heap[least]) < 0 {
				least = child
			}
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}
