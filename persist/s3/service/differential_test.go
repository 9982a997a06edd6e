package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	awshttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/persist/s3/service"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestTheModelAnswersAsAServerDoes protects the model from being another S3 than the real
// ones: sequences of requests, drawn at random, get the same answers from both.
func TestTheModelAnswersAsAServerDoes(t *testing.T) {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	cases := 0
	rapid.Check(t, func(t *rapid.T) {
		cases++
		s := service.New("model", service.Options{})
		s.CreateBucket(server.Bucket)
		rt := runtime.New(runtime.Options{})
		place := fmt.Sprintf("%s/%d/", prefix, cases)
		model := &caller{client: service.NewClient(rt, s.Transport(rt)), bucket: server.Bucket, prefix: place}
		real := &caller{client: server.Client(nil), bucket: server.Bucket, prefix: place}
		for range rapid.IntRange(1, 25).Draw(t, "requests") {
			send := drawRequest(t)
			if diff := cmp.Diff(send(real), send(model)); diff != "" {
				t.Fatalf("answers differ (-server +model):\n%s", diff)
			}
		}
	})
}

// outcome is what a caller sees of an answer.
type outcome struct {
	Status int
	Code   string
	Body   string
	ETag   string
	Keys   []string
}

// caller sends requests, and remembers what later ones refer to.
type caller struct {
	client         *s3.Client
	bucket, prefix string

	etags   []string // of all writes
	uploads []upload
}

type upload struct {
	id, key *string
	parts   []types.CompletedPart
}

// etag returns one of those that were seen, or one that never was.
func (c *caller) etag(i int) *string {
	if len(c.etags) == 0 {
		return aws.String(`"00000000000000000000000000000000"`)
	}
	return &c.etags[len(c.etags)-1-i%len(c.etags)]
}

func (c *caller) key(name string) *string { return aws.String(c.prefix + name) }

// see returns the outcome of a call that has ended with err.
func see(err error) outcome {
	o := outcome{Status: 200}
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		o.Status = answer.HTTPStatusCode()
	}
	var api smithy.APIError
	if errors.As(err, &api) && o.Status != 304 { // which has no body
		o.Code = api.ErrorCode()
	}
	if err != nil && o.Status == 200 {
		o.Code = err.Error()
	}
	return o
}

type send func(c *caller) outcome

// drawRequest draws a request, which two callers can send.
func drawRequest(t *rapid.T) send {
	key := rapid.SampledFrom([]string{"a", "b/1", "b/2", "c d+&"}).Draw(t, "key")
	which := rapid.IntRange(0, 3).Draw(t, "which etag")
	body := rapid.StringMatching(`[a-c]{0,6}`).Draw(t, "body")
	kinds := map[string]func() send{
		"put":      func() send { return func(c *caller) outcome { return c.put(key, body, nil, nil) } },
		"create":   func() send { return func(c *caller) outcome { return c.put(key, body, aws.String("*"), nil) } },
		"replace":  func() send { return func(c *caller) outcome { return c.put(key, body, nil, c.etag(which)) } },
		"get":      func() send { return drawGet(t, key, which) },
		"head":     func() send { return func(c *caller) outcome { return c.head(key) } },
		"delete":   func() send { return func(c *caller) outcome { return c.delete(key) } },
		"deletes":  func() send { return func(c *caller) outcome { return c.deletes(key, "b/1", "none") } },
		"list":     func() send { return drawList(t) },
		"begin":    func() send { return func(c *caller) outcome { return c.begin(key) } },
		"part":     func() send { return func(c *caller) outcome { return c.part(which, body) } },
		"complete": func() send { return func(c *caller) outcome { return c.complete(which) } },
		"abort":    func() send { return func(c *caller) outcome { return c.abort(which) } },
	}
	names := []string{
		"put", "put", "create", "create", "replace", "replace", "get", "get", "head", "delete", "deletes", "list", "list",
		"begin", "part", "part", "complete", "abort",
	}
	return kinds[rapid.SampledFrom(names).Draw(t, "request")]()
}

func drawGet(t *rapid.T, key string, which int) send {
	span := rapid.SampledFrom([]string{"", "", "bytes=0-2", "bytes=1-", "bytes=4-4", "bytes=9-"}).Draw(t, "range")
	isConditional := span == "" && rapid.Bool().Draw(t, "if none match")
	return func(c *caller) outcome {
		in := &s3.GetObjectInput{Bucket: &c.bucket, Key: c.key(key)}
		if span != "" {
			in.Range = &span
		}
		if isConditional {
			in.IfNoneMatch = c.etag(which)
		}
		out, err := c.client.GetObject(context.Background(), in)
		o := see(err)
		if err == nil {
			read, err := io.ReadAll(out.Body)
			o.Body, o.ETag = fmt.Sprint(string(read), err), *out.ETag
			_ = out.Body.Close()
		}
		return o
	}
}

