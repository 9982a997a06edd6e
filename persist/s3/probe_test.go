package s3_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

// opened opens a store whose requests go through a round tripper.
func opened(
	t *testing.T, server *s3test.Server, prefix string, wrap func(http.RoundTripper) http.RoundTripper, options s3.Options,
) (*s3.Store, error) {
	rt := runtime.New(runtime.Options{})
	return s3.Open(t.Context(), rt, server.Client(wrap), server.Bucket, prefix, options)
}

// signed signs a request anew that was changed on the way.
func signed(server *s3test.Server, r *http.Request) *http.Request {
	hash := r.Header.Get("X-Amz-Content-Sha256")
	r.Header.Del("Authorization")
	credentials := aws.Credentials{AccessKeyID: server.Key, SecretAccessKey: server.Secret}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(r.Context(), credentials, r, hash, "s3", server.Region, time.Now()); err != nil {
		panic(err)
	}
	return r
}

// without strips a header from what is written, as a proxy may do that does not know it.
func without(server *s3test.Server, header string) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPut && r.Header.Get(header) != "" {
				r = r.Clone(r.Context())
				r.Header.Del(header)
				r = signed(server, r)
			}
			return next.RoundTrip(r)
		})
	}
}

// checkThenAct decides about a condition before it forwards the write without it, as a gateway does
// that looks first and then receives the body.
func checkThenAct(server *s3test.Server) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			match, creates := r.Header.Get("If-Match"), r.Header.Get("If-None-Match") != ""
			if r.Method != http.MethodPut || match == "" && !creates {
				return next.RoundTrip(r)
			}
			look := r.Clone(r.Context())
			look.Method, look.Body, look.ContentLength, look.Header = http.MethodHead, nil, 0, http.Header{}
			look.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
			seen, err := next.RoundTrip(signed(server, look))
			if err != nil {
				return nil, err
			}
			_ = seen.Body.Close()
			isThere := seen.StatusCode == http.StatusOK
			if creates && isThere || match != "" && (!isThere || seen.Header.Get("ETag") != match) {
				return failing(r, http.StatusPreconditionFailed, "PreconditionFailed"), nil
			}
			write := r.Clone(r.Context())
			write.Header.Del("If-Match")
			write.Header.Del("If-None-Match")
			return next.RoundTrip(signed(server, write))
		})
	}
}

// wantUnfit fails unless an error says that the store lacks a capability, and nothing was made.
func wantUnfit(t *testing.T, server *s3test.Server, prefix string, err error, capability string) {
	t.Helper()
	var unfit *s3.CapabilityError
	if !errors.As(err, &unfit) || !errors.Is(err, persist.ErrUsage) || !strings.Contains(unfit.Capability, capability) {
		t.Fatalf("got %v, want a capability error about %q", err, capability)
	}
	t.Log(err)
	_, err = opened(t, server, prefix, nil, s3.Options{ReadOnly: true})
	var location *s3.LocationError
	if !errors.As(err, &location) {
		t.Errorf("then: %v, want that there is no store", err)
	}
}

// TestStoresThatIgnoreConditionsAreRefused protects versions from stores, or proxies before
// them, that overwrite whatever there is.
func TestStoresThatIgnoreConditionsAreRefused(t *testing.T) {
	server := s3test.Start(t)
	for header, capability := range map[string]string{"If-Match": "If-Match", "If-None-Match": "If-None-Match: *"} {
		t.Run(header, func(t *testing.T) {
			prefix := server.Prefix(t)
			_, err := opened(t, server, prefix, without(server, header), s3.Options{})
			wantUnfit(t, server, prefix, err, capability)
		})
	}
}

