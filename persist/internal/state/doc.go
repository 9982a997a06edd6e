// Package state is the metadata of a shard as a state machine: what a shard is at
// each version, what can be asked of it, and how one version leads to the next.
// It does no I/O, reads no clock, draws no chance and starts no goroutine.
//
// # The idea
//
// A shard is a collection of updates. Its bulk is in immutable objects; all that
// anybody has to agree on is in a [State]: which batches there are, from which
// time on they can be read (the since), up to which time they are complete (the
// upper), who reads and who writes. States are numbered by [SeqNo]: 1, 2, 3 and
// so on. What is stored of each is a [Diff] from the one before, in a log to which
// only the very next version can be appended. Whoever loses that race follows the
// log, and tries again on the newer state.
//
// So every process can compute every version, and all agree. Now and then a whole
// state is written down as well, a [Rollup]: to open a shard one needs the latest
// rollup and the diffs after it, and all diffs before it can go. A rollup is
// nothing but the diff that leads from nothing to its version.
//
// # Asking something of a shard
//
// A [Command] is a pure function of an [Environment] (the time, the host, the
// configuration) and a State. [Evaluate] runs one and returns an answer and, as a
// rule, a [Transition]: the diff that has to be committed before the answer is
// true. Whoever has the log appends the diff and passes the answer on; if another
// version was first, the answer is forgotten and the command runs again. Answers
// without a transition say by their [Standing] whether they may be passed on at
// once.
//
// Several commands may share a version: run them one after another on
// a [Candidate].
//
// If nobody knows whether a diff was committed, because the reply was lost, just
// trying again could do a thing twice, or tell its owner that another one was
// first. [AppendCall], [DowngradeCall] and [EverApplied] follow one call over all
// its attempts and know what may be said in the end. What happens in between is
// for them to be told: which attempts were left without a reply.
//
// # How versions share
//
// A State never changes. A command does not copy it: it records mutations, which
// are both the diff and the next State, and all that they do not touch is shared
// between the two (package ordered). What a version costs depends on what it
// changes and not on how large the shard is; only leases are looked at one by one.
//
// # Adding a field
//
// Every field of State has a line in the table of fields, which ties it to its
// entry in Diff. From there come applying and verifying, comparing, encoding,
// rollups, and the text that people see. To add one: the field in State with its
// accessor, the entry in Diff with the next free number, the line in the table;
// then its invariants. A test fails if one of the three is missing, and tests the
// new field with the others.
//
// # Adding a command
//
// A type with the arguments and a method run, which first decides on the state of
// the candidate, and only then changes it, through the table of fields. Its comment
// says when it answers without committing, and what it answers on a tombstone: the
// state of a shard that has come to its end. There, nothing is committed any more
// but giving up the contents, and rollups.
//
// # Formats
//
// Records are sealed CBOR (package wire) and carry the [FormatVersion] of the
// shard. A program reads the current format and those before, at least one. It refuses
// later ones, and leaves such a shard alone. Golden files keep formats from drifting.
// What a format is the first to have is refused in shards of earlier ones.
//
// # Promises
//
// [Apply] refuses, with a [CorruptionError], every diff that was not made for the
// very state that it is applied to. Decoders refuse everything that an encoder
// would not write; they never panic. Equal states have equal bytes. Errors and
// texts do not show the contents of rows.
//
// [State.Check] and [CheckTransition] verify the invariants of one version and of
// one step: P-1, P-7 to P-13, P-15, P-16, P-20, P-22, P-25, P-34 and P-36. P-21 is
// verified when the result of a compaction is applied.
// Simulations call them at each commit.
//
// # What it does not do
//
// It does not retry, wait, or talk to a store: package persist does, and is its
// only caller. It asks for rollups, merges and the collection of garbage, and takes
// up what comes of them; the work itself is done elsewhere.
//
// The design follows Materialize's persist, whose state machine, leases and
// fencing tokens it takes over; the ordered list of batches, the fence against
// left-over objects and the proofs that an append was not committed are different.
//
//sim:deterministic
package state
