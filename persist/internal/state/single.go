package state

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