// TestStoresThatCheckAndThenActAreRefused protects them from stores on which two can win. Such
// a one passes what is asked one after another.
func TestStoresThatCheckAndThenActAreRefused(t *testing.T) {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	_, err := opened(t, server, prefix, checkThenAct(server), s3.Options{})
	wantUnfit(t, server, prefix, err, "at the same time")
	_, err = opened(t, server, prefix, nil, s3.Options{})
	must(t, err)
	_, err = opened(t, server, prefix, checkThenAct(server), s3.Options{Probe: s3.ProbeEach})
	must(t, err)
	_, err = opened(t, server, prefix, checkThenAct(server), s3.Options{Probe: s3.ProbeRaces})
	var unfit *s3.CapabilityError
	if !errors.As(err, &unfit) {
		t.Errorf("got %v, want a capability error", err)
	}
}

// TestProxiesThatStripConditionsAreFoundLater protects a store that one process has opened well,
// and another one reaches in another way.
func TestProxiesThatStripConditionsAreFoundLater(t *testing.T) {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	_, err := opened(t, server, prefix, nil, s3.Options{})
	must(t, err)
	_, err = opened(t, server, prefix, without(server, "If-Match"), s3.Options{})
	var unfit *s3.CapabilityError
	if !errors.As(err, &unfit) {
		t.Errorf("got %v, want a capability error", err)
	}
}

// TestTagsThatLieAreFound protects from stores whose tags are not those of the content.
func TestTagsThatLieAreFound(t *testing.T) {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	_, err := opened(t, server, prefix, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			answer, err := next.RoundTrip(r)
			if err == nil && r.Method == http.MethodGet && answer.Header.Get("ETag") != "" {
				answer.Header.Set("ETag", "W/"+answer.Header.Get("ETag"))
			}
			return answer, err
		})
	}, s3.Options{})
	wantUnfit(t, server, prefix, err, "the tag in the answer")
}

// TestOpenAsksWhatTheDocumentsSay protects the bill.
func TestOpenAsksWhatTheDocumentsSay(t *testing.T) {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	var count counter
	for _, c := range []struct {
		name    string
		options s3.Options
		want    map[string]int
	}{
		{"the first", s3.Options{}, map[string]int{"PUT": 6 + 128 + 1, "GET": 2 + 1 + 12, "LIST": 1, "DELETE": 5}},
		{"each", s3.Options{}, map[string]int{"PUT": 6, "GET": 2, "DELETE": 1}},
		{"races", s3.Options{Probe: s3.ProbeRaces}, map[string]int{"PUT": 6 + 128, "GET": 2 + 12, "DELETE": 5}},
		{"none", s3.Options{Probe: s3.ProbeNone}, map[string]int{"GET": 1}},
		{"read only", s3.Options{ReadOnly: true}, map[string]int{"GET": 1}},
	} {
		_, err := opened(t, server, prefix, count.wrap, c.options)
		must(t, err)
		if diff := cmp.Diff(c.want, count.take()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestProbesLeaveNothing protects the bucket.
func TestProbesLeaveNothing(t *testing.T) {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	_, err := opened(t, server, prefix, nil, s3.Options{})
	must(t, err)
	if diff := cmp.Diff([]string{"FORMAT"}, names(t, server, prefix)); diff != "" {
		t.Errorf("what is there (-want +got):\n%s", diff)
	}
}

// TestProbesOutlastFaults protects the opening on a bad day: an answer that says nothing is
// no reason to refuse a store.
func TestProbesOutlastFaults(t *testing.T) {
	server := s3test.Start(t)
	for seed := range uint64(3) {
		_, err := opened(t, server, server.Prefix(t), newFaults(seed, 12).wrap, impatient())
		must(t, err)
	}
}

// names lists what is below a prefix.
func names(t *testing.T, server *s3test.Server, prefix string) (found []string) {
	t.Helper()
	pages := awss3.NewListObjectsV2Paginator(server.Client(nil),
		&awss3.ListObjectsV2Input{Bucket: &server.Bucket, Prefix: aws.String(prefix + "/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, object := range page.Contents {
			found = append(found, strings.TrimPrefix(*object.Key, prefix+"/"))
		}
	}
	return found
}
