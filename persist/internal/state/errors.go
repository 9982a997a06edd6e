package state

import (
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
)

// The classes of errors of this package, for errors.Is.
var (
	// ErrUsage is what errors about calls are that cannot succeed, whatever the
	// state of the shard. Nothing happened.
	ErrUsage = errors.New("invalid usage")
	// ErrCorruption is what errors about stored bytes are that are not what was
	// written, or do not fit each other. Nothing of them is used.
	ErrCorruption = wire.ErrCorruption
	// ErrIndeterminate is what errors are that leave open whether something
	// happened.
	ErrIndeterminate = errors.New("indeterminate")
)

// CorruptionError says which stored bytes are damaged, and how.
type CorruptionError = wire.CorruptionError

// VersionError says that a stored record is of a format that this program does
// not read.
type VersionError = wire.VersionError

// MalformedError says that a text is none of the form that was to be parsed.
type MalformedError struct {
	// What the text should have been, such as "shard id".
	What string
	// Text is what was given.
	Text string
}

// Error implements error.
func (e *MalformedError) Error() string {
	return fmt.Sprintf("malformed %s %.80q", e.What, e.Text)
}

// Is reports that the error is [ErrUsage].
func (e *MalformedError) Is(target error) bool { return target == ErrUsage }

// UsageKind says what is wrong with a call. Kinds are errors themselves, so
// errors.Is(err, InvalidBounds) asks for one.
type UsageKind string

// The kinds of invalid usage.
const (
	// InvalidBounds: the expected upper of an append is beyond the new one.
	InvalidBounds UsageKind = "expected upper beyond new upper"
	// UpdateNotBeyondLower: an update is at a time before the expected upper.
	UpdateNotBeyondLower UsageKind = "update before the expected upper"
	// UpdateBeyondUpper: an update is at a time not before the new upper.
	UpdateBeyondUpper UsageKind = "update not before the new upper"
	// InvalidEmptyTimeInterval: there are updates, but no time for them between
	// the expected upper and the new one.
	InvalidEmptyTimeInterval UsageKind = "updates in an empty time interval"
	// BatchNotFromThisShard: a batch was written for another shard.
	BatchNotFromThisShard UsageKind = "batch of another shard"
	// InvalidBatchBounds: a batch does not cover the interval of the append.
	InvalidBatchBounds UsageKind = "batch does not cover the interval"
	// InvalidBatch: the description of a batch contradicts itself.
	InvalidBatch UsageKind = "inconsistent batch"
	// InvalidRewrite: a batch cannot be read as of a frontier, because that is before
	// an earlier one, or not before its upper.
	InvalidRewrite UsageKind = "invalid rewrite"
	// BatchGone: a batch has been appended, handed over or discarded.
	BatchGone UsageKind = "batch has been handed over or discarded"
	// InvalidToken: the idempotency token of an append is zero, or has been used
	// for another append.
	InvalidToken UsageKind = "invalid idempotency token"
	// WriterBusy: the writer has another append under way.
	WriterBusy UsageKind = "writer has an append under way"
	// WriterTainted: the writer has an append of unknown outcome behind it and
	// must take a new name first.
	WriterTainted UsageKind = "writer has to take a new id"
	// BatchTooOld: a part was begun in an era whose left-over objects are being
	// deleted. Its data has to be written again.
	BatchTooOld UsageKind = "batch from before the reclamation fence"
	// UnknownSchema: a batch names a schema that is not registered.
	UnknownSchema UsageKind = "unknown schema"
	// UnknownReader: no critical reader of this id is registered.
	UnknownReader UsageKind = "unknown critical reader"
	// OpaqueCodecChanged: the opaque of a critical reader has another codec.
	OpaqueCodecChanged UsageKind = "codec of the opaque differs"
	// InvalidRollup: a rollup has a key of another version, or is of a version
	// that does not exist yet.
	InvalidRollup UsageKind = "invalid rollup"
	// InvalidHold: a reader asks for a version that it has given up, or that does
	// not exist yet.
	InvalidHold UsageKind = "hold goes back or beyond the version"
	// InvalidRow: an update has a row that is none of the schema.
	InvalidRow UsageKind = "row of another form than the schema"
	// SchemaExpected: rows without a schema in a shard that has one.
	SchemaExpected UsageKind = "shard has schemas"
	// UnknownFormat: a shard cannot be stored in this format, or not yet what came
	// with a later one.
	UnknownFormat UsageKind = "unknown format"
	// InvalidEpoch: the reclamation fence would refuse parts that are being begun.
	InvalidEpoch UsageKind = "fence beyond the epoch"
	// InvalidLabel: a host name, purpose or codec is too long or no UTF-8.
	InvalidLabel UsageKind = "invalid label"
	// NotInitialised: the shard has no version yet.
	NotInitialised UsageKind = "shard has not been initialised"
	// InvalidClock: the time is millions of years from now. It is refused, because
	// times that are stored can only increase.
	InvalidClock UsageKind = "invalid clock"
	// Exhausted: the shard has had [MaxSeqNo] versions, or reached the end of time.
	Exhausted UsageKind = "no more versions"
)

