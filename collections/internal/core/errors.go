package core

import (
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
)

// Every error of this package is determinate: the call has changed nothing.
var (
	// ErrHoldClosed says that a hold was closed or merged into another one.
	ErrHoldClosed = errors.New("hold is closed")
	// ErrWrongIssuer says that two holds were issued by different cores.
	ErrWrongIssuer = errors.New("holds of different issuers")
	// ErrReservationClosed says that a reservation was installed or abandoned, or
	// belongs to another core.
	ErrReservationClosed = errors.New("reservation is closed")
	// ErrInvariant is wrapped by every [*ViolationError].
	ErrInvariant = errors.New("invariant violated")
)

// CollectionMissingError says that there is no collection of this id: it was
// never installed, or it was dropped and nobody holds it any more.
type CollectionMissingError struct {
	ID GlobalID
}

// Error implements error.
func (e *CollectionMissingError) Error() string {
	return fmt.Sprintf("collection %v does not exist", e.ID)
}

// InvalidIDError says that an id is not valid.
type InvalidIDError struct {
	ID GlobalID
}

// Error implements error.
func (e *InvalidIDError) Error() string { return fmt.Sprintf("%v is no collection id", e.ID) }

// IDReusedError says that a collection was to be created under an id that another
// one has, in the same call or from before, reserved ones included.
type IDReusedError struct {
	ID GlobalID
}

// Error implements error.
func (e *IDReusedError) Error() string { return fmt.Sprintf("collection id %v is in use", e.ID) }

// DependencyMissingError says that a collection was to depend on one that neither
// exists nor is created by the same call.
type DependencyMissingError struct {
	ID         GlobalID // the one to be created
	Dependency GlobalID // the one that is missing
}

// Error implements error.
func (e *DependencyMissingError) Error() string {
	return fmt.Sprintf("collection %v depends on %v, which does not exist", e.ID, e.Dependency)
}

// DependencyDroppingError says that a collection was to depend on one that is
// being dropped and only exists for those who still hold it.
type DependencyDroppingError struct {
	ID         GlobalID // the one to be created
	Dependency GlobalID // the one that is being dropped
}

// Error implements error.
func (e *DependencyDroppingError) Error() string {
	return fmt.Sprintf("collection %v depends on %v, which is being dropped", e.ID, e.Dependency)
}

// DependencyCycleError says that collections were to depend on each other.
type DependencyCycleError struct {
	// IDs is the cycle: each depends on the next, the last on the first.
	IDs []GlobalID
}

// Error implements error.
func (e *DependencyCycleError) Error() string {
	return fmt.Sprintf("collections depend on each other: %v", e.IDs)
}

// DroppingError says that a collection cannot be altered because it is being
// dropped.
type DroppingError struct {
	ID GlobalID
}

// Error implements error.
func (e *DroppingError) Error() string { return fmt.Sprintf("collection %v is being dropped", e.ID) }

// HasPrimaryError says that a collection cannot be altered because it has been:
// only the latest version can.
type HasPrimaryError struct {
	ID      GlobalID
	Primary GlobalID
}

// Error implements error.
func (e *HasPrimaryError) Error() string {
	return fmt.Sprintf("collection %v has a later version %v", e.ID, e.Primary)
}

// OpeningError says that the openings given to [Core.Install] are not those of
// the reserved collections: there is none for ID, or ID is not reserved.
type OpeningError struct {
	ID GlobalID
}

// Error implements error.
func (e *OpeningError) Error() string {
	return fmt.Sprintf("the openings do not match the reservation: %v", e.ID)
}

// UnreadableError says that a collection was to be installed on a shard whose
// since is {}: somebody gave up its contents.
type UnreadableError struct {
	ID GlobalID
}

// Error implements error.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("the since of collection %v is {}", e.ID)
}

// SinceViolationError says that a hold was asked for, or was to be moved to, a
// frontier before the one from which the collection is kept.
type SinceViolationError struct {
	ID        GlobalID
	Requested frontier.Antichain
	Since     frontier.Antichain
}

// Error implements error.
func (e *SinceViolationError) Error() string {
	return fmt.Sprintf("hold on %v at %v is before %v", e.ID, e.Requested, e.Since)
}

// WrongCollectionError says that two holds are on different collections.
type WrongCollectionError struct {
	ID    GlobalID
	Other GlobalID
}

// Error implements error.
func (e *WrongCollectionError) Error() string {
	return fmt.Sprintf("holds on different collections %v and %v", e.ID, e.Other)
}

// NegativeCapabilitiesError says that more holds were to be given up at a time
// than there are (I-2). Somebody has released twice, or released another's hold.
type NegativeCapabilitiesError struct {
	ID   GlobalID
	Time uint64
	// Held is how many holds there are at the time, Diff what was to be added.
	Held, Diff int64
}

// Error implements error.
func (e *NegativeCapabilitiesError) Error() string {
	return fmt.Sprintf("negative read capabilities: %+d at %d of %v, where %d are held", e.Diff, e.Time, e.ID, e.Held)
}

// BeforeFrontierError says that a hold was to be added at a time before the read
// frontier, where history may be gone (I-3). Its increment came too late.
type BeforeFrontierError struct {
	ID   GlobalID
	Time uint64
	// Read is the read frontier before the step.
	Read frontier.Antichain
}

// Error implements error.
func (e *BeforeFrontierError) Error() string {
	return fmt.Sprintf("hold on %v added at %d, before the read frontier %v", e.ID, e.Time, e.Read)
}

// ViolationError says that an invariant does not hold: there is a bug. It wraps
// [ErrInvariant].
type ViolationError struct {
	// Invariant is its id, such as "I-1".
	Invariant string
	// Details says what was found.
	Details string
}

func violation(invariant, format string, args ...any) *ViolationError {
	return &ViolationError{Invariant: invariant, Details: fmt.Sprintf(format, args...)}
}

// Error implements error.
func (e *ViolationError) Error() string { return e.Invariant + " violated: " + e.Details }

// Is reports that the error is [ErrInvariant].
func (e *ViolationError) Is(target error) bool { return target == ErrInvariant }
