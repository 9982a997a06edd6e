package state

import (
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
)

// Diff leads from one version of a shard to the next. It names every value that
// it replaces, so applying it to anything else than the version for which it was
// made is found out; and it names everything that ceases to be referenced, which
// is how garbage is found.
//
// A diff from version 0 leads from nothing to a whole state. The diff of the
// first version is such a one, and so is every rollup.
//
// A Diff is immutable, and shares its values with the states on both sides.
type Diff struct {
	// Header is that of the version to which the diff leads.
	Header
	// From is the version to which it is to be applied.
	From SeqNo `cbor:"5,keyasint"`
	// LatestRollup is the key of the greatest rollup of the new version: to open
	// the shard it is enough to read the newest diff, this rollup, and the diffs
	// in between.
	LatestRollup RollupKey `cbor:"6,keyasint"`

	// The changes of each field of State, in the order of keys. Nil means that
	// nothing changed.

	LastGC          *Replacement[SeqNo]                          `cbor:"16,keyasint,omitempty"`
	ActiveGC        *Replacement[Activity]                       `cbor:"17,keyasint,omitempty"`
	ActiveRollup    *Replacement[Activity]                       `cbor:"18,keyasint,omitempty"`
	Rollups         []Mutation[SeqNo, Rollup]                    `cbor:"19,keyasint,omitempty"`
	RollupsRemoved  *Replacement[SeqNo]                          `cbor:"20,keyasint,omitempty"`
	LeasedReaders   []Mutation[LeasedReaderID, LeasedReader]     `cbor:"21,keyasint,omitempty"`
	CriticalReaders []Mutation[CriticalReaderID, CriticalReader] `cbor:"22,keyasint,omitempty"`
	Writers         []Mutation[WriterID, Writer]                 `cbor:"23,keyasint,omitempty"`
	Schemas         []Mutation[SchemaID, Schema]                 `cbor:"24,keyasint,omitempty"`
	Since           *Replacement[frontier.Antichain]             `cbor:"25,keyasint,omitempty"`
	Batches         []Mutation[BatchID, Batch]                   `cbor:"26,keyasint,omitempty"`
	Compactions     []Mutation[BatchID, Compaction]              `cbor:"27,keyasint,omitempty"`
	BatchEpoch      *Replacement[Epoch]                          `cbor:"28,keyasint,omitempty"`
	BatchEpochMin   *Replacement[Epoch]                          `cbor:"29,keyasint,omitempty"`
}

// Replacement is the change of a single value.
type Replacement[T any] struct {
	_        struct{} `cbor:",toarray"`
	Old, New T
}

// Mutation is the change of one entry of a map: without Old it is an insert,
// without New a delete, with both an update. It never has neither.
type Mutation[K, V any] struct {
	_        struct{} `cbor:",toarray"`
	Key      K
	Old, New *V
}

// record returns the mutations with that of one key replaced by the change from
// old to new, or removed if they are equal. The mutations are sorted by key and
// stay so; their array may be reused.
func record[K key[K], V value[V]](mutations []Mutation[K, V], k K, old, new *V) []Mutation[K, V] {
	place, isThere := slices.BinarySearchFunc(mutations, k,
		func(m Mutation[K, V], k K) int { return m.Key.Compare(k) })
	isChange := !samePointee(old, new)
	mutation := Mutation[K, V]{Key: k, Old: old, New: new}
	switch {
	case isThere && isChange:
		mutations[place] = mutation
	case isChange:
		mutations = slices.Insert(mutations, place, mutation)
	case isThere && len(mutations) == 1:
		mutations = nil
	case isThere:
		mutations = slices.Delete(mutations, place, place+1)
	}
	return mutations
}

// samePointee reports whether both pointers are nil, or point to equal values.
func samePointee[V value[V]](a, b *V) bool {
	return a == b || a != nil && b != nil && (*a).Equal(*b)
}

// Between returns the diff that leads from old to new, by comparing all of both:
// the slow way, for rollups, and for checking the diffs that commands record.
func Between(old, new *State) *Diff {
	diff := &Diff{Header: new.header, From: old.SeqNo(), LatestRollup: new.LatestRollup().Key}
	for _, field := range fields {
		field.compare(old, new, diff)
	}
	return diff
}
