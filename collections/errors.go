package collections

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// The classes of errors. Where an error of this package wraps neither
// [persist.ErrIndeterminate] nor comes from a context that ended in the middle,
// nothing has happened.
var (
	// ErrClosed says that the controller was closed.
	ErrClosed = errors.New("collections: closed")
	// ErrFenced is wrapped by the errors of a process that a newer epoch has
	// replaced. It is fatal: nothing that the process does has an effect any more.
	ErrFenced = errors.New("collections: fenced")
	// ErrInvariant is wrapped by the errors that say that there is a bug, in this
	// package or in what it stands on. It is fatal.
	ErrInvariant = core.ErrInvariant
	// ErrNoCatalog says that the call needs a catalog, and the controller has none.
	ErrNoCatalog = errors.New("collections: no catalog")
	// ErrInvalidPolicy says that the arguments of a policy make no sense.
	ErrInvalidPolicy = core.ErrInvalidPolicy
	// ErrInvalidDescription is wrapped by errors about descriptions.
	ErrInvalidDescription = catalog.ErrInvalidDescription
	// ErrMalformedID says that a text is not the text of an id.
	ErrMalformedID = core.ErrMalformedID
	// ErrHoldClosed says that a hold was closed, or merged into another one.
	ErrHoldClosed = core.ErrHoldClosed
	// ErrWrongIssuer says that two holds are of different controllers.
	ErrWrongIssuer = core.ErrWrongIssuer
)

// Errors about collections and holds.
type (
	// CollectionMissingError says that there is no collection of an id.
	CollectionMissingError = core.CollectionMissingError
	// IDReusedError says that an id is taken by another collection.
	IDReusedError = core.IDReusedError
	// DependencyMissingError says that a dependency does not exist.
	DependencyMissingError = core.DependencyMissingError
	// DependencyDroppingError says that a dependency is being dropped.
	DependencyDroppingError = core.DependencyDroppingError
	// DependencyCycleError says that collections were to depend on each other.
	DependencyCycleError = core.DependencyCycleError
	// UnreadableError says that the contents of a shard were given up.
	UnreadableError = core.UnreadableError
	// SinceViolationError says that a hold was to begin, or to be moved, before
	// what is kept.
	SinceViolationError = core.SinceViolationError
	// WrongCollectionError says that two holds are on different collections.
	WrongCollectionError = core.WrongCollectionError
	// InvariantError says which invariant does not hold. It wraps [ErrInvariant].
	InvariantError = core.ViolationError
)

// FencedError says that a process of a newer epoch has taken over. It wraps
// [ErrFenced].
type FencedError struct {
	Ours, Actual int64
	// Shard is where that was found; the zero value if the catalog has said so.
	Shard persist.ShardID
}

// Error implements error.
func (e *FencedError) Error() string {
	where := "the catalog"
	if e.Shard != (persist.ShardID{}) {
		where = "shard " + e.Shard.String()
	}
	return fmt.Sprintf("%v: epoch %d has replaced %d, says %s", ErrFenced, e.Actual, e.Ours, where)
}

// Is reports that the error is [ErrFenced].
func (e *FencedError) Is(target error) bool { return target == ErrFenced }

// ReadBeforeSinceError says that a collection can no longer be read as of a time.
type ReadBeforeSinceError struct {
	ID    GlobalID
	AsOf  uint64
	Since frontier.Antichain
}

// Error implements error.
func (e *ReadBeforeSinceError) Error() string {
	return fmt.Sprintf("collections: %v can be read from %v on and not as of %d", e.ID, e.Since, e.AsOf)
}

// Is reports that the error is one of usage.
func (e *ReadBeforeSinceError) Is(target error) bool { return target == persist.ErrUsage }

// NotMappedError says that the catalog has no shard for a collection that was to be
// installed: its creation has not been prepared, or not been committed.
type NotMappedError struct {
	ID GlobalID
}

// Error implements error.
func (e *NotMappedError) Error() string {
	return fmt.Sprintf("collections: no shard of %v is committed", e.ID)
}

// ShardInUseError says that a collection was to be installed on the shard of another
// one. Collections that share a shard come with a later storey.
type ShardInUseError struct {
	ID    GlobalID
	Shard persist.ShardID
	User  GlobalID
}

// Error implements error.
func (e *ShardInUseError) Error() string {
	return fmt.Sprintf("collections: %v was to be on shard %v, which is that of %v", e.ID, e.Shard, e.User)
}

// StillMappedError says that the catalog has a shard for a collection that was to
// be removed: its drop has not been prepared, or not been committed.
type StillMappedError struct {
	ID GlobalID
}

// Error implements error.
func (e *StillMappedError) Error() string {
	return fmt.Sprintf("collections: the shard of %v is still committed", e.ID)
}

// ShardRetiredError says that a collection was to be registered on a shard that was
// given up, and may be destroyed at any moment.
type ShardRetiredError struct {
	ID    GlobalID
	Shard persist.ShardID
}

// Error implements error.
func (e *ShardRetiredError) Error() string {
	return fmt.Sprintf("collections: %v was to be on shard %v, which was given up", e.ID, e.Shard)
}

// OpenHoldsError says that holds were open when the controller was closed. They
// keep nothing any more.
type OpenHoldsError struct {
	Holds []HoldInspection
}

// Error implements error.
func (e *OpenHoldsError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "collections: closed with %d open holds", len(e.Holds))
	for _, h := range e.Holds {
		fmt.Fprintf(&b, "; %v at %v by %s", h.ID, h.Since, h.Origin)
	}
	return b.String()
}
