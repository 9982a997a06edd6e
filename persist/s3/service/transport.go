package service

import (
	"encoding/xml"
	"net/http"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Transport is how one process reaches a service. It is safe for concurrent use.
type Transport struct {
	service *Service
	rt      *runtime.Runtime
}

var _ http.RoundTripper = (*Transport)(nil)

// Transport returns the way of a process to the service.
func (s *Service) Transport(rt *runtime.Runtime) *Transport { return &Transport{s, rt} }

// RoundTrip answers a request. It is one scheduling point, or two of them for one with a
// precondition if the service checks, then acts. The error is that of the context, or of
// reading the body; then nothing has happened.
func (t *Transport) RoundTrip(hr *http.Request) (*http.Response, error) {
	if hr.Body != nil {
		defer hr.Body.Close() //nolint:errcheck // it was read
	}
	s := t.service
	r, err := read(hr.Context(), hr, s.options.ObjectSizeMax)
	if err != nil {
		return nil, err
	}
	t.visit(r)
	if s.options.IsCheckThenAct && r.hasPrecondition() {
		if a := t.refusal(r); a != nil {
			return a.response(hr), nil
		}
		r.header = r.header.Clone()
		r.header.Del("If-Match")
		r.header.Del("If-None-Match")
		t.visit(r)
	}
	return t.answer(r).response(hr), nil
}

// visit is the scheduling point of a request.
func (t *Transport) visit(r *request) {
	if r.method == http.MethodGet || r.method == http.MethodHead {
		t.rt.Read(t.service.all)
	} else {
		t.rt.Write(t.service.all)
	}
	r.now = t.rt.Now()
	if t.service.options.Now != nil {
		r.now = t.service.options.Now()
	}
}

// refusal returns the answer to a request whose precondition does not hold; nil if it does.
func (t *Transport) refusal(r *request) *answer {
	s := t.service
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucketOf(r)
	if err == nil {
		err = precondition(r, b.objects[r.key])
	}
	if err == nil {
		return nil
	}
	return s.finish(r, nil, err)
}

func (t *Transport) answer(r *request) *answer {
	s := t.service
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.verify(r)
	if err != nil {
		return s.finish(r, nil, err)
	}
	a, err := s.dispatch(r)
	return s.finish(r, a, err)
}

// dispatch finds what a request asks for.
func (s *Service) dispatch(r *request) (*answer, error) {
	if r.bucket == "" {
		return nil, notImplemented("a request without a bucket")
	}
	isFor := func(method, parameter string) bool { return r.method == method && r.query.Has(parameter) }
	if r.key == "" {
		switch {
		case r.query.Get("list-type") == "2":
			return s.list(r)
		case isFor("GET", "uploads"):
			return s.listUploads(r)
		case isFor("POST", "delete"):
			return s.deleteObjects(r)
		case len(r.query) > 0 && !r.query.Has("x-id"):
			return nil, notImplemented("the parameters of this request for a bucket")
		}
		return s.bucketOperation(r)
	}
	switch {
	case isFor("POST", "uploads"):
		return s.createUpload(r)
	case isFor("PUT", "uploadId"):
		return s.uploadPart(r)
	case isFor("POST", "uploadId"):
		return s.completeUpload(r)
	case isFor("DELETE", "uploadId"):
		return s.abortUpload(r)
	}
	switch r.method {
	case "PUT":
		return s.put(r)
	case "GET", "HEAD":
		return s.get(r)
	case "DELETE":
		return s.delete(r)
	}
	return nil, notImplemented(r.method + " of an object")
}

// finish makes an error into an answer, and gives every answer what they all have.
func (s *Service) finish(r *request, a *answer, err error) *answer {
	id := s.newID()
	if err != nil {
		e := asFailure(err)
		a = respond(e.status)
		if r.method != http.MethodHead && e.status != http.StatusNotModified {
			a.body = document(errorBody{Code: e.code, Message: e.message, Resource: "/" + r.bucket + "/" + r.key, RequestID: id})
			a.set("Content-Type", "application/xml")
		}
	}
	return a.set("X-Amz-Request-Id", id).set("Date", r.now.UTC().Format(http.TimeFormat)).set("Server", "service")
}

type errorBody struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string
	Message   string
	Resource  string
	RequestID string `xml:"RequestId"`
}

// document returns the XML of a value.
func document(v any) []byte {
	text, err := xml.Marshal(v)
	if err != nil { // of our own types: it can not be
		return nil
	}
	return append([]byte(xml.Header), text...)
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
