// Package catalog keeps durably which collections exist, in which shard each of
// them is, and which shards are still to be finalised.
//
// The intent to create or to drop a collection becomes durable here, in one
// transaction, before anything happens to a shard; the effects follow, and a
// process that dies in between leaves a record from which the next one goes on.
// A shard that was ever used is therefore at any moment mapped by a collection,
// or listed as unfinalised, or finalised.
//
//   - [Transaction] is what the collections need of a transaction. Programs with a
//     catalog of their own implement it on their own transactions, and record their
//     own intent in the same commit. [Read] takes what collections are opened with,
//     a [Metadata], out of one.
//   - [Catalog] is for programs without: it also keeps a [Description] of each
//     collection, and numbers the epochs of processes. Package catalogtest is the
//     conformance suite for it.
//   - [Memory] is a catalog that lives as long as the program, for tests and for the
//     simulator; a [View] is what one process sees of it. [Faulty] loses answers of
//     any Catalog.
//
// # Epochs
//
// Each process that opens a Catalog takes the next epoch. From then on nothing
// that processes of older epochs try to commit gets in: they are fenced, and learn
// it by a [*FencedError].
//
// # Limits
//
// A catalog does not look at the shards, nor at what the descriptions say: whether
// dependencies exist, and whether a shard may be finalised, is for its caller to
// know. It does not remember the ids of collections that were dropped, which must
// not be used again.
//
//sim:deterministic
package catalog
