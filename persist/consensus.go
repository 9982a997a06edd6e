package persist

import "context"

// Versioned is one version of a key in a [Consensus].
type Versioned struct {
	SeqNo SeqNo
	Data  []byte
}

// Consensus is a log of versions per key, extended by compare-and-set: the
// metadata, and the only coordination between processes. Every method is safe
// for concurrent use; Head, Scan and CompareAndSet are linearizable per key.
//
// The versions of a key are 1, 2, 3 and so on without gaps; old ones may have
// been truncated.
type Consensus interface {
	// Head returns the newest version, and false if the key has none. The data
	// belongs to the caller.
	Head(ctx context.Context, key string) (head Versioned, found bool, err error)

	// CompareAndSet appends next if the newest version is expected; 0 expects
	// that the key has none. It returns true if it did, and false if the newest
	// version is another one: this call has then not had an effect, and never
	// will have. next.SeqNo has to be expected+1, otherwise the error wraps
	// [ErrUsage]; data that is too large for the store gives a
	// [*TooLargeError]. It does not keep next.Data.
	//
	// Any other error is indeterminate unless it wraps [ErrDeterminate]: the
	// version may have been appended, or may still be, even after the caller
	// has gone.
	CompareAndSet(ctx context.Context, key string, expected SeqNo, next Versioned) (committed bool, err error)

	// Scan returns at most limit versions from SeqNo from on, ascending and
	// without gaps. It starts at the earliest version there is if those before
	// have been truncated, and is empty if there is nothing at or beyond from.
	// The limit has to be at least 1, otherwise the error wraps [ErrUsage].
	Scan(ctx context.Context, key string, from SeqNo, limit int) ([]Versioned, error)

	// Truncate removes the versions below before and returns how many there
	// were. The newest version always stays: before has to be at most its
	// SeqNo, otherwise, or if the key has none, the error wraps [ErrUsage].
	// A crash in the middle may leave some, which a later call removes.
	Truncate(ctx context.Context, key string, before SeqNo) (deleted int, err error)

	// ListKeys calls visit for each key that has versions, in ascending order.
	// It is for administration, and may be slow.
	ListKeys(ctx context.Context, visit func(key string) error) error
}
