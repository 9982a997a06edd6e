package faulty

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Transport wraps a process's way to an object store that is reached by requests, as S3
// is. Operations are told by what a request does: one with a precondition is a CAS.
// Keys are those of objects, without the bucket.
//
// An operation without an answer ends with a broken connection, or with the status 500
// or 503, by a choice. One that is refused or throttled is told 503 SlowDown, one that
// conflicts 409. A stalled one takes its time before or after its effect. What is cut
// off ends with an unexpected end, as the body of a broken connection does.
type Transport struct {
	faults *Faults
	rt     *runtime.Runtime
	inner  http.RoundTripper
}

var _ http.RoundTripper = (*Transport)(nil)

// Transport wraps inner, the way that the process of rt has to a store.
func (f *Faults) Transport(rt *runtime.Runtime, inner http.RoundTripper) *Transport {
	return &Transport{f, rt, inner}
}

// requestCall sends a request through another process's transport.
type requestCall func(ctx context.Context, inner http.RoundTripper)

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if l, ok := t.faults.take(t.rt, func(l landing) bool { return l.request != nil }); ok {
		l.request(context.WithoutCancel(ctx), t.inner)
	}
	body, err := readAll(r.Body)
	if err != nil {
		return nil, err
	}
	send := func(ctx context.Context, inner http.RoundTripper) (*http.Response, error) {
		copied := r.Clone(ctx)
		copied.Body = io.NopCloser(bytes.NewReader(body))
		return inner.RoundTrip(copied)
	}
	var answer *http.Response
	var end error // of the body of the answer
	c := call{
		op: opOf(r), key: keyOf(r), isRemote: true,
		do: func(ctx context.Context) (err error) {
			answer, err = send(ctx, t.inner)
			return err
		},
		later: landing{request: func(ctx context.Context, inner http.RoundTripper) { discard(send(ctx, inner)) }},
		alter: func(change func([]byte) []byte) { end = alterBody(answer, change) },
	}
	c.slowly = func(ctx context.Context, pause func(context.Context) error) error {
		return errors.Join(pause(ctx), c.do(ctx))
	}
	if err := t.faults.run(ctx, t.rt, c); err != nil {
		discard(answer, nil)
		return t.answerTo(r, err)
	}
	if end != nil {
		answer.Body = &cutBody{answer.Body, end}
	}
	return answer, nil
}

// answerTo makes what went wrong into what the process gets to see.
func (t *Transport) answerTo(r *http.Request, err error) (*http.Response, error) {
	var f *failedError
	if !errors.As(err, &f) {
		return nil, err
	}
	switch f.effect {
	case Refuse, Throttle:
		return status(r, http.StatusServiceUnavailable, "SlowDown"), nil
	case Conflict:
		return status(r, http.StatusConflict, "ConditionalRequestConflict"), nil
	case FailBefore, FailAfter, Late:
		switch t.faults.draw(t.rt, "answer", 3) {
		case 1:
			return status(r, http.StatusInternalServerError, "InternalError"), nil
		case 2:
			return status(r, http.StatusServiceUnavailable, "ServiceUnavailable"), nil
		}
	}
	return nil, err
}

// status is an answer of the store that something is wrong with it.
func status(r *http.Request, code int, name string) *http.Response {
	body := fmt.Sprintf("<Error><Code>%s</Code><Message>faulty</Message></Error>", name)
	if r.Method == http.MethodHead {
		body = ""
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", code, http.StatusText(code)), StatusCode: code,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/xml"}},
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

// opOf returns what a request does.
func opOf(r *http.Request) Op {
	query := r.URL.Query()
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if query.Has("list-type") || query.Has("uploads") {
			return List
		}
		return Get
	case http.MethodDelete:
		return Delete
	}
	switch {
	case query.Has("delete"):
		return Delete
	case r.Header.Get("If-Match") != "" || r.Header.Get("If-None-Match") != "":
		return CAS
	}
	return Set
}

// keyOf returns the key of an object, or the prefix of a listing.
func keyOf(r *http.Request) string {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if key == "" {
		return r.URL.Query().Get("prefix")
	}
	return key
}

func readAll(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	defer body.Close() //nolint:errcheck // it was read
	return io.ReadAll(body)
}

// discard takes no notice of an answer.
func discard(answer *http.Response, err error) {
	if err == nil && answer != nil {
		_ = answer.Body.Close()
	}
}

// alterBody changes the body of an answer, and returns how reading it ends if it is not
// as long as the answer says.
func alterBody(answer *http.Response, change func([]byte) []byte) error {
	before, err := readAll(answer.Body)
	if err != nil {
		return err
	}
	after := change(before)
	answer.Body = io.NopCloser(bytes.NewReader(after))
	if len(after) < len(before) {
		return fmt.Errorf("faulty: cut off: %w: %w", persist.ErrIndeterminate, io.ErrUnexpectedEOF)
	}
	return nil
}

// cutBody is a body with another end.
type cutBody struct {
	io.ReadCloser
	end error
}

func (b *cutBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		err = b.end
	}
	return n, err
}
