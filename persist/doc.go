// Package persist keeps durable, time-varying collections in shards, on a store
// of objects and a log with compare-and-set.
//
// A shard is one collection of updates (row, time, diff) between two frontiers:
// its since, before which history may have been merged, and its upper, where
// the contents end so far. Writers move the upper by [Writer.CompareAndAppend];
// owners of a critical capability move the since by
// [Since.CompareAndDowngrade]; everybody reads, at any time between the two, by
// [Reader.Snapshot].
//
//	client, err := persist.New(rt, blob, consensus, persist.Config{})
//	writer, err := client.OpenWriter(ctx, shard, "ingest")
//	err = writer.CompareAndAppend(ctx, updates, frontier.At(0), frontier.At(10))
//	reader, err := client.OpenReader(ctx, shard)
//	updates, err := reader.Snapshot(ctx, 9)
//
// # Promises
//
// Definiteness: whoever reads a shard as of a time, at any process, before or
// after crashes, sees the same rows. Appends are linearizable, and each has
// exactly one of the outcomes success, [*UpperMismatchError] (it has not
// happened and never will) and [*UnknownOutcomeError] (nobody can tell). An
// append that succeeded is durable.
//
// # How it works
//
// The metadata of a shard is a small state machine, package
// persist/internal/state. Its versions are numbered; a commit is one
// compare-and-set of a diff in a [Consensus]. Now and then a copy of the whole
// state, a rollup, goes into the [Blob]. Each process caches one state per
// shard, catches up by reading diffs, and runs a command again when another
// process was faster. Updates are stored within the state.
//
// # Errors
//
// External operations are determinate ([ErrDeterminate]: it did not happen) or
// indeterminate. The engine tries again what is idempotent, for as long as the
// context lives, and settles what is not by the state itself. Errors that reach
// the caller are [ErrUsage] (nothing happened), the outcomes above, those of
// contexts, and fatal ones: [ErrCorruption] poisons the shard's cached state.
// No error contains contents of rows.
//
// # Backends
//
// persist/memory is for tests and the simulator; persist/faulty wraps any of
// them. persist/persisttest is the suite that every backend passes.
//
//sim:deterministic
package persist
