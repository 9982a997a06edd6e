package persist

import "context"

// Blob is a store of immutable objects by key: the bulk of the data. Every
// method is safe for concurrent use, and linearizable per key.
//
// Keys are non-empty and contain slashes; any prefix may be listed. The engine
// writes each key once, with content that its creator determines, so that a
// repeated Set writes the same bytes.
//
// An error of Set or Delete is indeterminate unless it wraps [ErrDeterminate]:
// the effect may have happened, or may still happen, even after a later call
// on the same key. The engine tolerates a late Set that brings a deleted
// object back; it costs space.
type Blob interface {
	// Get returns the whole object, and false if there is none. The bytes
	// belong to the caller.
	Get(ctx context.Context, key string) (value []byte, found bool, err error)

	// Set stores an object; it is atomic, so that a reader sees all of it or
	// nothing, also if the process dies in the middle. An empty value differs
	// from none. Set does not keep value.
	Set(ctx context.Context, key string, value []byte) error

	// Delete removes an object. That there was none is a success with existed
	// false.
	Delete(ctx context.Context, key string) (size int, existed bool, err error)

	// List calls visit for every key with the prefix that existed throughout
	// the call, in ascending order; others may or may not appear. It stops at
	// the first error of visit and returns it.
	List(ctx context.Context, prefix string, visit func(key string, size int) error) error

	// Restore tries to bring a deleted object back. It returns an error that
	// wraps [ErrNotFound] if the key has no object afterwards.
	Restore(ctx context.Context, key string) error
}
