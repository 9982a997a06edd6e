package s3_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestWhatTheCallerHasWrongIsSaidAtOnce protects people who configure a store: a typed error
// that names it, after few requests, with no credentials in it, and with nothing written.
func TestWhatTheCallerHasWrongIsSaidAtOnce(t *testing.T) {
	server := s3test.Start(t)
	const secret = "verysecretkeyofatest"
	credentials := func(key, secret string) func(o *awss3.Options) {
		return func(o *awss3.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, nil
			})
		}
	}
	for name, c := range map[string]struct {
		bucket string
		change func(o *awss3.Options)
		code   string // empty where servers differ
	}{
		"no bucket of the name": {"nobucket-of-the-name", func(*awss3.Options) {}, "NoSuchBucket"},
		"a wrong secret":        {server.Bucket, credentials(server.Key, secret), "SignatureDoesNotMatch"},
		"a wrong key":           {server.Bucket, credentials("nobody", secret), ""},
	} {
		t.Run(name, func(t *testing.T) {
			var count counter
			client := awss3.New(server.Client(count.wrap).Options(), c.change)
			_, err := s3.Open(t.Context(), runtime.New(runtime.Options{}), client, c.bucket, server.Prefix(t), s3.Options{})
			var failure *s3.RequestError
			if !errors.As(err, &failure) || c.code != "" && failure.Code != c.code || !errors.Is(err, persist.ErrUsage) ||
				!errors.Is(err, persist.ErrDeterminate) || strings.Contains(err.Error(), secret) {
				t.Errorf("got %v, want a request error with %s", err, c.code)
			}
			t.Log(err)
			for kind, n := range count.take() {
				if kind == "PUT" || n > 2 {
					t.Errorf("%d requests %s", n, kind)
				}
			}
		})
	}
}

// answering returns a store to every request on a blob of which one function answers.
func answering(t *testing.T, options s3.Options, answer roundTripper) *s3.Blob {
	t.Helper()
	return fresh(t, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if !strings.Contains(r.URL.Path, "/blobs/") {
				return next.RoundTrip(r)
			}
			return answer(r)
		})
	}, options).Blob()
}

// TestAnswersAreClassified protects the engine, which acts upon the class of an error, and the
// store from being asked again what it has refused.
func TestAnswersAreClassified(t *testing.T) {
	options := s3.Options{Limits: s3.Limits{Operation: 300 * time.Millisecond, FirstByte: 250 * time.Millisecond}}
	fail := func(status int, code string) roundTripper {
		return func(r *http.Request) (*http.Response, error) { return failing(r, status, code), nil }
	}
	for name, c := range map[string]struct {
		answer        roundTripper
		isUsage       bool
		isDeterminate bool
		requestsMin   int
		requestsMax   int
	}{
		"denied":            {fail(403, "AccessDenied"), true, true, 1, 1},
		"a bad request":     {fail(400, "InvalidArgument"), true, true, 1, 1},
		"another region":    {fail(301, "PermanentRedirect"), true, true, 1, 1},
		"not implemented":   {fail(501, "NotImplemented"), true, true, 1, 1},
		"expired token":     {fail(400, "ExpiredToken"), true, true, 3, 3},
		"a skewed clock":    {fail(403, "RequestTimeTooSkewed"), true, true, 3, 3},
		"an internal error": {fail(500, "InternalError"), false, false, 2, 12},
		"throttled":         {fail(503, "SlowDown"), false, false, 2, 12},
		"damaged":           {fail(400, "BadDigest"), false, false, 2, 12},
		"a page of a proxy": {fail(404, ""), false, false, 2, 12},
		"a conflict":        {fail(409, "OperationAborted"), false, false, 2, 12},
		"a reset":           {func(*http.Request) (*http.Response, error) { return nil, errDropped }, false, false, 2, 12},
		"silence": {func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, false, false, 1, 12},
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			blob := answering(t, options, func(r *http.Request) (*http.Response, error) {
				requests++
				return c.answer(r)
			})
			err := blob.Set(t.Context(), "k", []byte("value"))
			if err == nil || errors.Is(err, persist.ErrUsage) != c.isUsage ||
				errors.Is(err, persist.ErrDeterminate) != c.isDeterminate ||
				errors.Is(err, persist.ErrIndeterminate) == c.isDeterminate {
				t.Errorf("set: %v", err)
			}
			if requests < c.requestsMin || requests > c.requestsMax {
				t.Errorf("%d requests, want %d to %d", requests, c.requestsMin, c.requestsMax)
			}
			if _, found, err := blob.Get(t.Context(), "k"); err == nil || found {
				t.Errorf("get: %v, %v, want an error and not that there is none", found, err)
			}
		})
	}
}

