package collections

import (
	"encoding/binary"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist"
)

// epochCodec names the encoding of epochs in the opaques of shards.
const epochCodec = "PersistEpoch"

// noEpoch is what a capability has that nobody owned yet. It is before all epochs,
// negative ones included.
const noEpoch = 0

// controllerReader is the capability of the controller, the same on every shard: a
// process finds the one of its predecessor and takes it over.
var controllerReader = persist.CriticalReaderID([]byte("tidemark-control"))

// opaqueOf returns the opaque for an epoch: 8 bytes, little endian.
func opaqueOf(epoch int64) persist.Opaque {
	o := persist.Opaque{Codec: epochCodec}
	binary.LittleEndian.PutUint64(o.Value[:], uint64(epoch))
	return o
}

// epochOf returns the epoch of an opaque.
func epochOf(o persist.Opaque) (int64, error) {
	if o.Codec != epochCodec {
		return noEpoch, fmt.Errorf("collections: opaque is encoded by %q and not by %q: %w",
			o.Codec, epochCodec, persist.ErrUsage)
	}
	return int64(binary.LittleEndian.Uint64(o.Value[:])), nil
}

// isNewer reports whether an epoch replaces another one.
func isNewer(epoch, than int64) bool {
	return epoch != than && epoch != noEpoch && (than == noEpoch || epoch > than)
}
