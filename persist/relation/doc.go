// Package relation says what the rows of a collection are made of, and turns them
// into bytes and back.
//
// A [Schema] is a list of columns: named, of one of six types, with or without
// nulls. A [Value] is what a row has in one column. [Schema.AppendRow] encodes a
// row, [Schema.DecodeRow] takes it apart again. The schema-less case is the zero
// Schema, one column of bytes without nulls, whose rows are those bytes as they are.
//
// # The encoding of rows
//
// Columns follow each other in the order of the schema. A column that may be null
// begins with one byte, 00 for null, after which nothing follows, and 01 for a
// value. Then comes the value:
//
//	bool     one byte, 00 for false and 01 for true
//	int64    8 bytes, big-endian two's complement with the sign bit flipped
//	uint64   8 bytes, big-endian
//	float64  8 bytes, big-endian IEEE 754 bits: the sign bit flipped, or all bits
//	         if the sign bit was set
//	string   its bytes, each byte 00 followed by FF, and 00 00 at the end
//	bytes    the same
//
// A schema of a single column of bytes without nulls is the exception: the row is
// the value itself, neither escaped nor terminated.
//
// # Promises
//
// The order of encoded rows, as [bytes.Compare] has it, is that of their values,
// column by column: nulls come first, false before true, floats are in the total
// order of IEEE 754 (-NaN, -Inf, negative numbers, -0, +0, positive numbers, +Inf,
// +NaN, NaNs by payload), strings and bytes are compared bytewise. Every tuple of
// values has exactly one encoding; nothing is lost, not even the payload of a NaN;
// DecodeRow refuses every other byte string. The encoding never changes.
//
// A stored schema never changes either. A [Migration] reads rows of an older schema
// as rows of a newer one, which may add columns that allow null, and allow null
// where it was not allowed. It keeps the order of rows, and different rows differ. A
// [Projection] is the way back, which does neither.
// Column names are no row contents and may appear in errors; values never do.
//
// # What it does not do
//
// It has no richer types: those are a matter of whoever uses the rows. It knows
// nothing of times and diffs, nor how rows are stored: package part has both.
//
//sim:deterministic
package relation
