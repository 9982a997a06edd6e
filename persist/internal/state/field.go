package state

import (
	"iter"

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
