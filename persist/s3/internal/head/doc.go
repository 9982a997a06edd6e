// Package head is the protocol by which processes share the versions of a key with nothing
// between them but an object store: compare-and-set, truncation and reading, as state machines
// without goroutines, clock, chance or I/O. Package s3 performs what they ask for.
//
// # The objects
//
// The head ([Object]) is the one mutable object of a key, and the only one that anybody has to agree
// on. It holds the recent versions themselves, links to immutable segments with the older ones, where
// the versions begin (low), and the ids of the latest [RingLength] commits. It is replaced as a whole,
// on the condition that it still has the tag that was read with it (If-Match), and created on the
// condition that there is none (If-None-Match: *). It is never deleted, and each object has a nonce of
// its own: a tag that has passed never comes back, even if tags are hashes of the content.
//
// # The calls
//
// A [Commit] costs one request if the head is known. [Truncate] raises low. [Spill] moves versions
// into a segment when the head is over its budget. [Sweep] deletes segments that were left behind.
// [Scan] reads. Each is a [Call]: it says what to do next, and is told what came of it.
//
// # What a lost answer means
//
// A request without an answer may have had its effect, may still have it, or may have it and be
// refused when it is repeated. So only a success is taken at its word; after everything else but a
// conflict, which is repeated, the head is read. If it is still the one that the attempt was built on,
// the very same bytes are sent again, of which only one copy can land. Otherwise the body decides, and
// nothing else, for headers may be older: the id of the commit is in its place, and it has committed,
// or another id is, and it never will. That is what the ring is for: an id is found even if its version
// has been truncated. If the ring no longer reaches back, the outcome is Indeterminate, never a
// mismatch. Nor is a mismatch ever concluded from a head that was known before the call.
//
// # Segments
//
// Rule S: a segment is linked only by a request whose tag was read before the segment was written. So a
// tag that has changed since decides its fate, and a sweep that has replaced the head itself knows that
// nothing it has listed before can still be linked. Deleting a segment because the request that links
// it was refused or unanswered would destroy versions: an earlier copy of it may have landed.
//
// # Promises
//
// Committed means that the version has been appended exactly once, Mismatched and Failed that it has
// not and never will be, Indeterminate that it may be either. Versions between low and the newest are
// always readable: a segment that is missing has been truncated, or [Scan] calls it corruption. A call
// never blocks and never panics. [Object.Check] verifies what is written and what was read. Objects are
// sealed CBOR (package wire) and name their shard, segments also themselves, so that an object under a
// wrong name is not believed.
//
// # What it does not do
//
// It does not wait, repeat reads that fail, or know when to give up. It relies on a store whose
// conditional writes are atomic, and cannot tell one that ignores conditions: that has to be probed.
//
// Sources: a register with conditional writes in place of numbered log objects is what Litestream
// chose for its leases and Chroma's wal3 for its manifest. SlateDB's RFC 26 describes the resurrection
// of deleted log objects, which a register does not know; a unique id per write to tell one's own
// refused request is common to SlateDB, Delta Lake and Icechunk. The sweep that fences with a new tag is
// ours. The contract is that of the log of Materialize's persist.
//
//sim:deterministic
package head