// Error implements error.
func (k UsageKind) Error() string { return string(k) }

// UsageError says that a call was wrong and that nothing happened. It unwraps to
// its kind and is [ErrUsage].
type UsageError struct {
	// Kind says which rule was broken.
	Kind UsageKind
	// Details tells the values that broke it; never the contents of rows.
	Details string
}

func misuse(kind UsageKind, format string, args ...any) *UsageError {
	return &UsageError{Kind: kind, Details: fmt.Sprintf(format, args...)}
}

// Error implements error.
func (e *UsageError) Error() string { return string(e.Kind) + ": " + e.Details }

// Unwrap returns the kind.
func (e *UsageError) Unwrap() error { return e.Kind }

// Is reports that the error is [ErrUsage].
func (e *UsageError) Is(target error) bool { return target == ErrUsage }

// UpperMismatchError says that the upper of the shard was not the expected one:
// the updates of this call have not been added, and never will be.
type UpperMismatchError struct {
	// Expected is what the caller expected.
	Expected frontier.Antichain
	// Current is what the upper was at some moment of the call. It may be
	// before Expected as well as beyond it.
	Current frontier.Antichain
}

// Error implements error.
func (e *UpperMismatchError) Error() string {
	return fmt.Sprintf("upper is %v and not %v", e.Current, e.Expected)
}

// UnknownOutcomeError says that a call may have taken effect, or may still do
// so: an attempt was left without an answer, and the state of the shard does not
// tell either. It is [ErrIndeterminate]. Objects that the call has written must
// not be deleted, and the writer has to take a new id before it appends again.
type UnknownOutcomeError struct {
	// Reason says why the question cannot be settled.
	Reason string
}

// Error implements error.
func (e *UnknownOutcomeError) Error() string { return "unknown outcome: " + e.Reason }

// Is reports that the error is [ErrIndeterminate].
func (e *UnknownOutcomeError) Is(target error) bool { return target == ErrIndeterminate }

// NotClosedError says that a shard cannot be finalized, because it can still be
// read or written. It is [ErrUsage].
type NotClosedError struct {
	// Since and Upper are those of the shard. Both would have to be {}.
	Since, Upper frontier.Antichain
}

// Error implements error.
func (e *NotClosedError) Error() string {
	return fmt.Sprintf("shard with since %v and upper %v is not closed", e.Since, e.Upper)
}

// Is reports that the error is [ErrUsage].
func (e *NotClosedError) Is(target error) bool { return target == ErrUsage }

// ViolationError says that an invariant does not hold: there is a bug, or the
// stored state has been tampered with.
type ViolationError struct {
	// Invariant is its id, such as "P-16".
	Invariant string
	// Details says what was found; never the contents of rows.
	Details string
}

func violation(invariant, format string, args ...any) *ViolationError {
	return &ViolationError{Invariant: invariant, Details: fmt.Sprintf(format, args...)}
}

// Error implements error.
func (e *ViolationError) Error() string { return e.Invariant + " violated: " + e.Details }
