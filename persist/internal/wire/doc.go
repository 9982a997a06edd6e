// Package wire is the encoding of everything that the engine stores about a
// shard: strict CBOR (RFC 8949), sealed in an envelope that carries the kind of
// the record, the version of its format and a checksum.
//
// [Marshal] and [Unmarshal] convert between values and CBOR in core
// deterministic encoding. Types number their fields with the struct tags of
// github.com/fxamacker/cbor: `cbor:"3,keyasint"`, or `cbor:",toarray"` for small
// ones that will never grow. [Seal] puts a body into an envelope and [Open] takes
// it out again.
//
// # Promises
//
// There is exactly one encoding of a value, and Unmarshal accepts nothing else:
// it encodes what it has read again and compares. Whatever is not exactly what
// Marshal writes is refused with a [CorruptionError]: unknown, missing or
// repeated fields, nulls where a value belongs, numbers in long form, bytes
// after the end. So two equal values have equal bytes, two different byte
// strings never mean the same, and no damage is quietly read as a zero.
//
// Open verifies the CRC32C of the record before anything looks into the body.
// Only then does it look at the version: a record of a version that this program
// does not know gives a [VersionError], never a guess. The envelope itself is the
// same in every version, for ever.
//
// Decoding never panics, and allocates in proportion to its input. Errors do not
// quote the input, which may contain rows of users.
//
// # What it does not do
//
// It does not know any record: package state has the types, and their meaning.
// It does not compress or encrypt. A checksum is no signature: it finds damage,
// not malice.
//
//sim:deterministic
package wire
