package invariants

import (
	"context"
	"sync"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Formats watches programs of several ages on one store: none of them may propose a
// version of a shard in, or on top of, a format that it does not use (P-61). It is safe
// for concurrent use.
type Formats struct {
	mu     sync.Mutex //sim:allow native-lock because nothing parks while it is held
	shards map[string][]formatChange
}

// formatChange is the first version of a format.
type formatChange struct {
	format uint64
	first  persist.SeqNo
}

// NewFormats returns a watcher of an empty store, which learns from the ledger what is
// committed.
func NewFormats(ledger *Ledger) *Formats {
	f := &Formats{shards: make(map[string][]formatChange)}
	ledger.onVersion = f.committed
	return f
}

func (f *Formats) committed(_ *runtime.Runtime, shard string, v persist.Versioned, log *persist.Follower) {
	f.mu.Lock()
	defer f.mu.Unlock()
	changes := f.shards[shard]
	if n := len(changes); n == 0 || changes[n-1].format != log.Format() {
		f.shards[shard] = append(changes, formatChange{log.Format(), v.SeqNo})
	}
}

// Consensus returns the log as a program uses it whose newest format is what newest
// returns. It stands above all faults: what it is asked is what the program wants.
func (f *Formats) Consensus(rt *runtime.Runtime, inner persist.Consensus, newest func() uint64) persist.Consensus {
	return &formatsConsensus{inner, f, rt, newest}
}

type formatsConsensus struct {
	persist.Consensus
	formats *Formats
	rt      *runtime.Runtime
	newest  func() uint64
}

// CompareAndSet implements [persist.Consensus].
func (c *formatsConsensus) CompareAndSet(
	ctx context.Context, key string, expected persist.SeqNo, next persist.Versioned,
) (bool, error) {
	newest := c.newest()
	isBeyond := c.formats.isBeyond(key, expected, newest)
	c.rt.Always(!isBeyond, "P-61", "shard", key, "on top of", expected, "newest", newest)
	return c.Consensus.CompareAndSet(ctx, key, expected, next)
}

// Reached returns the newest format that a shard has had.
func (f *Formats) Reached(shard string) (newest uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, change := range f.shards[shard] {
		newest = max(newest, change.format)
	}
	return newest
}

// isBeyond reports whether a version is of a later format.
func (f *Formats) isBeyond(shard string, n persist.SeqNo, newest uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, change := range f.shards[shard] {
		if change.format > newest && change.first <= n {
			return true
		}
	}
	return false
}