func drawList(t *rapid.T) send {
	prefix := rapid.SampledFrom([]string{"", "b/", "b", "none"}).Draw(t, "prefix")
	after := rapid.SampledFrom([]string{"", "a", "b/1", "b/10"}).Draw(t, "start after")
	most := rapid.Int32Range(1, 5).Draw(t, "max keys")
	return func(c *caller) outcome {
		in := &s3.ListObjectsV2Input{Bucket: &c.bucket, Prefix: c.key(prefix), MaxKeys: &most}
		if after != "" {
			in.StartAfter = c.key(after)
		}
		var o outcome
		for {
			out, err := c.client.ListObjectsV2(context.Background(), in)
			if o.Status = see(err).Status; err != nil {
				return o
			}
			for _, found := range out.Contents {
				o.Keys = append(o.Keys, fmt.Sprint(strings.TrimPrefix(*found.Key, c.prefix), " ", *found.Size, " ", *found.ETag))
			}
			if !*out.IsTruncated { // there may be one page more than needed
				return o
			}
			in.ContinuationToken = out.NextContinuationToken
		}
	}
}

func (c *caller) put(key, body string, noneMatch, match *string) outcome {
	out, err := c.client.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: &c.bucket, Key: c.key(key), Body: strings.NewReader(body), IfNoneMatch: noneMatch, IfMatch: match,
	})
	o := see(err)
	if err == nil {
		o.ETag = *out.ETag
		c.etags = append(c.etags, o.ETag)
	}
	return o
}

func (c *caller) head(key string) outcome {
	out, err := c.client.HeadObject(context.Background(), &s3.HeadObjectInput{Bucket: &c.bucket, Key: c.key(key)})
	o := see(err)
	if err == nil {
		o.ETag, o.Body = *out.ETag, fmt.Sprint(*out.ContentLength)
	}
	return o
}

func (c *caller) delete(key string) outcome {
	_, err := c.client.DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: &c.bucket, Key: c.key(key)})
	return see(err)
}

func (c *caller) deletes(keys ...string) outcome {
	var all []types.ObjectIdentifier
	for _, key := range keys {
		all = append(all, types.ObjectIdentifier{Key: c.key(key)})
	}
	_, err := c.client.DeleteObjects(context.Background(), &s3.DeleteObjectsInput{
		Bucket: &c.bucket, Delete: &types.Delete{Objects: all, Quiet: aws.Bool(true)},
	})
	return see(err)
}

func (c *caller) begin(key string) outcome {
	out, err := c.client.CreateMultipartUpload(context.Background(), &s3.CreateMultipartUploadInput{Bucket: &c.bucket, Key: c.key(key)})
	if err == nil {
		c.uploads = append(c.uploads, upload{id: out.UploadId, key: c.key(key)})
	}
	return see(err)
}

// upload returns one of those that were begun.
func (c *caller) upload(i int) (u *upload, found bool) {
	if len(c.uploads) == 0 {
		return nil, false
	}
	return &c.uploads[i%len(c.uploads)], true
}

// part replaces the only part of an upload.
func (c *caller) part(which int, body string) outcome {
	u, found := c.upload(which)
	if !found {
		return outcome{}
	}
	out, err := c.client.UploadPart(context.Background(), &s3.UploadPartInput{
		Bucket: &c.bucket, Key: u.key, UploadId: u.id, PartNumber: aws.Int32(1), Body: bytes.NewReader([]byte(body)),
	})
	o := see(err)
	if err == nil {
		o.ETag = *out.ETag
		u.parts = []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: out.ETag}}
	}
	return o
}

func (c *caller) complete(which int) outcome {
	u, found := c.upload(which)
	if !found || u.parts == nil {
		return outcome{}
	}
	out, err := c.client.CompleteMultipartUpload(context.Background(), &s3.CompleteMultipartUploadInput{
		Bucket: &c.bucket, Key: u.key, UploadId: u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
	})
	o := see(err)
	if err == nil {
		o.ETag = *out.ETag
		c.etags = append(c.etags, o.ETag)
		c.end(which)
	}
	return o
}

func (c *caller) abort(which int) outcome {
	u, found := c.upload(which)
	if !found {
		return outcome{}
	}
	_, err := c.client.AbortMultipartUpload(context.Background(), &s3.AbortMultipartUploadInput{
		Bucket: &c.bucket, Key: u.key, UploadId: u.id,
	})
	c.end(which)
	return see(err)
}

// end forgets an upload: what comes after its end is answered by each in its own way.
func (c *caller) end(which int) {
	c.uploads = slices.Delete(c.uploads, which%len(c.uploads), which%len(c.uploads)+1)
}
