package catalog

import (
	"maps"
	"slices"

	"github.com/tidemarkdb/tidemark/persist"
)

// content is what a catalog in memory holds. Each description has a mapping.
type content struct {
	shards       map[GlobalID]persist.ShardID
	descriptions map[GlobalID]Description
	unfinalized  map[persist.ShardID]bool
	txnsShard    persist.ShardID
	hasTxnsShard bool
}

func newContent() *content {
	return &content{
		shards:       make(map[GlobalID]persist.ShardID),
		descriptions: make(map[GlobalID]Description),
		unfinalized:  make(map[persist.ShardID]bool),
	}
}

// clone returns a copy. The descriptions in it are shared; nobody changes one.
func (c *content) clone() *content {
	copied := *c
	copied.shards = maps.Clone(c.shards)
	copied.descriptions = maps.Clone(c.descriptions)
	copied.unfinalized = maps.Clone(c.unfinalized)
	return &copied
}

func (c *content) equal(other *content) bool {
	return c.hasTxnsShard == other.hasTxnsShard && c.txnsShard == other.txnsShard &&
		maps.Equal(c.shards, other.shards) &&
		maps.Equal(c.unfinalized, other.unfinalized) &&
		maps.EqualFunc(c.descriptions, other.descriptions, Description.Equal)
}

// sortedDescriptions returns copies in the order of the ids.
func (c *content) sortedDescriptions() []Description {
	var all []Description
	for _, id := range slices.SortedFunc(maps.Keys(c.descriptions), GlobalID.Compare) {
		all = append(all, c.descriptions[id].Clone())
	}
	return all
}

func (c *content) sortedUnfinalized() []persist.ShardID {
	return slices.SortedFunc(maps.Keys(c.unfinalized), persist.ShardID.Compare)
}
