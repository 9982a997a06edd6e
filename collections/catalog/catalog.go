package catalog

import (
	"context"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/persist"
)

// GlobalID names a collection.
type GlobalID = core.GlobalID

// Catalog is a durable record of collections that this module keeps for programs
// which have no catalog of their own. Every method is safe for concurrent use.
type Catalog interface {
	// NextEpoch begins an epoch and returns it: positive, and greater than all
	// before. Processes of older epochs are fenced from then on. If the answer is
	// lost, the epoch is lost with it; calling again begins another one.
	NextEpoch(ctx context.Context) (epoch int64, err error)

	// Update runs change on a draft, and commits what it has done as one step, or
	// nothing if it returns an error, which Update returns. Afterwards the draft is
	// closed: its methods return [ErrDraftClosed]. Updates are linearizable. A change
	// that only reads commits nothing, and sees what is current.
	//
	// Others may commit while change runs. It does not see that in its draft, but
	// runs again, on a fresh one, so it has to have no effects of its own that matter
	// when it does. Commits that change itself makes are those of others.
	//
	// The error is a [*FencedError] if a newer epoch has begun, also while change was
	// running, and an [*EpochError] if the epoch was never given out; nothing was
	// committed then. Other errors leave open whether the draft was committed, unless
	// they wrap [persist.ErrDeterminate] or come from change. That is settled by the
	// next Update: what it does not see has not been committed and never will be.
	Update(ctx context.Context, epoch int64, change func(Draft) error) error
}

// Draft is a transaction of a [Catalog].
type Draft interface {
	Transaction

	// Descriptions returns those of all collections that have one, in the order of
	// their ids. They are the caller's.
	Descriptions() ([]Description, error)

	// Describe sets the description of a collection, which goes with its mapping when
	// that is deleted. The error is an [*UnmappedError] if there is no mapping, and
	// wraps [ErrInvalidDescription] if the description makes no sense by itself.
	Describe(d Description) error
}

// Transaction is what the collections need of the transaction in which a program
// makes its intent durable. All methods act on the view that the transaction has,
// its own changes included; nothing is durable before it commits, and then all is.
// After an error the caller aborts the transaction. It is used by one task at a
// time, with valid ids and with shards other than the zero one.
type Transaction interface {
	// Shards returns the shard of each collection. The map is the caller's.
	Shards() (map[GlobalID]persist.ShardID, error)

	// InsertShards maps collections to shards. The error is a [*MappedError] about
	// the first id, in their order, that has a mapping. Several collections may have
	// the same shard.
	InsertShards(shards map[GlobalID]persist.ShardID) error

	// DeleteShards removes mappings, and returns what was removed. Ids without a
	// mapping are passed over. The shards are not listed as unfinalised by it.
	DeleteShards(ids ...GlobalID) (map[GlobalID]persist.ShardID, error)

	// Unfinalized returns the shards that were given up and may not be finalised
	// yet, in the order of their ids. An entry may be stale: it has to be compared
	// with the mappings before anything is destroyed.
	Unfinalized() ([]persist.ShardID, error)

	// InsertUnfinalized adds shards to those; repeated ones count once.
	InsertUnfinalized(shards ...persist.ShardID) error

	// MarkFinalized removes shards from those; others are passed over.
	MarkFinalized(shards ...persist.ShardID) error

	// TxnsShard returns the shard through which tables commit, and false if none
	// was set.
	TxnsShard() (shard persist.ShardID, isSet bool, err error)

	// SetTxnsShard sets that shard, once and for all. The error is a
	// [*TxnsShardSetError] if it was set before, also to the same one.
	SetTxnsShard(shard persist.ShardID) error
}
