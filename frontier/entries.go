package frontier

import (
	"fmt"
	"iter"
	"strings"

	"github.com/tidwall/btree"
)

const (
	// inlineEntriesMax is the number of entries that need no allocation.
	inlineEntriesMax = 8
	// treeEntriesMin is where a shrinking tree gives way to the inline entries.
	// It lies well below inlineEntriesMax, so that a map whose size wavers
	// around either does not go back and forth.
	treeEntriesMin = inlineEntriesMax/2 + 1
)

// entries is an ordered map from times to sums of diffs, without zero sums: a
// sorted array inside the value while it is small, a B-tree when it has grown.
// The zero value is empty.
type entries struct {
	inline      [inlineEntriesMax]Change
	inlineCount int                       // 0 while there is a tree
	tree        *btree.Map[uint64, int64] // nil while the entries are inline
}

func (e *entries) len() int {
	if e.tree != nil {
		return e.tree.Len()
	}
	return e.inlineCount
}

func (e *entries) isEmpty() bool {
	return e.tree == nil && e.inlineCount == 0
}

// first returns the earliest entry; there must be one.
func (e *entries) first() Change {
	if e.tree != nil {
		t, sum, _ := e.tree.Min()
		return Change{t, sum}
	}
	return e.inline[0]
}

// all iterates over the entries in the order of time.
func (e *entries) all() iter.Seq2[uint64, int64] {
	return e.from(0)
}

// from iterates over the entries at or beyond t, in the order of time.
func (e *entries) from(t uint64) iter.Seq2[uint64, int64] {
	return func(yield func(uint64, int64) bool) { e.ascend(t, yield) }
}

// ascend does the work of from, which itself stays small enough to be inlined:
// only then does a loop over it allocate nothing.
func (e *entries) ascend(from uint64, yield func(t uint64, sum int64) bool) {
	if e.tree != nil {
		e.tree.Ascend(from, yield)
		return
	}
	for i := e.search(from); i < e.inlineCount; i++ {
		if !yield(e.inline[i].Time, e.inline[i].Diff) {
			return
		}
	}
}

// get returns the sum at t, 0 if there is no entry.
func (e *entries) get(t uint64) int64 {
	if e.tree != nil {
		sum, _ := e.tree.Get(t)
		return sum
	}
	if i := e.search(t); i < e.inlineCount && e.inline[i].Time == t {
		return e.inline[i].Diff
	}
	return 0
}

// search returns the index of the first inline entry at or beyond t.
func (e *entries) search(t uint64) int {
	i := 0
	for i < e.inlineCount && e.inline[i].Time < t {
		i++
	}
	return i
}

// add adds diff to the sum at t and returns the new sum. If that overflows it
// changes nothing.
func (e *entries) add(t uint64, diff int64) (sum int64, err error) {
	sum = e.get(t)
	if !canSum(sum, diff) {
		return sum, &OverflowError{Time: t, Sum: sum, Diff: diff}
	}
	e.set(t, sum+diff)
	return sum + diff, nil
}

// merge adds all entries of other, which may be e itself. If a sum overflows it
// changes nothing.
func (e *entries) merge(other *entries) error {
	if other == e { // iterate over what is not modified
		twin := e.clone()
		other = &twin
	}
	for t, diff := range other.all() {
		if sum := e.get(t); !canSum(sum, diff) {
			return &OverflowError{Time: t, Sum: sum, Diff: diff}
		}
	}
	for t, diff := range other.all() {
		e.set(t, e.get(t)+diff)
	}
	return nil
}

// canSum reports whether a + b fits an int64.
func canSum(a, b int64) bool {
	sum := a + b
	return (sum > a) == (b > 0)
}

// set makes sum the sum at t; 0 removes the entry.
func (e *entries) set(t uint64, sum int64) {
	if e.tree != nil {
		e.setInTree(t, sum)
		return
	}
	i := e.search(t)
	found := i < e.inlineCount && e.inline[i].Time == t
	switch {
	case found && sum != 0:
		e.inline[i].Diff = sum
	case found:
		copy(e.inline[i:], e.inline[i+1:e.inlineCount])
		e.inlineCount--
		e.inline[e.inlineCount] = Change{}
	case sum == 0:
	case e.inlineCount < inlineEntriesMax:
		copy(e.inline[i+1:], e.inline[i:e.inlineCount])
		e.inline[i] = Change{t, sum}
		e.inlineCount++
	default:
		e.grow()
		e.setInTree(t, sum)
	}
}

func (e *entries) setInTree(t uint64, sum int64) {
	if sum != 0 {
		e.tree.Set(t, sum)
		return
	}
	e.tree.Delete(t)
	if e.tree.Len() < treeEntriesMin {
		e.shrink()
	}
}

// grow moves the inline entries to a tree.
func (e *entries) grow() {
	tree := new(btree.Map[uint64, int64])
	for _, c := range e.inline[:e.inlineCount] {
		tree.Set(c.Time, c.Diff)
	}
	*e = entries{tree: tree}
}

// shrink moves the entries of the tree back inline.
func (e *entries) shrink() {
	tree := e.tree
	*e = entries{}
	for t, sum := range tree.Scan {
		e.inline[e.inlineCount] = Change{t, sum}
		e.inlineCount++
	}
}

// clone returns an independent copy. A tree is shared until one of the two
// changes; then the nodes on the way are copied.
func (e *entries) clone() entries {
	twin := *e
	if twin.tree != nil {
		twin.tree = twin.tree.Copy()
	}
	return twin
}

func (e *entries) equal(other *entries) bool {
	if e.len() != other.len() {
		return false
	}
	for t, sum := range e.all() {
		if other.get(t) != sum {
			return false
		}
	}
	return true
}

// String returns the entries in the order of time, as in "[5:-1 7:+1]".
func (e *entries) String() string {
	var changes []string
	for t, sum := range e.all() {
		changes = append(changes, Change{t, sum}.String())
	}
	return "[" + strings.Join(changes, " ") + "]"
}

// check verifies what the type promises.
func (e *entries) check() error {
	if e.tree != nil && (e.inlineCount != 0 || e.tree.Len() < treeEntriesMin) {
		return fmt.Errorf("tree of %d entries beside %d inline", e.tree.Len(), e.inlineCount)
	}
	if e.inlineCount < 0 || e.inlineCount > inlineEntriesMax {
		return fmt.Errorf("%d entries inline", e.inlineCount)
	}
	previous, hasPrevious := uint64(0), false
	for t, sum := range e.all() {
		if sum == 0 {
			return fmt.Errorf("no diff at time %d", t)
		}
		if hasPrevious && previous >= t {
			return fmt.Errorf("time %d after %d", t, previous)
		}
		previous, hasPrevious = t, true
	}
	return nil
}
