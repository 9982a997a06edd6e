// Package part turns updates into stored bytes and back.
//
// An [Update] changes the multiplicity of a row at a time. [Consolidate] brings
// updates into their normal form: sorted by row and time, one update for each
// row and time, none that changes nothing. [EncodeInline] is the form of the few
// updates of a small batch, which are kept in the state of the shard and need no
// object of their own; [DecodeInline] reads it.
//
// # Promises
//
// The encoding is lossless for every row, the empty one included, and for every
// time and diff. Equal updates in any order have the same consolidated form, and
// that has exactly one encoding, so equal input gives equal bytes. DecodeInline
// accepts nothing but what EncodeInline writes: it never panics on other bytes,
// and its errors do not quote them.
//
// # What it does not do
//
// It keeps no checksum and no count: whoever stores the bytes stores those
// beside them, verifies them first, and thus finds damage. It does not know what
// rows mean.
//
// Package state inlines with it. It builds on package wire.
//
//sim:deterministic
package part
