// Package ordered has an immutable ordered map whose versions share what they
// have in common.
//
// [Map] is a value. [Map.Updated] returns the map with some entries set and
// others removed and leaves the receiver as it was; the two share every node of
// the tree that no change came near, so a version of a map with n entries costs
// O(log n) for each change, in time and in memory, however large n is. Iteration
// is in the order of the keys, and equal maps give equal sequences: nothing that
// is computed from a Map depends on how it came about.
//
// # Promises
//
// A Map never changes. Any number of goroutines may read one, and derive new
// versions from one, at the same time and without locks. Values are stored by
// reference and shared between versions, so neither the map nor its users may
// modify a value that has been stored.
//
// # What it does not do
//
// It has no notion of a transaction or of history: a version lives as long as
// somebody holds it, and versions do not know each other. It does not encode
// itself.
//
// The tree is a B-tree from github.com/tidwall/btree; package state keeps all
// its collections in maps of this package, which builds on nothing else in the
// project.
//
//sim:deterministic
package ordered
