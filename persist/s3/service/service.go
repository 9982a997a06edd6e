package service

import (
	"cmp"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Service is a model of S3. It is safe for concurrent use by any number of transports.
type Service struct {
	options Options
	all     *runtime.Resource

	mu      sync.Mutex //sim:allow native-lock because nothing parks while it is held
	buckets map[string]*bucket
	names   uint64 // how many ids were given: of requests, uploads and opaque ETags
}

// Options configure a Service.
type Options struct {
	// PageSizeMax is how many keys a page of a listing has at most; 0 is 1,000.
	PageSizeMax int
	// PartSizeMin is the size in bytes of the smallest part of an upload that is not
	// its last; 0 is 5 MiB.
	PartSizeMin int
	// ObjectSizeMax is the size in bytes of the largest body of a request; 0 is 5 GiB.
	ObjectSizeMax int64
	// Owner is the account that buckets belong to; empty is "000000000000".
	Owner string
	// HasOpaqueETags makes ETags names without a meaning, instead of checksums.
	HasOpaqueETags bool
	// IsCheckThenAct lets other requests come between the check of a precondition and
	// what depends on it. No store that does this can be used.
	IsCheckThenAct bool
	// Now tells the time of the service. Without it the service has the time of
	// whoever asks, and no request is too early or too late.
	Now func() time.Time
}

// New returns a service without buckets. The name tells services apart in stories.
func New(name string, options Options) *Service {
	options.PageSizeMax = cmp.Or(options.PageSizeMax, 1000)
	options.PartSizeMin = cmp.Or(options.PartSizeMin, 5<<20)
	options.ObjectSizeMax = cmp.Or(options.ObjectSizeMax, 5<<30)
	options.Owner = cmp.Or(options.Owner, "000000000000")
	return &Service{
		options: options,
		all:     runtime.NewResource("s3", name),
		buckets: make(map[string]*bucket),
	}
}

// CreateBucket makes a bucket, if it is not there yet.
func (s *Service) CreateBucket(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.createBucket(name)
}

// DeleteAll deletes all objects and uploads of a bucket, as somebody may do behind the
// back of those that use it. The bucket stays.
func (s *Service) DeleteAll(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.buckets[name]; found {
		s.buckets[name] = newBucket()
	}
}

// newID returns a name that was not given before.
func (s *Service) newID() string {
	s.names++
	return fmt.Sprintf("%016X", s.names*0x9e3779b97f4a7c15)
}

type bucket struct {
	objects map[string]*object
	uploads map[string]*upload // by id
}

func newBucket() *bucket {
	return &bucket{objects: make(map[string]*object), uploads: make(map[string]*upload)}
}

// object is what is stored under a key. Its body is never changed.
type object struct {
	body     []byte
	etag     string // in quotes
	modified time.Time
	header   map[string]string // that answers with it bear
}

func (s *Service) createBucket(name string) bool {
	if _, found := s.buckets[name]; found {
		return false
	}
	s.buckets[name] = newBucket()
	return true
}

// bucketOperation answers a request for a bucket itself.
func (s *Service) bucketOperation(r *request) (*answer, error) {
	switch r.method {
	case "PUT":
		if !s.createBucket(r.bucket) {
			return nil, failure(409, "BucketAlreadyOwnedByYou", "The bucket is there already.")
		}
		return respond(200).set("Location", "/"+r.bucket), nil
	case "HEAD":
		if _, err := s.bucketOf(r); err != nil {
			return nil, err
		}
		return respond(200), nil
	}
	return nil, notImplemented(r.method + " of a bucket")
}

func (s *Service) bucketOf(r *request) (*bucket, error) {
	b, found := s.buckets[r.bucket]
	if !found {
		return nil, failure(404, "NoSuchBucket", "The specified bucket does not exist.")
	}
	if owner := r.header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != s.options.Owner {
		return nil, failure(403, "AccessDenied", "The bucket belongs to another account.")
	}
	return b, nil
}

func quote(etag string) string { return strconv.Quote(etag) }
