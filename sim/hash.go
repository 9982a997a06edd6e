package sim

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// mix folds two words into a rolling hash by a 128-bit multiplication, as in
// wyhash (Wang Yi, 2019).
func mix(hash, a, b uint64) uint64 {
	high, low := bits.Mul64(hash^a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return high ^ low ^ bits.RotateLeft64(hash, 23)
}

// streamSeed derives the seed of a stream, so that a draw in one never shifts
// another.
func streamSeed(seed uint64, stream string) uint64 {
	return mix(0x9e3779b97f4a7c15, seed, xxhash.Sum64String(stream))
}
