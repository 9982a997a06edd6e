package service

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// request is one that has arrived whole.
type request struct {
	method, bucket, key string

	query  url.Values
	header http.Header
	body   []byte
	now    time.Time
}

const (
	keySizeMax = 1024
	timeFormat = "20060102T150405Z"
	skewMax    = 15 * time.Minute
)

// read takes a request off the wire. An error is one of the connection.
func read(ctx context.Context, r *http.Request, sizeMax int64) (*request, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, sizeMax+1)); err != nil {
			return nil, err
		}
		if r.ContentLength > 0 && int64(len(body)) < min(r.ContentLength, sizeMax) {
			return nil, io.ErrUnexpectedEOF
		}
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	bucket, key, _ := strings.Cut(path, "/")
	return &request{
		method: r.Method, bucket: bucket, key: key,
		query: r.URL.Query(), header: r.Header, body: body,
	}, nil
}

// verify returns what is wrong with a request whatever it asks for.
func (s *Service) verify(r *request) error {
	switch payload := r.header.Get("X-Amz-Content-Sha256"); {
	case !strings.HasPrefix(r.header.Get("Authorization"), "AWS4-"):
		return failure(403, "AccessDenied", "The request is not signed.")
	case int64(len(r.body)) > s.options.ObjectSizeMax:
		return failure(400, "EntityTooLarge", "The upload is too large.")
	case len(r.key) > keySizeMax:
		return failure(400, "KeyTooLongError", "The key is too long.")
	case !utf8.ValidString(r.key):
		return failure(400, "InvalidURI", "The key is not UTF-8.")
	case strings.HasPrefix(payload, "STREAMING-"):
		return notImplemented("a body in chunks")
	case payload != "" && payload != "UNSIGNED-PAYLOAD" && payload != hex.EncodeToString(sum(sha256.New(), r.body)):
		return failure(400, "XAmzContentSHA256Mismatch", "The body is not what was signed.")
	}
	if err := verifyChecksums(r); err != nil {
		return err
	}
	if s.options.Now == nil {
		return nil
	}
	sent, err := time.Parse(timeFormat, r.header.Get("X-Amz-Date"))
	if err != nil {
		return failure(403, "AccessDenied", "The request does not bear its time.")
	}
	if sent.Sub(r.now).Abs() > skewMax {
		return failure(403, "RequestTimeTooSkewed",
			"The difference between the time of the request and the time of the server is too large.")
	}
	return nil
}

const checksumPrefix = "X-Amz-Checksum-"

// verifyChecksums returns an error if the body is not what a header says.
func verifyChecksums(r *request) error {
	for _, name := range namesOf(r.header) {
		var h hash.Hash
		switch {
		case name == "Content-Md5":
			h = md5.New()
		case !strings.HasPrefix(name, checksumPrefix), isAbout(name):
			continue
		default:
			if h = newHash(name[len(checksumPrefix):]); h == nil {
				return notImplemented(name)
			}
		}
		if r.header.Get(name) != base64.StdEncoding.EncodeToString(sum(h, r.body)) {
			return failure(400, "BadDigest", "The "+name+" that was given is not that of the body.")
		}
	}
	return nil
}

// isAbout reports whether a header is about checksums, and is none.
func isAbout(name string) bool {
	return slices.Contains([]string{"Mode", "Algorithm", "Type"}, name[len(checksumPrefix):])
}

// newHash returns nil for an algorithm that the service does not know.
func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "Crc32":
		return crc32.NewIEEE()
	case "Crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "Sha256":
		return sha256.New()
	}
	return nil
}

func sum(h hash.Hash, body []byte) []byte {
	h.Write(body)
	return h.Sum(nil)
}

// namesOf returns the names of the headers in a fixed order.
func namesOf(header http.Header) []string {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// answer is what the service says to a request.
type answer struct {
	status int
	header http.Header
	body   []byte
	length int64 // of the body that a HEAD is told about
}

func respond(status int) *answer { return &answer{status: status, header: make(http.Header)} }

func (a *answer) set(name, value string) *answer {
	a.header.Set(name, value)
	return a
}

// response puts an answer onto the wire.
func (a *answer) response(to *http.Request) *http.Response {
	length := int64(len(a.body))
	if to.Method == http.MethodHead {
		length, a.body = a.length, nil
	}
	a.set("Content-Length", strconv.FormatInt(length, 10))
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		StatusCode: a.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: length,
		Request: to,
	}
}

// serviceError is what a service answers instead of what it was asked for.
type serviceError struct {
	status        int
	code, message string
}

func (e *serviceError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.code, e.message) }

func failure(status int, code, message string) error { return &serviceError{status, code, message} }

func notImplemented(what string) error {
	return failure(501, "NotImplemented", "This service does not know "+what+".")
}

// asFailure returns an error of this package as what it is.
func asFailure(err error) *serviceError {
	var e *serviceError
	if errors.As(err, &e) {
		return e
	}
	return &serviceError{500, "InternalError", err.Error()}
}
