package ordered

import (
	"iter"
	"slices"

	"github.com/tidwall/btree"
)

// Key is what the keys of a [Map] have to offer: a total order. Compare returns
// a negative number, zero or a positive number, like [cmp.Compare].
type Key[K any] interface {
	Compare(other K) int
}

// Map is an immutable map from keys to values, in the order of the keys. The
// zero value is an empty map.
//
// Values are stored as pointers, which all versions of a map share: whoever
// stores a value hands it over and modifies it no more, and whoever looks one up
// treats it as read-only.
type Map[K Key[K], V any] struct {
	tree *tree[K, V]   // nil if it was never needed; never written to
	tail []entry[K, V] // sorted, beyond every key of the tree, at most tailLimit; never written to
}

type entry[K Key[K], V any] struct {
	key   K
	value *V
}

type tree[K Key[K], V any] = btree.BTreeG[entry[K, V]]

const (
	// tailLimit bounds the entries that are kept beside the tree. Copying so few
	// costs less than copying one path of the tree, which therefore is touched
	// only by every 32nd of a series of appends, and not at all by a small map.
	tailLimit = 32
	// degree makes nodes of at most 31 entries. A change copies all nodes of one
	// path, so small nodes make for cheap changes.
	degree = 16
)

// Updated returns the map with the given changes made: a key with a value is
// set, a key with a nil pointer is removed, which is nothing if it is not there.
// Keys may come in any order; of several changes to one key the last one counts.
// The receiver stays as it is.
func (m Map[K, V]) Updated(changes iter.Seq2[K, *V]) Map[K, V] {
	next := draft[K, V]{Map: m}
	for key, value := range changes {
		next.change(entry[K, V]{key: key, value: value})
	}
	return next.Map
}

// Get returns a copy of the value at key, and whether there is one.
func (m Map[K, V]) Get(key K) (value V, ok bool) {
	if found := m.Lookup(key); found != nil {
		return *found, true
	}
	return value, false
}

// Lookup returns the value at key, nil if there is none. The value is shared
// with every version of the map and must not be modified.
func (m Map[K, V]) Lookup(key K) *V {
	if m.isInTree(key) {
		found, _ := m.tree.Get(entry[K, V]{key: key})
		return found.value
	}
	if place, isThere := m.placeInTail(key); isThere {
		return m.tail[place].value
	}
	return nil
}

// At returns the entry at a place in the order of keys, the first at 0. It
// returns a nil value if there is no such place. O(log n).
func (m Map[K, V]) At(place int) (key K, value *V) {
	inTree := m.treeLen()
	switch {
	case place < 0 || place >= m.Len():
		return key, nil
	case place >= inTree:
		found := m.tail[place-inTree]
		return found.key, found.value
	default:
		found, _ := m.tree.GetAt(place)
		return found.key, found.value
	}
}

// First returns the entry with the smallest key, and a nil value if the map is
// empty.
func (m Map[K, V]) First() (key K, value *V) {
	return m.At(0)
}

// Last returns the entry with the greatest key, and a nil value if the map is
// empty.
func (m Map[K, V]) Last() (key K, value *V) {
	return m.At(m.Len() - 1)
}

// Len returns the number of entries.
func (m Map[K, V]) Len() int {
	return m.treeLen() + len(m.tail)
}

// All iterates over copies of the entries in the order of keys.
func (m Map[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		for key, value := range m.Shared() {
			if !yield(key, *value) {
				return
			}
		}
	}
}

// Shared iterates over the entries in the order of keys, without copying: the
// values must not be modified.
func (m Map[K, V]) Shared() iter.Seq2[K, *V] {
	return func(yield func(K, *V) bool) {
		isWanted := true
		if m.tree != nil {
			m.tree.Scan(func(found entry[K, V]) bool {
				isWanted = yield(found.key, found.value)
				return isWanted
			})
		}
		for i := 0; i < len(m.tail) && isWanted; i++ {
			isWanted = yield(m.tail[i].key, m.tail[i].value)
		}
	}
}

func (m Map[K, V]) treeLen() int {
	if m.tree == nil {
		return 0
	}
	return m.tree.Len()
}

// isInTree reports whether the tree, and not the tail, is the place for key.
func (m Map[K, V]) isInTree(key K) bool {
	if m.treeLen() == 0 {
		return false
	}
	last, _ := m.tree.Max()
	return key.Compare(last.key) <= 0
}

func (m Map[K, V]) placeInTail(key K) (place int, isThere bool) {
	return slices.BinarySearchFunc(m.tail, key, func(e entry[K, V], key K) int { return e.key.Compare(key) })
}

// draft is the next version of a map while it is being made. What it shares with
// the version before is copied when it is first written to.
type draft[K Key[K], V any] struct {
	Map[K, V]
	ownsTree, ownsTail bool
}

func (d *draft[K, V]) change(changed entry[K, V]) {
	if d.isInTree(changed.key) {
		d.changeTree(changed)
		return
	}
	d.changeTail(changed)
	if len(d.tail) > tailLimit {
		for _, e := range d.tail {
			d.changeTree(e)
		}
		d.tail, d.ownsTail = nil, true
	}
}

func (d *draft[K, V]) changeTree(changed entry[K, V]) {
	if !d.ownsTree {
		d.tree, d.ownsTree = d.fork(), true
	}
	if changed.value == nil {
		d.tree.Delete(changed)
	} else {
		d.tree.Set(changed)
	}
}

func (d *draft[K, V]) changeTail(changed entry[K, V]) {
	place, isThere := d.placeInTail(changed.key)
	if !isThere && changed.value == nil {
		return
	}
	if !d.ownsTail {
		d.tail, d.ownsTail = append(make([]entry[K, V], 0, len(d.tail)+1), d.tail...), true
	}
	switch {
	case !isThere:
		d.tail = slices.Insert(d.tail, place, changed)
	case changed.value == nil:
		d.tail = slices.Delete(d.tail, place, place+1)
	default:
		d.tail[place] = changed
	}
}

// fork returns a tree with the same entries that may be written to. Copy gives
// both trees new identities, so that either copies a shared node before it writes
// to it. That writes to its receiver, which other goroutines may be reading or
// forking: therefore it is called on a shallow copy.
func (d *draft[K, V]) fork() *tree[K, V] {
	if d.tree == nil {
		return btree.NewBTreeGOptions(precedes[K, V], btree.Options{Degree: degree, NoLocks: true})
	}
	shallow := *d.tree
	return shallow.Copy()
}

func precedes[K Key[K], V any](a, b entry[K, V]) bool {
	return a.key.Compare(b.key) < 0
}
