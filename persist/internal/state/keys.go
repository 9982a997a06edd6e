package state

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
)

// RollupKey is the key of a rollup in the blob store, after the shard:
// "v<seqno>/<blob id>". It says of which version the rollup is, so that the key
// alone tells where to read on.
type RollupKey string

// NewRollupKey returns the key of a rollup of version n.
func NewRollupKey(n SeqNo, id BlobID) RollupKey {
	return RollupKey(n.String() + "/" + id.String())
}

// Parse returns what the key is made of, or a [*MalformedError].
func (k RollupKey) Parse() (n SeqNo, id BlobID, err error) {
	digits, idText, _ := strings.Cut(strings.TrimPrefix(string(k), "v"), "/")
	number, _ := strconv.ParseUint(digits, 10, 63)
	id, _ = ParseBlobID(idText)
	if n = SeqNo(number); NewRollupKey(n, id) != k {
		return 0, BlobID{}, &MalformedError{What: "rollup key", Text: string(k)}
	}
	return n, id, nil
}

// PartClass says how a part comes to be referenced, and hence which rule tells
// when one without a reference is waste.
type PartClass byte

const (
	// AppendedPart is referenced by the state of the shard or, once the
	// reclamation fence has passed its epoch, never.
	AppendedPart PartClass = 'e'
	// StagedPart may be referenced by a transaction that is still to be applied
	// to the shard. The fence does not apply to it.
	StagedPart PartClass = 't'
)

// PartKey is the key of a part, or of the list of parts of a spilled run, in the
// blob store, after the shard: "<class><epoch>-<writer id>/<blob id>", the epoch
// in 16 hexadecimal digits.
type PartKey string

// PartName is what a [PartKey] is made of.
type PartName struct {
	Class PartClass
	// Epoch is the batch epoch of the shard when the part was begun.
	Epoch  Epoch
	Writer WriterID
	ID     BlobID
}

// Key returns the key of the part.
func (n PartName) Key() PartKey {
	epoch := binary.BigEndian.AppendUint64(nil, uint64(n.Epoch))
	return PartKey(string(n.Class) + hex.EncodeToString(epoch) + "-" + n.Writer.String() + "/" + n.ID.String())
}

// Parse returns what the key is made of, or a [*MalformedError].
func (k PartKey) Parse() (PartName, error) {
	era, idText, _ := strings.Cut(string(k), "/")
	epochText, writerText, _ := strings.Cut(era, "-")
	var name PartName
	if epochText != "" {
		name.Class = PartClass(epochText[0])
		epoch, _ := strconv.ParseUint(epochText[1:], 16, 64)
		name.Epoch = Epoch(epoch)
	}
	name.Writer, _ = ParseWriterID(writerText)
	name.ID, _ = ParseBlobID(idText)
	if name.Class != AppendedPart && name.Class != StagedPart || name.Key() != k {
		return PartName{}, &MalformedError{What: "part key", Text: string(k)}
	}
	return name, nil
}
