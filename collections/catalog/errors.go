package catalog

import (
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist"
)

// ErrDraftClosed is returned by all methods of a [Draft] that is used after the
// change that it was made for has returned.
var ErrDraftClosed = errors.New("draft is closed")

// EpochError says that an update came under an epoch that no process was given. It
// can never succeed.
type EpochError struct {
	// Epoch is that of the update, Newest the newest that was given out, 0 for none.
	Epoch, Newest int64
}

// Error implements error.
func (e *EpochError) Error() string {
	return fmt.Sprintf("epoch %d never began, the newest is %d", e.Epoch, e.Newest)
}

// Is reports that the call was wrong, and that nothing has happened.
func (e *EpochError) Is(target error) bool {
	return target == persist.ErrUsage || target == persist.ErrDeterminate
}

// FencedError says that a process of a newer epoch has taken over. Nothing that
// the older one does has an effect any more.
type FencedError struct {
	// Ours is the epoch that was tried, Actual the newest one.
	Ours, Actual int64
}

// Error implements error.
func (e *FencedError) Error() string {
	return fmt.Sprintf("epoch %d is fenced by epoch %d", e.Ours, e.Actual)
}

// Is reports that nothing has happened.
func (e *FencedError) Is(target error) bool { return target == persist.ErrDeterminate }

// MappedError says that a collection was to get a shard and has one.
type MappedError struct {
	ID GlobalID // the collection
}

// Error implements error.
func (e *MappedError) Error() string { return fmt.Sprintf("collection %v has a shard already", e.ID) }

// UnmappedError says that a collection was to be described and has no shard.
type UnmappedError struct {
	ID GlobalID // the collection
}

// Error implements error.
func (e *UnmappedError) Error() string { return fmt.Sprintf("collection %v has no shard", e.ID) }

// TxnsShardSetError says that the shard of transactions was to be set again.
type TxnsShardSetError struct {
	Shard persist.ShardID // as it is set
}

// Error implements error.
func (e *TxnsShardSetError) Error() string {
	return fmt.Sprintf("the shard of transactions is %v and stays it", e.Shard)
}
