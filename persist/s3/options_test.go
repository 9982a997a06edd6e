package s3_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestOwnerAndEncryptionAreInEveryRequest protects from a bucket that has come to belong to
// somebody else, and from objects that are stored in the clear.
func TestOwnerAndEncryptionAreInEveryRequest(t *testing.T) {
	const owner, key = "X-Amz-Expected-Bucket-Owner", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
	server := s3test.Start(t)
	var mu sync.Mutex
	kinds := make(map[string]bool)
	wrap := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			kind := r.Method
			switch query := r.URL.Query(); {
			case query.Has("uploads"):
				kind = "create upload"
			case query.Has("partNumber"):
				kind = "part"
			case query.Has("uploadId"):
				kind += " upload"
			case query.Has("list-type"), query.Has("versions"):
				kind = "list"
			}
			mu.Lock()
			kinds[kind] = true
			mu.Unlock()
			if r.Header.Get(owner) != "123456789012" {
				t.Errorf("%s without the owner", kind)
			}
			isEncrypted := kind == http.MethodPut || kind == "create upload"
			if isEncrypted != (r.Header.Get(key) == "alias/test") {
				t.Errorf("%s with the key %q", kind, r.Header.Get(key))
			}
			// The server of the tests has neither accounts nor keys.
			r = r.Clone(r.Context())
			r.Header.Del(owner)
			r.Header.Del(key)
			r.Header.Del("X-Amz-Server-Side-Encryption")
			return next.RoundTrip(signed(server, r))
		})
	}
	options := s3.Options{BucketOwner: "123456789012", KMSKey: "alias/test", PartSize: 5 << 20}
	store, err := opened(t, server, server.Prefix(t), wrap, options)
	must(t, err)
	blob, c := store.Blob(), store.Consensus()
	must(t, blob.Set(t.Context(), "k", random(6<<20)))
	_, _, getErr := blob.Get(t.Context(), "k")
	_, _, deleteErr := blob.Delete(t.Context(), "k")
	must(t, errors.Join(getErr, deleteErr))
	if err := blob.Restore(t.Context(), "k"); !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("restore: %v", err)
	}
	extend(t, c, 1, 130)
	_, err = c.Truncate(t.Context(), shard, 130)
	must(t, err)
	for _, kind := range []string{"GET", "PUT", "HEAD", "DELETE", "list", "create upload", "part", "POST upload"} {
		if !kinds[kind] {
			t.Errorf("no request of the kind %s was seen", kind)
		}
	}
}

// TestOptionsThatMakeNoSenseAreRefused protects those who configure a store.
func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, options := range []s3.Options{
		{PartSize: 1}, {PartSize: 1<<30 + 1}, {TransfersMax: -1}, {HedgeAfter: -1}, {Probe: 9},
		{Limits: s3.Limits{FirstByte: -time.Second}},
	} {
		if err := options.Validate(); !errors.Is(err, persist.ErrUsage) {
			t.Errorf("%+v: %v", options, err)
		}
	}
	rt := runtime.New(runtime.Options{})
	client := awss3.New(awss3.Options{})
	for _, bad := range []string{"/a", "a//b", "..", "a b", strings.Repeat("a", 600)} {
		if _, err := s3.Open(t.Context(), rt, client, "bucket", bad, s3.Options{}); !errors.Is(err, persist.ErrUsage) {
			t.Errorf("prefix %.20q: %v", bad, err)
		}
	}
	_, bucketErr := s3.Open(t.Context(), rt, client, "", "", s3.Options{})
	_, clientErr := s3.Open(t.Context(), rt, nil, "bucket", "", s3.Options{})
	for _, err := range []error{bucketErr, clientErr} {
		if !errors.Is(err, persist.ErrUsage) {
			t.Error(err)
		}
	}
}

// TestBucketsWithVersionsRestore protects what was deleted too early, where the bucket keeps it.
func TestBucketsWithVersionsRestore(t *testing.T) {
	server := s3test.Start(t)
	if _, isForeign := s3test.FromEnvironment(); isForeign {
		t.Skip("needs a bucket of its own, which it makes on the server of the tests")
	}
	bucket, client := "keeps-versions", server.Client(nil)
	_, err := client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &bucket})
	must(t, err)
	_, err = client.PutBucketVersioning(t.Context(), &awss3.PutBucketVersioningInput{
		Bucket: &bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	must(t, err)
	store, err := s3.Open(t.Context(), runtime.New(runtime.Options{}), client, bucket, "", s3.Options{})
	must(t, err)
	blob := store.Blob()
	must(t, blob.Set(t.Context(), "s1/k", []byte("value")))
	must(t, blob.Set(t.Context(), "s1/k2", []byte("other")))
	_, existed, err := blob.Delete(t.Context(), "s1/k")
	if !existed || err != nil {
		t.Fatal(existed, err)
	}
	must(t, blob.Restore(t.Context(), "s1/k"))
	value, found, err := blob.Get(t.Context(), "s1/k")
	if string(value) != "value" || !found || err != nil {
		t.Errorf("got %q, %v, %v", value, found, err)
	}
	if err := blob.Restore(t.Context(), "s1/none"); !errors.Is(err, persist.ErrNotFound) {
		t.Errorf("restore of what never was: %v", err)
	}
	extend(t, store.Consensus(), 1, 3)
	wantVersions(t, store.Consensus(), 1, 3)
}
