package service

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// hasPrecondition reports whether a write depends on what is there.
func (r *request) hasPrecondition() bool {
	return r.method != http.MethodGet && r.method != http.MethodHead &&
		(r.header.Get("If-Match") != "" || r.header.Get("If-None-Match") != "")
}

// precondition returns the error of a write that must not be carried out, given what is
// stored under its key, nil for nothing.
func precondition(r *request, o *object) error {
	match, noneMatch := r.header.Get("If-Match"), r.header.Get("If-None-Match")
	switch {
	case noneMatch != "" && noneMatch != "*":
		return notImplemented("a write with If-None-Match: ETAG")
	case noneMatch == "*" && o != nil, match != "" && o != nil && !isETag(match, o.etag):
		return failure(412, "PreconditionFailed", "At least one of the preconditions did not hold.")
	case match != "" && o == nil:
		return failure(404, "NoSuchKey", "The specified key does not exist.")
	}
	return nil
}

// isETag reports whether the value of a header names an ETag. Quotes may be left out.
func isETag(value, etag string) bool { return strings.Trim(value, `"`) == strings.Trim(etag, `"`) }

func (s *Service) put(r *request) (*answer, error) {
	b, err := s.bucketOf(r)
	if err != nil {
		return nil, err
	}
	if err := precondition(r, b.objects[r.key]); err != nil {
		return nil, err
	}
	if r.header.Get("X-Amz-Copy-Source") != "" {
		return nil, notImplemented("copies")
	}
	o := s.newObject(r, r.body)
	b.objects[r.key] = o
	return o.describe(respond(200)), nil
}

// newObject returns what a request asks to store.
func (s *Service) newObject(r *request, body []byte) *object {
	o := &object{body: body, modified: r.now, header: storedHeaders(r)}
	if digest := md5.Sum(body); s.options.HasOpaqueETags || o.header["X-Amz-Server-Side-Encryption"] == "aws:kms" {
		o.etag = quote(strings.ToLower(s.newID() + s.newID()))
	} else {
		o.etag = quote(hex.EncodeToString(digest[:]))
	}
	return o
}

// storedHeaders returns the headers of a write that are told again with every answer.
func storedHeaders(r *request) map[string]string {
	kept := make(map[string]string)
	for _, name := range namesOf(r.header) {
		isChecksum := strings.HasPrefix(name, checksumPrefix) && !isAbout(name)
		if isChecksum || strings.HasPrefix(name, "X-Amz-Server-Side-Encryption") || name == "Content-Type" ||
			strings.HasPrefix(name, "X-Amz-Meta-") {
			kept[name] = r.header.Get(name)
		}
	}
	return kept
}

// describe adds what is known of an object to the answer to its write.
func (o *object) describe(a *answer) *answer {
	for _, name := range slices.Sorted(maps.Keys(o.header)) {
		if strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "X-Amz-Meta-") {
			a.set(name, o.header[name])
		}
	}
	return a.set("ETag", o.etag)
}

func (s *Service) get(r *request) (*answer, error) {
	b, err := s.bucketOf(r)
	if err != nil {
		return nil, err
	}
	o, found := b.objects[r.key]
	match, noneMatch := r.header.Get("If-Match"), r.header.Get("If-None-Match")
	switch {
	case !found:
		return nil, failure(404, "NoSuchKey", "The specified key does not exist.")
	case match != "" && match != "*" && !isETag(match, o.etag):
		return nil, failure(412, "PreconditionFailed", "At least one of the preconditions did not hold.")
	case noneMatch != "" && (noneMatch == "*" || isETag(noneMatch, o.etag)):
		return respond(304).set("ETag", o.etag), nil
	}
	a := respond(200)
	if a.body = o.body; r.header.Get("Range") != "" {
		first, end, err := parseRange(r.header.Get("Range"), len(o.body))
		if err != nil {
			return nil, err
		}
		a.status, a.body = 206, o.body[first:end]
		a.set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, end-1, len(o.body)))
	}
	for _, name := range slices.Sorted(maps.Keys(o.header)) {
		isWanted := a.status == 200 && r.header.Get("X-Amz-Checksum-Mode") == "ENABLED"
		if !strings.HasPrefix(name, checksumPrefix) || isWanted {
			a.set(name, o.header[name])
		}
	}
	a.set("ETag", o.etag).set("Last-Modified", o.modified.UTC().Format(http.TimeFormat)).set("Accept-Ranges", "bytes")
	a.length = int64(len(a.body))
	return a, nil
}

// parseRange returns the first byte that is asked for and the one behind the last.
func parseRange(text string, size int) (first, end int, err error) {
	unsatisfiable := failure(416, "InvalidRange", "The requested range is not satisfiable.")
	bounds, isBytes := strings.CutPrefix(text, "bytes=")
	from, to, isRange := strings.Cut(bounds, "-")
	if !isBytes || !isRange || strings.Contains(to, ",") {
		return 0, 0, notImplemented("the range " + text)
	}
	if from == "" {
		n, err := strconv.Atoi(to)
		if err != nil || n <= 0 || size == 0 {
			return 0, 0, unsatisfiable
		}
		return max(0, size-n), size, nil
	}
	if first, err = strconv.Atoi(from); err != nil || first >= size {
		return 0, 0, unsatisfiable
	}
	if to == "" {
		return first, size, nil
	}
	last, err := strconv.Atoi(to)
	if err != nil || last < first {
		return 0, 0, unsatisfiable
	}
	return first, min(last+1, size), nil
}

func (s *Service) delete(r *request) (*answer, error) {
	b, err := s.bucketOf(r)
	if err != nil {
		return nil, err
	}
	if r.hasPrecondition() {
		return nil, notImplemented("a delete on a condition")
	}
	delete(b.objects, r.key)
	return respond(204), nil
}

const deletesMax = 1000

type deleteBody struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Object  []struct{ Key string }
}

type deletedBody struct {
	XMLName xml.Name `xml:"DeleteResult"`
	Deleted []deletedKey
}

type deletedKey struct{ Key string }

func (s *Service) deleteObjects(r *request) (*answer, error) {
	b, err := s.bucketOf(r)
	if err != nil {
		return nil, err
	}
	var body deleteBody
	if err := xml.Unmarshal(r.body, &body); err != nil || len(body.Object) == 0 || len(body.Object) > deletesMax {
		return nil, failure(400, "MalformedXML", "The list of keys is not well-formed, empty, or too long.")
	}
	var result deletedBody
	for _, o := range body.Object {
		delete(b.objects, o.Key)
		if !body.Quiet {
			result.Deleted = append(result.Deleted, deletedKey{o.Key})
		}
	}
	a := respond(200).set("Content-Type", "application/xml")
	a.body = document(result)
	return a, nil
}
