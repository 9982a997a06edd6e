// Package part turns updates into stored bytes and back, and puts those of many parts
// together.
//
// An [Update] changes the multiplicity of a row at a time. [Consolidate] brings
// updates into their normal form: sorted by row and time, one update for each
// row and time, none that changes nothing. They are stored in one of two forms.
// [EncodeInline] is that of the few updates of a small batch, which are kept in the
// state of the shard and need no object of their own; [DecodeInline] reads it.
// [Encode] is that of all others: an Apache Parquet file, which [Decode] reads, and so
// does any other tool.
//
// # The file
//
// It has one column for each column of the [relation.Schema] of the rows, of type
// BOOLEAN, INT64, INT64 as UINT_64, DOUBLE, BYTE_ARRAY as STRING, or BYTE_ARRAY,
// OPTIONAL where null is allowed; then "ts", INT64 as UINT_64, and "diff", INT64, with
// underscores in front if the relation has columns of those names. Values are plain,
// in data pages of version 2, uncompressed or each page with Zstandard. Rows are in the
// order of updates; several row groups allow to read some of the keys only. The
// metadata has the version of the format as "tidemark.part". Nothing depends on when,
// where or by whom the file was written.
//
// # Stats and merging
//
// [Collect] bounds the values of a part; [Filter.MayMatch] tells from these [Stats]
// whether a part can be left out (P-24). It errs on one side only: stats that are
// damaged, of another version or too large to be kept say that anything may match.
// [Stats.ReadAs] says what they are for who reads the rows under another schema.
// [Merge] iterates over the consolidated updates of any number of sorted runs, in the
// memory of one part of each (P-21).
//
// # Promises
//
// Encodings are lossless for every row, the empty one included, and for every time and
// diff. Equal updates in any order have the same consolidated form, and equal input
// gives equal bytes: for ever if inlined, within one build of the program in a file.
// Decoders accept consolidated updates only. They never panic on other bytes, allocate
// in proportion to what they are given (files of compressed pages, up to 1 GiB), and
// their errors do not quote it.
//
// # What it does not do
//
// It keeps no checksum of updates and no count: whoever stores the bytes stores those
// beside them, verifies them first, and thus finds damage. It reads and writes no
// objects, and starts no tasks.
//
// Package state inlines with it. It builds on packages wire and relation.
//
//sim:deterministic
package part
