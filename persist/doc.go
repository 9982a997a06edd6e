// Package persist keeps durable, time-varying collections in shards, on a store
// of objects and a log with compare-and-set.
//
// A shard is one collection of updates (row, time, diff) between two frontiers:
// its since, before which history may have been merged, and its upper, where
// the contents end so far. Everybody reads at any time between the two.
//
//	client, err := persist.New(rt, blob, consensus, persist.Config{})
//	writer, err := client.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "ingest"})
//	err = writer.CompareAndAppend(ctx, updates, frontier.At(0), frontier.At(10))
//	reader, err := client.OpenReader(ctx, shard, persist.ReaderOptions{Purpose: "report"})
//	updates, err := reader.Snapshot(ctx, 9)
//	for event, err := range reader.Subscribe(ctx, 9) { ... }
//
// # Handles
//
// [Writer] moves the upper, by [Writer.CompareAndAppend] or, where several write
// the same data, by [Writer.Append]. [Reader] is a capability to read that lasts as
// long as its lease, which it renews itself: [Reader.Snapshot], [Reader.Stream] in
// bounded memory, [Reader.Subscribe] and [Reader.Listen]; [Reader.Downgrade] lets
// go of the past. [Since] is one that lasts until it is given up, and is fenced by
// an opaque: [Since.CompareAndDowngrade]. [Shard] has no capability: frontiers,
// [Shard.Finalize], [Shard.UpgradeFormat]. [Client.Inspect], [Decode] and
// [Follower] look at what is stored. [Client.Configure] changes settings at work; an
// [Encrypter] among them keeps rows from those who can read the store.
//
// # Schemas
//
// Rows are bytes. A shard may have a schema, of package persist/relation, that says what is
// in them: [WriterOptions.Schema] registers the first, [Shard.CompareAndEvolveSchema] adds
// others, which may have more columns. Writers and readers of all of them go on at the
// same time. Each part knows the schema it was written under, has a column for each column
// of it, and is merged under the newest of its window; [ReaderOptions.Schema] says as what
// all rows are read. A shard without a schema has rows of any bytes.
//
// Reads take filters: [Filter]. What they leave out is left out exactly, and parts whose
// stats prove that nothing in them is wanted are not fetched. [Reader.SnapshotStats] and
// [Reader.SnapshotPartsStats] say what a read would look at; [Reader.Cursor] reads piece by
// piece.
//
// # Batches
//
// What is to be appended may be written before: [Writer.NewBatch] begins a [BatchBuilder],
// which takes updates in any order in bounded memory and makes a [Batch] of them.
// [Writer.CompareAndAppendBatches] appends several in one step. A batch may be built in
// one process and appended in another ([Batch.Marshal], [Writer.UnmarshalBatch]), and
// before anybody knows at which time ([Batch.RewriteTimes]). Reading can be shared as
// well: [Reader.SnapshotParts] and [Reader.ListenParts] divide what there is to read into
// parts that a [Fetcher] fetches anywhere, while the reader holds them.
//
// # Promises
//
// Definiteness: whoever reads a shard as of a time, at any process, before or
// after crashes, compactions and garbage collections, sees the same rows. Appends
// are linearizable, and each has exactly one of the outcomes success,
// [*UpperMismatchError] (it has not happened and never will) and
// [*UnknownOutcomeError] (nobody can tell). An append that succeeded is durable.
// docs/guarantees.md says what that is on which store, and what each call costs.
//
// # How it works
//
// The metadata of a shard is a small state machine, package
// persist/internal/state. Its versions are numbered; a commit is one
// compare-and-set of a diff in a [Consensus]. Commands that come while a version is
// on its way share the next one. Each process caches one state per shard, catches up
// by reading diffs, and runs commands again when another process was faster. Now and
// then a copy of the whole state, a rollup, goes into the [Blob]. Whoever waits is woken
// by commits of the own process and, where there is a [Hub], by hints of others, and
// looks at the log from time to time.
//
// Small appends stay within the state; larger ones become parts, Parquet files in the
// Blob, a few on their way at a time. Parts are named after the epoch of the shard in which
// they were written, and a fence keeps those of old epochs out; staged ones are exempt.
// Compaction, which any process does in the background, merges neighbouring batches and
// advances times to the since. Garbage collection deletes the objects that no version
// refers to which a reader may still hold, and truncates the log; if it
// ends in the middle the next one does the rest.
//
// # Errors
//
// External operations are determinate ([ErrDeterminate]: it did not happen) or
// indeterminate. The engine tries again what is idempotent, for as long as the
// context lives, and settles what is not by the state itself. Errors that reach
// the caller are [ErrUsage] (nothing happened), the outcomes above, a
// [*LeaseExpiredError] for readers whose process stood still, a [*KeyError] for those
// without the key of some rows, a [*VersionError] for programs that do not know the format
// of a shard, those of contexts, and fatal ones: [ErrCorruption] poisons the shard's
// cached state. No error contains
// contents of rows.
//
// # Backends
//
// persist/memory is for tests and the simulator, persist/file for one machine;
// persist/faulty wraps any of them. persist/persisttest is the suite that every backend
// passes. persist/aesgcm encrypts.
//
//sim:deterministic
package persist
