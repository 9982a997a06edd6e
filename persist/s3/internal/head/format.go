package head

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// FormatVersion is the format of the objects that this program writes. It reads this one
// only, there is none before.
const FormatVersion = 1

var readable = wire.Versions{Oldest: 1, Newest: FormatVersion}

// objectBody is how an [Object] is stored.
type objectBody struct {
	Shard   string      `cbor:"1,keyasint"`
	Nonce   ID          `cbor:"2,keyasint"`
	Low     state.SeqNo `cbor:"3,keyasint"`
	Links   []Link      `cbor:"4,keyasint,omitempty"`
	Entries []Entry     `cbor:"5,keyasint"`
	Recent  []byte      `cbor:"6,keyasint"` // the ids one after another
}

// segmentBody is how a segment is stored.
type segmentBody struct {
	Shard   string  `cbor:"1,keyasint"`
	Name    string  `cbor:"2,keyasint"`
	Entries []Entry `cbor:"3,keyasint"`
}

// Encode returns the object as it is stored for a shard, which is named by its key. It
// returns what [Object.Check] does if the object must not be.
func Encode(shard string, o *Object) ([]byte, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	body := objectBody{Shard: shard, Nonce: o.Nonce, Low: o.Low, Links: o.Links, Entries: o.Entries}
	for _, id := range o.Recent {
		body.Recent = append(body.Recent, id[:]...)
	}
	return seal(wire.KindHead, &body)
}

// Decode returns the object that [Encode] encoded for a shard. It returns a
// [*wire.VersionError] if a newer program has written it, and a [*wire.CorruptionError] if it
// is damaged, that of another shard, or breaks an invariant. It does not keep data.
func Decode(shard string, data []byte) (*Object, error) {
	var body objectBody
	if err := open(wire.KindHead, data, &body); err != nil {
		return nil, err
	}
	if body.Shard != shard {
		return nil, corruptHead("is that of another shard")
	}
	if len(body.Recent)%len(ID{}) != 0 {
		return nil, corruptHead("has %d bytes of recent ids", len(body.Recent))
	}
	o := &Object{Nonce: body.Nonce, Low: body.Low, Links: body.Links, Entries: body.Entries}
	for i := range o.Links {
		o.Links[i].First, o.Links[i].Last, _ = ParseSegmentName(o.Links[i].Name)
	}
	for ids := body.Recent; len(ids) > 0; ids = ids[len(ID{}):] {
		o.Recent = append(o.Recent, ID(ids[:len(ID{})]))
	}
	if err := o.Check(); err != nil {
		return nil, err
	}
	return o, nil
}

// EncodeSegment returns a segment as it is stored for a shard, and the link to it. The
// entries have to be some that were in a head, in a row.
func EncodeSegment(shard string, id ID, entries []Entry) (data []byte, link Link, err error) {
	if err := checkEntries("segment", entries, EntriesMax); err != nil {
		return nil, Link{}, err
	}
	first, last := entries[0].SeqNo, entries[len(entries)-1].SeqNo
	name := SegmentName(first, last, id)
	data, err = seal(wire.KindSegment, &segmentBody{Shard: shard, Name: name, Entries: entries})
	if err != nil {
		return nil, Link{}, err
	}
	return data, Link{Name: name, First: first, Last: last, Bytes: uint64(len(data)), Checksum: wire.Checksum(data)}, nil
}

// DecodeSegment returns the versions in a segment of a shard that a head links. It
// returns errors as [Decode] does, also if the object is another one than the one linked. It
// does not keep data.
func DecodeSegment(shard string, link Link, data []byte) ([]Entry, error) {
	if uint64(len(data)) != link.Bytes || wire.Checksum(data) != link.Checksum {
		return nil, corruptSegment("is not the object that was linked")
	}
	var body segmentBody
	if err := open(wire.KindSegment, data, &body); err != nil {
		return nil, err
	}
	if body.Shard != shard || body.Name != link.Name {
		return nil, corruptSegment("is under a wrong name")
	}
	if err := checkEntries("segment", body.Entries, EntriesMax); err != nil {
		return nil, err
	}
	if body.Entries[0].SeqNo != link.First || body.Entries[len(body.Entries)-1].SeqNo != link.Last {
		return nil, corruptSegment("does not have the versions that its name says")
	}
	return body.Entries, nil
}

func seal(kind wire.Kind, value any) ([]byte, error) {
	body, err := wire.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode %v: %w", kind, err)
	}
	return wire.Seal(kind, FormatVersion, body)
}

func open(kind wire.Kind, data []byte, value any) error {
	_, body, err := wire.Open(kind, data, readable)
	if err != nil {
		return err
	}
	return wire.Unmarshal(kind.String(), body, value)
}

func corruptSegment(format string, args ...any) error {
	return wire.Corrupt("segment", format, args...)
}
