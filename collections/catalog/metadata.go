package catalog

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/persist"
)

// Metadata is what a transaction knows about shards, as collections are opened and
// dropped with. It is a copy: later changes do not show in it.
type Metadata struct {
	// Shards are the shards of the collections.
	Shards map[GlobalID]persist.ShardID
	// Unfinalized are the shards that were given up and may not be finalised yet, in
	// the order of their ids.
	Unfinalized []persist.ShardID
}

// Read returns the metadata as t sees them, its own changes included. The error is
// that of t.
func Read(t Transaction) (Metadata, error) {
	shards, err := t.Shards()
	if err != nil {
		return Metadata{}, fmt.Errorf("catalog: read the shards: %w", err)
	}
	unfinalized, err := t.Unfinalized()
	if err != nil {
		return Metadata{}, fmt.Errorf("catalog: read the unfinalised shards: %w", err)
	}
	return Metadata{Shards: shards, Unfinalized: unfinalized}, nil
}

// Shard returns the shard of a collection, and false if it has none.
func (m Metadata) Shard(id GlobalID) (persist.ShardID, bool) {
	shard, isMapped := m.Shards[id]
	return shard, isMapped
}
