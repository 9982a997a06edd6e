package s3

import (
	"errors"
	"net"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// class is what an answer, or none, means.
type class int

const (
	// unclear: no answer, or one of the 5xx. A write may have had its effect, or may
	// still have it.
	unclear class = iota
	// unsent: nothing has left the process.
	unsent
	// refused: the store says no, and will do so again.
	refused
	// expired: refused, but the client may do better at once: with new credentials, or with
	// the time that the answer has told it.
	expired
	// absent: the store says that there is no such object.
	absent
	// preconditionFailed: 412.
	preconditionFailed
	// conflict: 409, something else is under way. It may be an earlier copy of the request.
	conflict
	// notModified: 304.
	notModified
	// emptyRange: 416, the object ends before the range begins.
	emptyRange
	// damaged: what was read is not what its checksum says. Another reading may be.
	damaged
)

// mayPass reports whether the same request may have another answer soon.
func (c class) mayPass() bool {
	switch c {
	case unclear, unsent, expired, conflict, damaged:
		return true
	}
	return false
}

// isOpen reports whether a write may have had its effect, or may still have it.
func (c class) isOpen() bool { return c == unclear || c == conflict }

// classOf returns the class of an error, or -1 if it is none of a request.
func classOf(err error) class {
	var e *RequestError
	if errors.As(err, &e) {
		return e.class
	}
	return -1
}

// read takes out of the client's error what the store has said.
func (e *RequestError) read(err error) {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		e.Status, e.RequestID = response.HTTPStatusCode(), response.ServiceRequestID()
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		e.Code, e.Message = api.ErrorCode(), harmless(api.ErrorMessage())
	}
	e.Cause = err
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		e.Cause = operation.Err
	}
	var send *smithyhttp.RequestSendError
	if errors.As(err, &send) {
		e.Cause = send.Err
	}
}

// harmless returns a message of a store, unless it repeats how a request was signed.
func harmless(message string) string {
	for _, part := range []string{"AWS4-", "Credential=", "Signature=", "Security-Token"} {
		if strings.Contains(message, part) {
			return "(the message repeats credentials)"
		}
	}
	const lengthMax = 300
	return strings.Join(strings.Fields(message[:min(len(message), lengthMax)]), " ")
}

// classify says what the answer means, if there was one.
func (e *RequestError) classify(wasSent bool) class {
	var network *net.OpError
	switch {
	case !wasSent || errors.As(e.Cause, &network) && network.Op == "dial":
		return unsent
	case e.Status == 0 || e.Status < 300 || e.Status >= 500 && e.Status != http.StatusNotImplemented:
		return unclear
	}
	if class, isKnown := classOfCode[e.Code]; isKnown {
		return class
	}
	switch e.Status {
	case http.StatusNotModified:
		return notModified
	case http.StatusPreconditionFailed:
		return preconditionFailed
	case http.StatusConflict:
		return conflict
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return unclear
	case http.StatusNotFound:
		if e.Code == "" || e.Code == "NotFound" || e.Code == "UnknownError" {
			return unclear // that does not say what there is not: it may be a proxy's
		}
	case http.StatusRequestedRangeNotSatisfiable:
		return emptyRange
	}
	return refused
}

// classOfCode has the codes that say more than the status.
var classOfCode = map[string]class{
	"NoSuchKey":                   absent,
	"NoSuchBucket":                refused,
	"NoSuchUpload":                refused,
	"ExpiredToken":                expired,
	"ExpiredTokenException":       expired,
	"TokenRefreshRequired":        expired,
	"RequestExpired":              expired,
	"RequestTimeTooSkewed":        expired,
	"RequestTimeout":              unclear,
	"SlowDown":                    unclear,
	"BadDigest":                   unclear, // damaged on the way
	"IncompleteBody":              unclear,
	"XAmzContentSHA256Mismatch":   unclear,
	"XAmzContentChecksumMismatch": unclear,
}
