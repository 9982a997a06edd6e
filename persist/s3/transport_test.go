package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/persist/s3"
)

// roundTripper is a function on the way to the server.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// counter counts requests by method and kind.
type counter struct {
	mu    sync.Mutex
	total map[string]int
}

func (c *counter) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		c.mu.Lock()
		if c.total == nil {
			c.total = make(map[string]int)
		}
		kind := r.Method
		if r.URL.Query().Has("list-type") {
			kind = "LIST"
		}
		c.total[kind]++
		c.mu.Unlock()
		return next.RoundTrip(r)
	})
}

// take returns what was counted since the last time.
func (c *counter) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := c.total
	c.total = nil
	return total
}

// The faults of a network and a store.
const (
	dropBefore = iota // the request is lost
	dropAfter         // the answer is lost
	errorBefore
	errorAfter // the store says so, but has done it
	throttleBefore
	throttleAfter
	truncate // the body of the answer ends early
	flip     // a bit of the body of the answer
	stall    // no answer
	stallBody
	faultKinds
)

// faults are injected into one of so many requests.
type faults struct {
	mu        sync.Mutex
	rand      *rand.Rand
	oneOf     int
	delivered [faultKinds]int

	// isLate lets one of four requests to replace a head have its effect later, after
	// the caller was told that it was lost, or twice.
	isLate bool
	late   sync.WaitGroup
}

func newFaults(seed uint64, oneOf int) *faults {
	return &faults{rand: rand.New(rand.NewPCG(seed, 0)), oneOf: oneOf}
}

// draw returns a fault, of those that are possible the one that was delivered least often, or
// faultKinds for none.
func (f *faults) draw(r *http.Request) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rand.IntN(f.oneOf) > 0 {
		return faultKinds
	}
	reads := r.Method == http.MethodGet && r.URL.RawQuery == "x-id=GetObject"
	rarest := dropBefore
	for fault := range faultKinds {
		isPossible := reads || fault != truncate && fault != flip && fault != stallBody
		if isPossible && f.delivered[fault] < f.delivered[rarest] {
			rarest = fault
		}
	}
	f.delivered[rarest]++
	return rarest
}

var errDropped = errors.New("connection reset by a test")

func (f *faults) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if f.isLate && r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/heads/") && f.chance(4) {
			return f.deliverLate(r, next)
		}
		fault := f.draw(r)
		switch fault {
		case dropBefore:
			return nil, errDropped
		case errorBefore:
			return failing(r, http.StatusInternalServerError, "InternalError"), nil
		case throttleBefore:
			return failing(r, http.StatusServiceUnavailable, "SlowDown"), nil
		case stall:
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		answer, err := next.RoundTrip(r)
		if err != nil || fault == faultKinds {
			return answer, err
		}
		return f.spoil(r, answer, fault)
	})
}

func (f *faults) chance(n int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rand.IntN(n) == 0
}

// deliverLate sends a request some time after it has said that the connection is lost, or a second
// time after the first.
func (f *faults) deliverLate(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	send := func(ctx context.Context) (*http.Response, error) {
		again := r.Clone(ctx)
		again.Body = io.NopCloser(bytes.NewReader(body))
		return next.RoundTrip(again)
	}
	f.late.Go(func() {
		time.Sleep(10 * time.Millisecond)
		if answer, err := send(context.WithoutCancel(r.Context())); err == nil {
			_ = answer.Body.Close()
		}
	})
	if f.chance(2) {
		return nil, errDropped
	}
	return send(r.Context())
}

// spoil returns what is left of an answer.
func (f *faults) spoil(r *http.Request, answer *http.Response, fault int) (*http.Response, error) {
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		return nil, err
	}
	switch fault {
	case truncate:
		answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), failingReader{io.ErrUnexpectedEOF}))
	case stallBody:
		answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), stallingReader{r}))
	case flip:
		if len(body) > 0 {
			body[len(body)/2] ^= 4
		}
		answer.Body = io.NopCloser(bytes.NewReader(body))
	case errorAfter:
		return failing(r, http.StatusInternalServerError, "InternalError"), nil
	case throttleAfter:
		return failing(r, http.StatusServiceUnavailable, "SlowDown"), nil
	default:
		return nil, errDropped
	}
	return answer, nil
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

type stallingReader struct{ request *http.Request }

func (r stallingReader) Read([]byte) (int, error) {
	<-r.request.Context().Done()
	return 0, r.request.Context().Err()
}

// failing returns an answer of a store that does not do as it is told.
func failing(r *http.Request, status int, code string) *http.Response {
	text := "<Error><Code>" + code + "</Code><Message>by a test</Message><RequestId>r1</RequestId></Error>"
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"Content-Type": {"application/xml"}},
		Body:          io.NopCloser(bytes.NewReader([]byte(text))),
		ContentLength: int64(len(text)),
	}
}

// impatient has limits that a test can wait for.
func impatient() s3.Options {
	return s3.Options{
		Limits: s3.Limits{FirstByte: 150 * time.Millisecond, Attempt: time.Second, Operation: 20 * time.Second},
	}
}

// wantAll fails unless each fault was delivered.
func (f *faults) wantAll(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for fault, n := range f.delivered {
		if n == 0 {
			t.Errorf("fault %d was never delivered: %v", fault, f.delivered)
		}
	}
}
