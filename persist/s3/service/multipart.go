package service

import (
	"cmp"
	"crypto/md5"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

const partNumberMax = 10_000

// upload is an object that comes in parts.
type upload struct {
	id, key string
	begun   time.Time
	first   *request // that began it
	parts   map[int]*object
}

type createdBody struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
	Bucket   string
	Key      string
	UploadID string `xml:"UploadId"`
}

func (s *Service) createUpload(r *request) (*answer, error) {
	b, err := s.bucketOf(r)
	if err != nil {
		return nil, err
	}
	u := &upload{id: s.newID(), key: r.key, begun: r.now, first: r, parts: make(map[int]*object)}
	b.uploads[u.id] = u
	a := respond(200).set("Content-Type", "application/xml")
	a.body = document(createdBody{Bucket: r.bucket, Key: r.key, UploadID: u.id})
	return a, nil
}

// uploadOf returns the upload that a request is about.
func (s *Service) uploadOf(r *request) (*bucket, *upload, error) {
	b, err := s.bucketOf(r)
	if err != nil {
		return nil, nil, err
	}
	u, found := b.uploads[r.query.Get("uploadId")]
	if !found || u.key != r.key {
		return nil, nil, failure(404, "NoSuchUpload", "The specified upload does not exist, or was aborted or completed.")
	}
	return b, u, nil
}

func (s *Service) uploadPart(r *request) (*answer, error) {
	_, u, err := s.uploadOf(r)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(r.query.Get("partNumber"))
	if err != nil || number < 1 || number > partNumberMax {
		return nil, failure(400, "InvalidArgument", "The number of a part is between 1 and 10,000.")
	}
	part := s.newObject(r, r.body)
	u.parts[number] = part
	return part.describe(respond(200)), nil
}

type completeBody struct {
	XMLName xml.Name `xml:"CompleteMultipartUpload"`
	Part    []completePart
}

type completePart struct {
	PartNumber int
	ETag       string
}

type completedBody struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location string
	Bucket   string
	Key      string
	ETag     string
}

// completeUpload makes the parts that are named into an object.
func (s *Service) completeUpload(r *request) (*answer, error) {
	b, u, err := s.uploadOf(r)
	if err != nil {
		return nil, err
	}
	if err := precondition(r, b.objects[r.key]); err != nil {
		return nil, err
	}
	body, digests, err := s.assemble(r, u)
	if err != nil {
		return nil, err
	}
	o := s.newObject(u.first, body)
	o.modified = r.now
	if !s.options.HasOpaqueETags && o.header["X-Amz-Server-Side-Encryption"] != "aws:kms" {
		digest := md5.Sum(digests)
		o.etag = quote(fmt.Sprintf("%x-%d", digest, len(digests)/md5.Size))
	}
	b.objects[r.key] = o
	delete(b.uploads, u.id)
	a := o.describe(respond(200)).set("Content-Type", "application/xml")
	a.body = document(completedBody{Location: "/" + r.bucket + "/" + r.key, Bucket: r.bucket, Key: r.key, ETag: o.etag})
	return a, nil
}

// assemble returns the bytes of an upload, and the checksums of its parts one after the other.
func (s *Service) assemble(r *request, u *upload) (body, digests []byte, err error) {
	var list completeBody
	if err := xml.Unmarshal(r.body, &list); err != nil || len(list.Part) == 0 {
		return nil, nil, failure(400, "MalformedXML", "The list of parts is not well-formed, or empty.")
	}
	if !slices.IsSortedFunc(list.Part, func(a, b completePart) int { return cmp.Compare(a.PartNumber, b.PartNumber) }) {
		return nil, nil, failure(400, "InvalidPartOrder", "The parts are not in ascending order.")
	}
	for i, p := range list.Part {
		part, found := u.parts[p.PartNumber]
		switch {
		case !found || !isETag(p.ETag, part.etag):
			return nil, nil, failure(400, "InvalidPart", "A part was not found, or its ETag is another one.")
		case i < len(list.Part)-1 && len(part.body) < s.options.PartSizeMin:
			return nil, nil, failure(400, "EntityTooSmall", "A part that is not the last is too small.")
		}
		digest := md5.Sum(part.body)
		body, digests = append(body, part.body...), append(digests, digest[:]...)
	}
	return body, digests, nil
}

func (s *Service) abortUpload(r *request) (*answer, error) {
	b, u, err := s.uploadOf(r)
	if err != nil {
		return nil, err
	}
	delete(b.uploads, u.id)
	return respond(204), nil
}

type uploadsBody struct {
	XMLName     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket      string
	Prefix      string
	IsTruncated bool
	Upload      []listedUpload
}

type listedUpload struct {
	Key       string
	UploadID  string `xml:"UploadId"`
	Initiated string
}

// listUploads answers with all uploads that have begun and not ended.
func (s *Service) listUploads(r *request) (*answer, error) {
	b, err := s.bucketOf(r)
	if err != nil {
		return nil, err
	}
	body := uploadsBody{Bucket: r.bucket, Prefix: r.query.Get("prefix")}
	for _, id := range slices.Sorted(maps.Keys(b.uploads)) {
		if u := b.uploads[id]; strings.HasPrefix(u.key, body.Prefix) {
			body.Upload = append(body.Upload, listedUpload{u.key, u.id, timestamp(u.begun)})
		}
	}
	slices.SortStableFunc(body.Upload, func(a, b listedUpload) int { return cmp.Compare(a.Key, b.Key) })
	a := respond(200).set("Content-Type", "application/xml")
	a.body = document(body)
	return a, nil
}
