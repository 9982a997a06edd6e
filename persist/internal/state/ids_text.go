package state

import (
	"bytes"
	"encoding/hex"
)

// ParseShardID returns the shard id that [ShardID.String] prints as text, or a
// [*MalformedError].
func ParseShardID(text string) (ShardID, error) {
	id, err := parseID("shard id", 's', text)
	return id, err
}

// String returns 's' and 32 hexadecimal digits.
func (id ShardID) String() string { return formatID('s', id) }

// Compare orders ids by their bytes, as their texts are ordered.
func (id ShardID) Compare(other ShardID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText implements [encoding.TextMarshaler]. It never fails.
func (id ShardID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText sets the id as [ParseShardID] does. If it fails, the id stays as
// it was.
func (id *ShardID) UnmarshalText(text []byte) error {
	parsed, err := ParseShardID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// ParseWriterID returns the writer id that [WriterID.String] prints as text, or a
// [*MalformedError].
func ParseWriterID(text string) (WriterID, error) {
	id, err := parseID("writer id", 'w', text)
	return id, err
}

// String returns 'w' and 32 hexadecimal digits.
func (id WriterID) String() string { return formatID('w', id) }

// Compare orders ids by their bytes, as their texts are ordered.
func (id WriterID) Compare(other WriterID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText implements [encoding.TextMarshaler]. It never fails.
func (id WriterID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText sets the id as [ParseWriterID] does. If it fails, the id stays as
// it was.
func (id *WriterID) UnmarshalText(text []byte) error {
	parsed, err := ParseWriterID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// ParseLeasedReaderID returns the leased reader id that [LeasedReaderID.String] prints as text, or a
// [*MalformedError].
func ParseLeasedReaderID(text string) (LeasedReaderID, error) {
	id, err := parseID("leased reader id", 'r', text)
	return id, err
}

// String returns 'r' and 32 hexadecimal digits.
func (id LeasedReaderID) String() string { return formatID('r', id) }

// Compare orders ids by their bytes, as their texts are ordered.
func (id LeasedReaderID) Compare(other LeasedReaderID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText implements [encoding.TextMarshaler]. It never fails.
func (id LeasedReaderID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText sets the id as [ParseLeasedReaderID] does. If it fails, the id stays as
// it was.
func (id *LeasedReaderID) UnmarshalText(text []byte) error {
	parsed, err := ParseLeasedReaderID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// ParseCriticalReaderID returns the critical reader id that [CriticalReaderID.String] prints as text, or a
// [*MalformedError].
func ParseCriticalReaderID(text string) (CriticalReaderID, error) {
	id, err := parseID("critical reader id", 'c', text)
	return id, err
}

// String returns 'c' and 32 hexadecimal digits.
func (id CriticalReaderID) String() string { return formatID('c', id) }

// Compare orders ids by their bytes, as their texts are ordered.
func (id CriticalReaderID) Compare(other CriticalReaderID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText implements [encoding.TextMarshaler]. It never fails.
func (id CriticalReaderID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText sets the id as [ParseCriticalReaderID] does. If it fails, the id stays as
// it was.
func (id *CriticalReaderID) UnmarshalText(text []byte) error {
	parsed, err := ParseCriticalReaderID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// ParseBlobID returns the blob id that [BlobID.String] prints as text, or a
// [*MalformedError].
func ParseBlobID(text string) (BlobID, error) {
	id, err := parseID("blob id", 'b', text)
	return id, err
}

// String returns 'b' and 32 hexadecimal digits.
func (id BlobID) String() string { return formatID('b', id) }

// Compare orders ids by their bytes, as their texts are ordered.
func (id BlobID) Compare(other BlobID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText implements [encoding.TextMarshaler]. It never fails.
func (id BlobID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText sets the id as [ParseBlobID] does. If it fails, the id stays as
// it was.
func (id *BlobID) UnmarshalText(text []byte) error {
	parsed, err := ParseBlobID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// ParseRunID returns the run id that [RunID.String] prints as text, or a
// [*MalformedError].
func ParseRunID(text string) (RunID, error) {
	id, err := parseID("run id", 'n', text)
	return id, err
}

// String returns 'n' and 32 hexadecimal digits.
func (id RunID) String() string { return formatID('n', id) }

// Compare orders ids by their bytes, as their texts are ordered.
func (id RunID) Compare(other RunID) int { return bytes.Compare(id[:], other[:]) }

// MarshalText implements [encoding.TextMarshaler]. It never fails.
func (id RunID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText sets the id as [ParseRunID] does. If it fails, the id stays as
// it was.
func (id *RunID) UnmarshalText(text []byte) error {
	parsed, err := ParseRunID(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

// ParseIdempotencyToken returns the idempotency token that [IdempotencyToken.String] prints as text, or a
// [*MalformedError].
func ParseIdempotencyToken(text string) (IdempotencyToken, error) {
	id, err := parseID("idempotency token", 't', text)
	return id, err
}

// String returns 't' and 32 hexadecimal digits.
func (id IdempotencyToken) String() string { return formatID('t', id) }

// Compare orders ids by their bytes, as their texts are ordered.
func (id IdempotencyToken) Compare(other IdempotencyToken) int { return bytes.Compare(id[:], other[:]) }

// MarshalText implements [encoding.TextMarshaler]. It never fails.
func (id IdempotencyToken) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText sets the id as [ParseIdempotencyToken] does. If it fails, the id stays as
// it was.
func (id *IdempotencyToken) UnmarshalText(text []byte) error {
	parsed, err := ParseIdempotencyToken(string(text))
	if err == nil {
		*id = parsed
	}
	return err
}

func formatID(prefix byte, id [16]byte) string {
	text := append(make([]byte, 0, 33), prefix)
	return string(hex.AppendEncode(text, id[:]))
}

func parseID(what string, prefix byte, text string) (id [16]byte, err error) {
	if len(text) == 33 && text[0] == prefix {
		_, err = hex.Decode(id[:], []byte(text[1:]))
	}
	if err != nil || formatID(prefix, id) != text { // capitals are refused: one id, one text
		return [16]byte{}, &MalformedError{What: what, Text: text}
	}
	return id, nil
}
