package s3

import (
	"encoding/binary"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
	"github.com/tidemarkdb/tidemark/runtime"
)

// ids draws ids that nothing else has. A runtime is seeded by the operating system, unless somebody
// gives every process the same seed; so the time is in it too.
type ids struct {
	mu   *runtime.Mutex
	rand *runtime.Rand // guarded by mu
}

func newIDs(rt *runtime.Runtime, serial uint64) *ids {
	seed := rt.Rand(fmt.Sprintf("s3 ids %d", serial)).Uint64() ^ uint64(rt.Now().UnixNano())
	return &ids{mu: rt.NewMutex(), rand: runtime.NewRand(seed)}
}

func (i *ids) draw() head.ID {
	i.mu.Lock()
	defer i.mu.Unlock()
	var id head.ID
	binary.BigEndian.PutUint64(id[:8], i.rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], i.rand.Uint64())
	return id
}
