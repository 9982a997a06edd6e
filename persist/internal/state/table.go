package state

import "slices"

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
