// Package memory keeps blobs and versions in memory, for tests and for the
// simulator.
//
// A [Store] outlives the processes that use it: in a simulated world it is an
// object of the world, shared by all nodes and their incarnations. [Store.Blob]
// and [Store.Consensus] are the views that one process has of it; each of
// their operations is a scheduling point of that process, and then happens in
// one go.
//
// Bytes are copied on the way in and on the way out. Nothing is durable beyond
// the process that holds the Store.
//
//sim:deterministic
package memory
