package state

import "github.com/tidemarkdb/tidemark/persist/internal/wire"

var readableFormats = wire.Versions{Oldest: uint64(OldestFormat), Newest: uint64(CurrentFormat)}

// EncodeDiff returns the stored form of a diff. Equal diffs have equal bytes. The
// only error is [wire.ErrTooLarge].
func EncodeDiff(diff *Diff) ([]byte, error) {
	return seal(wire.KindDiff, diff)
}

// DecodeDiff returns the diff that [EncodeDiff] encoded. It returns a
// [*CorruptionError] if the bytes are anything else, and a [*VersionError] if
// they are intact but of a format that this program does not read. Whether the
// diff fits a state is for [Apply] to say.
func DecodeDiff(data []byte) (*Diff, error) {
	return open(wire.KindDiff, data)
}

// EncodeRollup returns the stored form of a whole state: the diff that leads from
// nothing to it. Equal states have equal bytes, however they came about. The only
// error is [wire.ErrTooLarge].
func EncodeRollup(s *State) ([]byte, error) {
	return seal(wire.KindRollup, Between(new(State), s))
}

// DecodeRollup returns the state that [EncodeRollup] encoded. Errors are like
// those of [DecodeDiff].
func DecodeRollup(data []byte) (*State, error) {
	diff, err := open(wire.KindRollup, data)
	if err != nil {
		return nil, err
	}
	if diff.From != 0 {
		return nil, wire.Corrupt("rollup", "does not start from nothing")
	}
	return apply(new(State), diff)
}

func seal(kind wire.Kind, diff *Diff) ([]byte, error) {
	body, err := wire.Marshal(diff)
	if err != nil {
		return nil, err
	}
	return wire.Seal(kind, uint64(diff.Version), body)
}

func open(kind wire.Kind, data []byte) (*Diff, error) {
	version, body, err := wire.Open(kind, data, readableFormats)
	if err != nil {
		return nil, err
	}
	diff := new(Diff)
	if err := wire.Unmarshal(kind.String(), body, diff); err != nil {
		return nil, err
	}
	diff.Version = FormatVersion(version)
	return diff, nil
}
