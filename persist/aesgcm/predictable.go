package aesgcm

import (
	"encoding/binary"
	"io"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Predictable returns a source of nonces for simulations and tests: a seed repeats them,
// so that what is encrypted with them is no secret. Each incarnation of each process
// needs a stream of its own, and the keys must never be used elsewhere.
func Predictable(rand *runtime.Rand) io.Reader { return predictable{rand} }

type predictable struct{ rand *runtime.Rand }

// Read implements [io.Reader].
func (p predictable) Read(data []byte) (int, error) {
	var word [8]byte
	for rest := data; len(rest) > 0; {
		binary.LittleEndian.PutUint64(word[:], p.rand.Uint64())
		rest = rest[copy(rest, word[:]):]
	}
	return len(data), nil
}
