// Package core decides how far the history of each collection may be forgotten.
// It is the pure part of the collections layer: a state machine without
// goroutines, clock, chance or I/O, which the controller around it drives.
//
// A [Core] keeps one record per collection. The record counts read capabilities:
// whoever needs the collection from some time on has one there. There are three
// kinds of owners, and this is invariant I-1:
//
//	capabilities(D) = implied(D)                       its own wish
//	                + read frontier of each X, X -> D  what depends on it
//	                + holds on D                       readers
//
// The earliest capability is the read frontier of D. The implied capability
// follows the upper as the [ReadPolicy] says, and never goes back. When a read
// frontier moves, those of the dependencies may move too: a step visits the
// collections concerned in the order of their rank, dependents first, hence each
// at most once, and stops where a frontier stays.
//
//   - [Core.Reserve] and [Core.Install] add collections, [Core.Alter] adds a new
//     version of one; [Core.Drop] lets go of them.
//   - [Core.SetPolicies] and [Core.ReportUppers] move implied capabilities.
//   - [Core.Acquire] gives out a [Hold], whose methods return the changes to send;
//     [Core.ApplyHoldChanges] takes them in, added up or one by one.
//
// Each of these is one step. It either happens as a whole and says in [Effects]
// what is to be done about it, above all which sinces to downgrade durably, or it
// returns an error and has changed nothing. Equal steps lead to equal effects in
// equal order: nothing depends on the order of a Go map.
//
// The core never asks for a downgrade of a collection that has a primary, which
// owns the shard that both share.
//
// Who calls it must serialise the calls: a Core has no lock. It knows neither
// shards nor schemas, epochs or the txns shard, and does not know whether what it
// asked for was done. It builds on package frontier alone.
//
// [Core.Check] verifies I-1, I-2, I-4, I-5, I-9, I-11, I-12 and I-43 from the
// inside; I-3 and I-6 are verified in each step; I-7, I-8, I-10 and I-13 hold by
// construction and are proved by the tests, which compare the core with a model
// that recomputes everything from the definitions.
//
// Counting capabilities to find a frontier comes from timely dataflow (Murray and
// others, "Naiad: A Timely Dataflow System", SOSP 2013); read policies and holds
// that propagate along dependencies from Materialize's storage collections.
//
//sim:deterministic
package core
