package wire

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// The limits of what is read, and hence of what is written. An array is as long
// as a shard has batches, or a batch has parts; the engine puts up resistance
// long before.
const (
	arrayElementsMax = 1 << 20
	mapPairsMax      = 64 // fields of one struct
	nestedLevelsMax  = 16
)

// The options are constants and known to be valid: there is no error to handle.
var (
	encoding, _ = encodingOptions().EncMode()
	decoding, _ = cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		// A string that is no UTF-8 is harmless, and must not make a shard
		// unreadable once it has been written.
		UTF8:             cbor.UTF8DecodeInvalid,
		MaxArrayElements: arrayElementsMax,
		MaxMapPairs:      mapPairsMax,
		MaxNestedLevels:  nestedLevelsMax,
	}.DecMode()
)

func encodingOptions() cbor.EncOptions {
	options := cbor.CoreDetEncOptions()
	options.NilContainers = cbor.NilContainerAsEmpty // nil and empty mean the same
	return options
}

// ErrTooLarge says that a value is beyond the limits of what [Unmarshal] reads,
// and therefore is not encoded.
var ErrTooLarge = errors.New("value exceeds the limits of the encoding")

// Marshal returns the encoding of a value, or an error that is [ErrTooLarge].
// The value has to be of a type that CBOR knows; other types are a programming
// error, and give some other error.
func Marshal(value any) ([]byte, error) {
	data, err := encoding.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", value, err)
	}
	if err := decoding.Wellformed(data); err != nil {
		return nil, fmt.Errorf("encode %T: %w: %w", value, ErrTooLarge, err)
	}
	return data, nil
}

// Unmarshal sets the value, which has to be a pointer to a zero value, to what
// [Marshal] encoded as data. On any other input it returns a [*CorruptionError]
// about what, and the value must not be used. It does not keep data.
func Unmarshal(what string, data []byte, value any) error {
	if err := decoding.Unmarshal(data, value); err != nil {
		// Messages of the library may quote the input: name the type only.
		return Corrupt(what, "not decodable (%T)", err)
	}
	again, err := encoding.Marshal(value)
	if err != nil {
		return Corrupt(what, "not encodable again (%T)", err)
	}
	if !bytes.Equal(again, data) {
		return Corrupt(what, "not in canonical form")
	}
	return nil
}
