package state

import (
	"iter"
	"slices"

	"github.com/tidemarkdb/tidemark/persist/internal/ordered"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// field is one field of State together with the entry of Diff that holds its
// changes. Whatever has to be done for each field, once, is a method of it, so
// that none is forgotten: a new field needs a line in the table and gets
// everything else from there. A test compares the table with both structs.
type field interface {
	name() string
	// check returns a [*CorruptionError] if the changes do not fit the state.
	check(s *State, diff *Diff) error
	// apply makes the changes, which have been checked, in next, which is a
	// copy of the state for which they were made.
	apply(next *State, diff *Diff)
	// compare sets the entry of the diff to all changes between two states.
	compare(old, new *State, diff *Diff)
	equal(a, b *State) bool
	isChanged(diff *Diff) bool
	// isLeftToTombstones reports whether the field may change once the shard has
	// come to its end.
	isLeftToTombstones() bool
	describer
}

// key and value are what the maps of State consist of.
type (
	key[K any]   = ordered.Key[K]
	value[V any] interface{ Equal(V) bool }
)

// collection is what the maps of State have in common.
type collection[K, V, M any] interface {
	Len() int
	Lookup(K) *V
	Shared() iter.Seq2[K, *V]
	Updated(iter.Seq2[K, *V]) M
}

// about is what is known about a field apart from its type.
type about struct {
	label string
	// isLeft says that the field may change on a tombstone.
	isLeft bool
}

func (a about) name() string { return a.label }

func (a about) isLeftToTombstones() bool { return a.isLeft }

func corruptDiff(diff *Diff, format string, args ...any) error {
	return wire.Corrupt("diff "+diff.From.String()+" to "+diff.SeqNo.String(), format, args...)
}

// single is a field that is one value.
type single[T comparable] struct {
	about
	inState func(*State) *T
	inDiff  func(*Diff) **Replacement[T]
}

func (f *single[T]) check(s *State, diff *Diff) error {
	change := *f.inDiff(diff)
	switch {
	case change == nil:
		return nil
	case change.Old != *f.inState(s):
		return corruptDiff(diff, "%s is %v and not %v", f.label, *f.inState(s), change.Old)
	case change.Old == change.New:
		return corruptDiff(diff, "%s is replaced by itself", f.label)
	}
	return nil
}

func (f *single[T]) apply(next *State, diff *Diff) {
	if change := *f.inDiff(diff); change != nil {
		*f.inState(next) = change.New
	}
}

func (f *single[T]) compare(old, new *State, diff *Diff) {
	f.record(diff, *f.inState(old), *f.inState(new))
}

func (f *single[T]) record(diff *Diff, old, new T) {
	*f.inDiff(diff) = nil
	if old != new {
		*f.inDiff(diff) = &Replacement[T]{Old: old, New: new}
	}
}

func (f *single[T]) isChanged(diff *Diff) bool { return *f.inDiff(diff) != nil }

func (f *single[T]) equal(a, b *State) bool { return *f.inState(a) == *f.inState(b) }

// set makes the value that of the candidate.
func (f *single[T]) set(c *Candidate, new T) {
	*f.inState(c.next) = new
	f.record(c.diff, *f.inState(c.base), new)
}

// table is a field that is a map.
type table[K key[K], V value[V], M collection[K, V, M]] struct {
	about
	inState func(*State) *M
	inDiff  func(*Diff) *[]Mutation[K, V]
}

func (f *table[K, V, M]) check(s *State, diff *Diff) error {
	mutations := *f.inDiff(diff)
	for i, m := range mutations {
		stored := (*f.inState(s)).Lookup(m.Key)
		switch {
		case i > 0 && mutations[i-1].Key.Compare(m.Key) >= 0:
			return corruptDiff(diff, "%s: %v is out of order", f.label, m.Key)
		case samePointee(m.Old, m.New):
			return corruptDiff(diff, "%s: no change at %v", f.label, m.Key)
		case m.Old == nil && stored != nil:
			return corruptDiff(diff, "%s: insert of %v, which is there", f.label, m.Key)
		case m.Old != nil && stored == nil:
			return corruptDiff(diff, "%s: change of %v, which is not there", f.label, m.Key)
		case !samePointee(m.Old, stored):
			return corruptDiff(diff, "%s: change of %v, which has another value", f.label, m.Key)
		}
	}
	return nil
}

func (f *table[K, V, M]) apply(next *State, diff *Diff) {
	mutations := *f.inDiff(diff)
	if len(mutations) == 0 {
		return
	}
	entries := f.inState(next)
	*entries = (*entries).Updated(func(yield func(K, *V) bool) {
		for _, m := range mutations {
			if !yield(m.Key, m.New) {
				return
			}
		}
	})
}

func (f *table[K, V, M]) compare(old, new *State, diff *Diff) {
	before, after := *f.inState(old), *f.inState(new)
	keys := slices.Concat(f.keys(before), f.keys(after))
	slices.SortFunc(keys, K.Compare)
	var mutations []Mutation[K, V]
	for i, k := range keys {
		old, new := before.Lookup(k), after.Lookup(k)
		if isRepeated := i > 0 && keys[i-1].Compare(k) == 0; !isRepeated && !samePointee(old, new) {
			mutations = append(mutations, Mutation[K, V]{Key: k, Old: old, New: new})
		}
	}
	*f.inDiff(diff) = mutations
}

func (f *table[K, V, M]) keys(entries M) []K {
	keys := make([]K, 0, entries.Len())
	for k := range entries.Shared() {
		keys = append(keys, k)
	}
	return keys
}

func (f *table[K, V, M]) isChanged(diff *Diff) bool { return len(*f.inDiff(diff)) > 0 }

func (f *table[K, V, M]) equal(a, b *State) bool {
	left, right := *f.inState(a), *f.inState(b)
	if left.Len() != right.Len() {
		return false
	}
	for k, v := range left.Shared() {
		if other := right.Lookup(k); !samePointee(v, other) {
			return false
		}
	}
	return true
}

// put makes the value that of key in the candidate; nil removes it.
func (f *table[K, V, M]) put(c *Candidate, k K, new *V) {
	entries := f.inState(c.next)
	*entries = (*entries).Updated(func(yield func(K, *V) bool) { yield(k, new) })
	mutations := f.inDiff(c.diff)
	*mutations = record(*mutations, k, (*f.inState(c.base)).Lookup(k), new)
}
