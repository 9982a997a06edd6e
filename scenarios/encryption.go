package scenarios

import (
	"bytes"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/aesgcm"
	"github.com/tidemarkdb/tidemark/runtime"
)

// drawEncrypters returns what encrypts in a world: each has all keys, and encrypts with
// another one.
func drawEncrypters(rand *runtime.Rand) (all []persist.Encrypter, err error) {
	keys := []aesgcm.Key{
		{ID: "spring", Secret: bytes.Repeat([]byte{1}, 32)}, {ID: "autumn", Secret: bytes.Repeat([]byte{2}, 32)},
	}
	for i := range keys {
		e, err := aesgcm.New(aesgcm.Options{
			Current: keys[i], Former: keys[1-i : 2-i], Nonces: aesgcm.Predictable(runtime.NewRand(rand.Uint64())),
		})
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}
