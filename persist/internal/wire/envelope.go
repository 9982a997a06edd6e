package wire

import (
	"encoding/binary"
	"hash/crc32"
)

// Kind tells the records apart, so that none is read as another.
type Kind uint64

// The kinds of records. The numbers are stored.
const (
	KindRollup Kind = 1
	KindDiff   Kind = 2
	// KindBatch is a batch on its way from process to process, and KindToken a part
	// that a reader holds for another process.
	KindBatch Kind = 3
	KindToken Kind = 4
	// KindDump is all of a store in memory.
	KindDump Kind = 5
	// KindHead is the register that holds the recent versions of a key, and KindSegment
	// an object with older ones (package s3).
	KindHead    Kind = 6
	KindSegment Kind = 7
)

// String returns the name of the kind.
func (k Kind) String() string {
	switch k {
	case KindRollup:
		return "rollup"
	case KindDiff:
		return "diff"
	case KindDump:
		return "dump"
	case KindBatch:
		return "batch"
	case KindToken:
		return "part token"
	case KindHead:
		return "head"
	case KindSegment:
		return "segment"
	default:
		return "record"
	}
}

// envelope is what is stored. It never changes: every program, however old, can
// tell the version of a record and whether it is intact.
type envelope struct {
	_        struct{} `cbor:",toarray"`
	Kind     Kind
	Version  uint64
	Checksum uint32
	Body     []byte
}

// Versions is the range of format versions that a program reads.
type Versions struct {
	Oldest, Newest uint64
}

// Seal returns the record with the given body, which it copies.
func Seal(kind Kind, version uint64, body []byte) ([]byte, error) {
	return Marshal(&envelope{Kind: kind, Version: version, Checksum: checksum(kind, version, body), Body: body})
}

// Open returns the version and the body of a sealed record of the given kind. It
// returns a [*CorruptionError] if the record is damaged or of another kind and a
// [*VersionError] if it is intact but its version is none of those to be read.
func Open(kind Kind, record []byte, readable Versions) (version uint64, body []byte, err error) {
	var sealed envelope
	if err := Unmarshal(kind.String(), record, &sealed); err != nil {
		return 0, nil, err
	}
	if sealed.Checksum != checksum(sealed.Kind, sealed.Version, sealed.Body) {
		return 0, nil, Corrupt(kind.String(), "wrong checksum")
	}
	if sealed.Kind != kind {
		return 0, nil, Corrupt(kind.String(), "is a %s", sealed.Kind)
	}
	if sealed.Version < readable.Oldest || sealed.Version > readable.Newest {
		return 0, nil, &VersionError{Found: sealed.Version, Oldest: readable.Oldest, Newest: readable.Newest}
	}
	return sealed.Version, sealed.Body, nil
}

// Check returns a [*CorruptionError] if a record is damaged: it is not what [Seal] returned
// for a kind and a version, whatever they are. Open finds more, and costs more.
func Check(record []byte) error {
	var sealed envelope
	if err := decoding.Unmarshal(record, &sealed); err != nil {
		return Corrupt("record", "not decodable (%T)", err)
	}
	if sealed.Checksum != checksum(sealed.Kind, sealed.Version, sealed.Body) {
		return Corrupt("record", "wrong checksum")
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum returns the CRC32C of data.
func Checksum(data []byte) uint32 {
	return crc32.Checksum(data, castagnoli)
}

// checksum covers all that is in an envelope but the checksum itself.
func checksum(kind Kind, version uint64, body []byte) uint32 {
	head := binary.BigEndian.AppendUint64(nil, uint64(kind))
	head = binary.BigEndian.AppendUint64(head, version)
	return crc32.Update(Checksum(head), castagnoli, body)
}
