package s3

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidemarkdb/tidemark/runtime"
)

// sender sends requests: each once, on the task that asks, with a limit of time, and with
// what the options want in every one of them. It knows nothing of what objects mean.
type sender struct {
	rt     *runtime.Runtime
	client *s3.Client
	bucket string
	owner  *string // or nil
	kmsKey string
	limits Limits
}

func newSender(rt *runtime.Runtime, client *s3.Client, bucket string, options Options) *sender {
	s := &sender{rt: rt, bucket: bucket, kmsKey: options.KMSKey, limits: options.Limits}
	if options.BucketOwner != "" {
		s.owner = &options.BucketOwner
	}
	s.client = s3.New(client.Options(), func(o *s3.Options) {
		o.Retryer = aws.NopRetryer{} // one that hides a lost answer makes a mismatch of a success
		o.RetryMaxAttempts = 0
		// The checksums that there are we compute: all stores know those.
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.HTTPClient = dispatcher{o.HTTPClient}
	})
	return s
}

// request is one that is under way.
type request struct {
	operation, key string
	isWrite        bool
	size           int // of the data that goes with it

	limits  Limits
	limit   atomic.Int64 // in nanoseconds
	expired atomic.Bool
	timer   *runtime.Timer
	wasSent bool
}

// answered gives the request the time that reading so many bytes may take.
func (r *request) answered(size int) { r.allow(r.limits.attempt(size)) }

func (r *request) allow(limit time.Duration) {
	r.limit.Store(int64(limit))
	r.timer.Reset(limit)
}

// send performs a request. The error is nil or a [*RequestError].
func (s *sender) send(ctx context.Context, r *request, perform func(ctx context.Context) error) error {
	failure := &RequestError{Operation: r.operation, Bucket: s.bucket, Key: r.key, isWrite: r.isWrite}
	ctx, cancel := s.rt.WithCancel(context.WithValue(ctx, requestKey{}, r))
	defer cancel()
	r.limits = s.limits
	limit := s.limits.attempt(r.size)
	r.limit.Store(int64(limit))
	r.timer = s.rt.AfterFunc(limit, func() {
		r.expired.Store(true)
		cancel()
	})
	defer r.timer.Stop()
	err := perform(ctx)
	if err == nil {
		return nil
	}
	failure.read(err)
	if r.expired.Load() {
		failure.Status, failure.Cause = 0, &TimeLimitError{time.Duration(r.limit.Load())}
	}
	failure.class = failure.classify(r.wasSent)
	return failure
}

// requestKey is under which a context carries its [request].
type requestKey struct{}

// dispatcher is the client's way to the store. It notes what has been handed over.
type dispatcher struct{ next s3.HTTPClient }

// Do implements [s3.HTTPClient].
func (d dispatcher) Do(r *http.Request) (*http.Response, error) {
	if request, ok := r.Context().Value(requestKey{}).(*request); ok {
		request.wasSent = true
	}
	return d.next.Do(r)
}
