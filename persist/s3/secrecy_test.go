package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/service"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestErrorsAndLogsHaveNoCredentials protects credentials, and data, from those who read errors and
// logs: whatever goes wrong, and whatever a store repeats of a request. It needs no server.
func TestErrorsAndLogsHaveNoCredentials(t *testing.T) {
	secrets := []string{"AKIDOFATEST", "secretofatest", "tokenofatest", "dataofatest", "Signature="}
	var mu sync.Mutex
	var log bytes.Buffer
	rt := runtime.New(runtime.Options{Logger: slog.New(slog.NewTextHandler(
		writer(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return log.Write(p)
		}), &slog.HandlerOptions{Level: slog.LevelDebug}))})
	for name, answer := range answersThatRepeat() {
		model, err := newService(t.Context(), rt, service.Options{})
		must(t, err)
		isWrong := false
		client := awss3.New(service.NewClient(rt, roundTripper(func(r *http.Request) (*http.Response, error) {
			if isWrong {
				return answer(r)
			}
			return model.Transport(rt).RoundTrip(r)
		})).Options(), func(o *awss3.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: secrets[0], SecretAccessKey: secrets[1], SessionToken: secrets[2]}, nil
			})
		})
		options := s3.Options{
			Probe: s3.ProbeNone, Limits: s3.Limits{FirstByte: 20 * time.Millisecond, Operation: 60 * time.Millisecond},
		}
		store, err := s3.Open(t.Context(), rt, client, simulatedBucket, simulatedPrefix, options)
		must(t, err)
		isWrong = true
		for i, err := range failures(t, store, []byte(secrets[3])) {
			if err == nil {
				t.Errorf("%s: call %d succeeded", name, i)
				continue
			}
			wantNone(t, name+": the error", fmt.Sprintf("%v %+v %#v", err, err, err), secrets)
			var failure *s3.RequestError
			if errors.As(err, &failure) {
				wantNone(t, name+": the message", failure.Message, secrets)
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	wantNone(t, "the log", log.String(), secrets)
	if !strings.Contains(log.String(), "sent again") {
		t.Errorf("the log says nothing at all: %s", log.String())
	}
}

// failures makes one call of each kind, and returns their errors.
func failures(t *testing.T, store *s3.Store, data []byte) []error {
	blob, c := store.Blob(), store.Consensus()
	_, _, getErr := blob.Get(t.Context(), "k")
	_, _, deleteErr := blob.Delete(t.Context(), "k")
	_, _, headErr := c.Head(t.Context(), shard)
	_, commitErr := c.CompareAndSet(t.Context(), shard, 1, persist.Versioned{SeqNo: 2, Data: data})
	_, truncateErr := c.Truncate(t.Context(), shard, 1)
	return []error{
		getErr, deleteErr, headErr, commitErr, truncateErr, blob.Set(t.Context(), "k", data),
		blob.List(t.Context(), "", func(string, int) error { return nil }),
	}
}

// wantNone fails if a text has one of the secrets in it.
func wantNone(t *testing.T, what, text string, secrets []string) {
	t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("%s has %q in it: %s", what, secret, text)
		}
	}
}

// writer is a function that is written to.
type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// answersThatRepeat are ways to fail, most of which repeat the headers of the request.
func answersThatRepeat() map[string]roundTripper {
	repeating := func(status int, code string) roundTripper {
		return func(r *http.Request) (*http.Response, error) {
			answer := failing(r, status, code)
			text := fmt.Sprintf("<Error><Code>%s</Code><Message>%v</Message></Error>", code, r.Header)
			answer.Body, answer.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
			return answer, nil
		}
	}
	return map[string]roundTripper{
		"denied":      repeating(403, "AccessDenied"),
		"unsigned":    repeating(403, "SignatureDoesNotMatch"),
		"expired":     repeating(400, "ExpiredToken"),
		"an error":    repeating(500, "InternalError"),
		"throttled":   repeating(503, "SlowDown"),
		"a conflict":  repeating(409, "ConditionalRequestConflict"),
		"a redirect":  repeating(301, "PermanentRedirect"),
		"a reset":     func(*http.Request) (*http.Response, error) { return nil, errDropped },
		"damaged XML": func(r *http.Request) (*http.Response, error) { return failing(r, 400, "<<"), nil },
		"silence": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
	}
}