// TestARefusalAfterSilenceIsNotDeterminate protects from concluding that nothing happened from
// the answer to the second request: the first may have had its effect.
func TestARefusalAfterSilenceIsNotDeterminate(t *testing.T) {
	requests := 0
	blob := answering(t, s3.Options{}, func(r *http.Request) (*http.Response, error) {
		if requests++; requests == 1 {
			return nil, errDropped
		}
		return failing(r, 403, "AccessDenied"), nil
	})
	err := blob.Set(t.Context(), "k", []byte("value"))
	if errors.Is(err, persist.ErrDeterminate) || errors.Is(err, persist.ErrUsage) ||
		!errors.Is(err, persist.ErrIndeterminate) {
		t.Errorf("got %v", err)
	}
}

// TestWhatWasNeverSentIsDeterminate protects the engine's right to repeat what can not have
// happened: nobody listens, or nobody could sign.
func TestWhatWasNeverSentIsDeterminate(t *testing.T) {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	_, err := opened(t, server, prefix, nil, s3.Options{})
	must(t, err)
	options := s3.Options{Limits: s3.Limits{Operation: 20 * time.Millisecond}}
	for name, client := range map[string]*awss3.Client{
		"nobody listens": awss3.New(awss3.Options{
			Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:1"), UsePathStyle: true,
			HTTPClient: &http.Client{Transport: &http.Transport{}}, Credentials: server.Client(nil).Options().Credentials,
		}),
		"nobody signs": awss3.New(server.Client(nil).Options(), func(o *awss3.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("no credentials today")
			})
		}),
	} {
		_, err := s3.Open(t.Context(), runtime.New(runtime.Options{}), client, server.Bucket, prefix, options)
		if !errors.Is(err, persist.ErrDeterminate) || errors.Is(err, persist.ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
		t.Log(err)
	}
}

// TestAStoreThatIsDownLeavesNothingOpen protects the engine's right to repeat what never reached the
// store, a commit as well, and its work from ending with an outage.
func TestAStoreThatIsDownLeavesNothingOpen(t *testing.T) {
	var isDown atomic.Bool
	var requests atomic.Int32
	store := fresh(t, func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if isDown.Load() {
				requests.Add(1)
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
			}
			return next.RoundTrip(r)
		})
	}, s3.Options{Limits: s3.Limits{Operation: 100 * time.Millisecond}})
	c, next := store.Consensus(), persist.Versioned{SeqNo: 3, Data: []byte("version 3")}
	extend(t, c, 1, 2)
	isDown.Store(true)
	_, commitErr := c.CompareAndSet(t.Context(), shard, 2, next)
	_, truncateErr := c.Truncate(t.Context(), shard, 2)
	for i, err := range []error{commitErr, truncateErr, store.Blob().Set(t.Context(), "k", nil)} {
		if !errors.Is(err, persist.ErrDeterminate) || errors.Is(err, persist.ErrUsage) ||
			errors.Is(err, persist.ErrIndeterminate) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if n := requests.Load(); n > 30 {
		t.Errorf("%d requests in vain", n)
	}
	isDown.Store(false)
	extend(t, c, 3, 3)
	wantVersions(t, c, 1, 3)
}

// TestMessagesThatRepeatTheSignatureAreLeftOut protects credentials from stores that tell too much.
func TestMessagesThatRepeatTheSignatureAreLeftOut(t *testing.T) {
	blob := answering(t, s3.Options{}, func(r *http.Request) (*http.Response, error) {
		answer := failing(r, 403, "SignatureDoesNotMatch")
		text := "<Error><Code>SignatureDoesNotMatch</Code><Message>" + r.Header.Get("Authorization") + "</Message></Error>"
		answer.Body, answer.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		return answer, nil
	})
	err := blob.Set(t.Context(), "k", []byte("value"))
	if err == nil || strings.Contains(err.Error(), "Credential") || !strings.Contains(err.Error(), "repeats credentials") {
		t.Errorf("got %v", err)
	}
	t.Log(err)
}
