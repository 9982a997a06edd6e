package state

import (
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// shippingFormats are those of what goes from process to process. They are not those
// of shards, and nothing of them is kept for long.
var shippingFormats = wire.Versions{Oldest: 1, Newest: 1}

// EncodeDraft returns the form of a draft in which it goes to another process. Equal
// drafts have equal bytes. The only error is [wire.ErrTooLarge].
func EncodeDraft(draft Draft) ([]byte, error) {
	return ship(wire.KindBatch, &draft)
}

// DecodeDraft returns the draft that [EncodeDraft] encoded. It returns a
// [*CorruptionError] if the bytes are anything else, and a [*VersionError] if they are
// intact but of a format that this program does not read.
func DecodeDraft(data []byte) (Draft, error) {
	const what = "batch"
	var draft Draft
	if err := unship(wire.KindBatch, data, &draft); err != nil {
		return Draft{}, err
	}
	isEmpty := len(draft.Runs) == 0
	if !draft.Lower.LessEqual(draft.Upper) || draft.Lower == draft.Upper && !isEmpty {
		return Draft{}, wire.Corrupt(what, "bounds [%v,%v)", draft.Lower, draft.Upper)
	}
	keys := make(map[PartKey]bool)
	for _, run := range draft.Runs {
		if err := run.check(); err != nil {
			return Draft{}, wire.Corrupt(what, "%v", err)
		}
		if run.Spilled != nil {
			return Draft{}, wire.Corrupt(what, "has a run whose list is an object")
		}
		for key := range run.keys() {
			if keys[key] {
				return Draft{}, wire.Corrupt(what, "has a part twice")
			}
			keys[key] = true
		}
	}
	return draft, nil
}

// PartToken is a part that a leased reader holds, with all that another process has to
// know to read it.
type PartToken struct {
	Shard ShardID `cbor:"1,keyasint"`
	// Reader holds the objects of version SeqNo, and hence the part.
	Reader LeasedReaderID `cbor:"2,keyasint"`
	SeqNo  SeqNo          `cbor:"3,keyasint"`
	// Desc is that of the batch, and Order, Schema and Run are those of the run.
	Desc   Desc     `cbor:"4,keyasint"`
	Order  Order    `cbor:"5,keyasint,omitzero"`
	Schema SchemaID `cbor:"6,keyasint,omitzero"`
	Part   Part     `cbor:"7,keyasint"`
	// Reading says which updates count, with Time.
	Reading Reading `cbor:"8,keyasint"`
	Time    uint64  `cbor:"9,keyasint,omitzero"`
	// As is the schema of the rows that the reader sees, if the shard has schemas.
	As         SchemaID `cbor:"10,keyasint,omitzero"`
	Run        RunID    `cbor:"11,keyasint,omitzero"`
	HasSchemas bool     `cbor:"12,keyasint,omitzero"`
}

// Reading says what a part is read for. The numbers are stored.
type Reading uint8

const (
	// SnapshotAsOf: updates up to a time, each read as of that time.
	SnapshotAsOf Reading = 1
	// ListenFrom: updates from a time on, as they are.
	ListenFrom Reading = 2
)

// EncodePartToken returns the form of a token in which it goes to another process. The
// only error is [wire.ErrTooLarge].
func EncodePartToken(token PartToken) ([]byte, error) {
	return ship(wire.KindToken, &token)
}

// DecodePartToken returns the token that [EncodePartToken] encoded. Errors are like
// those of [DecodeDraft].
func DecodePartToken(data []byte) (PartToken, error) {
	const what = "part token"
	var token PartToken
	if err := unship(wire.KindToken, data, &token); err != nil {
		return PartToken{}, err
	}
	if err := token.Part.check(); err != nil {
		return PartToken{}, wire.Corrupt(what, "%v", err)
	}
	if _, err := token.Part.Key.Parse(); err != nil && !token.Part.IsInline() {
		return PartToken{}, wire.Corrupt(what, "%v", err)
	}
	isKnown := (token.Reading == SnapshotAsOf || token.Reading == ListenFrom) && token.Order <= ByColumns
	if !isKnown || !token.Desc.Lower.LessThan(token.Desc.Upper) {
		return PartToken{}, wire.Corrupt(what, "reading %d of %v in order %d", token.Reading, token.Desc, token.Order)
	}
	return token, nil
}

func ship(kind wire.Kind, value any) ([]byte, error) {
	body, err := wire.Marshal(value)
	if err != nil {
		return nil, err
	}
	return wire.Seal(kind, shippingFormats.Newest, body)
}

func unship(kind wire.Kind, data []byte, value any) error {
	_, body, err := wire.Open(kind, data, shippingFormats)
	if err != nil {
		return err
	}
	return wire.Unmarshal(kind.String(), body, value)
}
