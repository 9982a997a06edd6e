package s3

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
)

// RequestError says that a request has failed, and what the store said. It is
// [persist.ErrDeterminate] if it certainly has had no effect and will not have one, and
// [persist.ErrUsage] as well if that is because of who asked for what, so that asking again
// is no use: permissions, credentials, the bucket, the clock. A request to write of which nobody
// knows is [persist.ErrIndeterminate].
type RequestError struct {
	// Operation is the name that S3 has for it, such as PutObject.
	Operation string
	// Bucket and Key say of what.
	Bucket, Key string
	// Status is that of the answer, 0 if there was none.
	Status int
	// Code and Message are what the store says, RequestID its name for the request.
	Code, Message, RequestID string
	// Cause is what came in the place of an answer.
	Cause error

	class   class
	isWrite bool
	// isUnsettled says that an earlier request for the same may have had its effect.
	isUnsettled bool
}

// Error implements error. The text has no credentials in it.
func (e *RequestError) Error() string {
	text := fmt.Sprintf("%s s3://%s/%s: ", e.Operation, e.Bucket, e.Key)
	if e.Status == 0 {
		return text + fmt.Sprint(e.Cause)
	}
	text += fmt.Sprintf("%d %s", e.Status, e.Code)
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Cause }

// Is reports what is known about the effect.
func (e *RequestError) Is(target error) bool {
	switch target {
	case persist.ErrDeterminate:
		return !e.class.isOpen() && !e.isUnsettled
	case persist.ErrUsage:
		return (e.class == refused || e.class == expired) && !e.isUnsettled
	case persist.ErrIndeterminate:
		return e.isWrite && (e.class.isOpen() || e.isUnsettled)
	}
	return false
}

// TimeLimitError says that a store took too long.
type TimeLimitError struct {
	// Limit is how long it was allowed to take.
	Limit time.Duration
}

// Error implements error.
func (e *TimeLimitError) Error() string { return fmt.Sprintf("no answer within %v", e.Limit) }

// Timeout reports true, as errors of the network do.
func (e *TimeLimitError) Timeout() bool { return true }

// IndeterminateError says that a call may have had its effect, or may still have it. It is
// [persist.ErrIndeterminate], and of its cause everything but what that says of a single
// request: whether that one was refused, or never sent.
type IndeterminateError struct {
	Cause error
}

// Error implements error.
func (e *IndeterminateError) Error() string {
	return fmt.Sprintf("%v: %v", persist.ErrIndeterminate, e.Cause)
}

// Is reports what the error is.
func (e *IndeterminateError) Is(target error) bool {
	switch target {
	case persist.ErrIndeterminate:
		return true
	case persist.ErrDeterminate, persist.ErrUsage:
		return false
	}
	return errors.Is(e.Cause, target)
}

// As finds the cause.
func (e *IndeterminateError) As(target any) bool { return errors.As(e.Cause, target) }

// CapabilityError says that a store does not do what the versions need. Nothing was
// created, and nothing that was there has changed.
type CapabilityError struct {
	// Capability is what the store was to do, Observed what it did.
	Capability, Observed string
}

// Error implements error.
func (e *CapabilityError) Error() string {
	return fmt.Sprintf("the store is not fit: %s, but %s", e.Capability, e.Observed)
}

// Is reports that the error is one of usage.
func (e *CapabilityError) Is(target error) bool {
	return target == persist.ErrUsage || target == persist.ErrDeterminate
}

// LocationError says that there can be no store at a prefix of a bucket. Nothing was
// changed.
type LocationError struct {
	Bucket, Prefix string
	// Reason says why not.
	Reason string
}

// Error implements error.
func (e *LocationError) Error() string {
	return fmt.Sprintf("s3://%s/%s %s", e.Bucket, e.Prefix, e.Reason)
}

// Is reports that the error is one of usage.
func (e *LocationError) Is(target error) bool {
	return target == persist.ErrUsage || target == persist.ErrDeterminate
}

var errReadOnly = fmt.Errorf("%w: %w: the store is open for reading only", persist.ErrUsage, persist.ErrDeterminate)

// determinate wraps the error of an operation that has had no effect and will not have one.
func determinate(err error) error {
	if err == nil || errors.Is(err, persist.ErrDeterminate) {
		return err
	}
	return fmt.Errorf("%w: %w", persist.ErrDeterminate, err)
}

// notBegun returns the error of a call that was cancelled before it began.
func notBegun(ctx context.Context) error { return determinate(ctx.Err()) }
