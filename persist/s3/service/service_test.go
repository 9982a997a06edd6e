package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/persist/s3/service"
	"github.com/tidemarkdb/tidemark/runtime"
)

const bucket = "test"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns a client of a new service with one bucket.
func open(t *testing.T, options service.Options) (*service.Service, *s3.Client) {
	t.Helper()
	s := service.New("test", options)
	s.CreateBucket(bucket)
	rt := runtime.New(runtime.Options{})
	return s, service.NewClient(rt, s.Transport(rt))
}

// code returns what the service called an error; "" for none.
func code(t *testing.T, err error) string {
	t.Helper()
	var failure smithy.APIError
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &failure):
		t.Fatalf("not an answer of the service: %v", err)
	}
	return failure.ErrorCode()
}

func put(c *s3.Client, key, body string, edit func(*s3.PutObjectInput)) (etag string, err error) {
	in := &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(body)}
	if edit != nil {
		edit(in)
	}
	out, err := c.PutObject(context.Background(), in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.ETag), nil
}

func get(t *testing.T, c *s3.Client, key, span string) (body string, err error) {
	t.Helper()
	in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key}
	if span != "" {
		in.Range = &span
	}
	out, err := c.GetObject(context.Background(), in)
	if err != nil {
		return "", err
	}
	read, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(read), out.Body.Close()
}

// TestPreconditions protects the table of what a conditional write does.
func TestPreconditions(t *testing.T) {
	_, c := open(t, service.Options{})
	create := func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }
	replace := func(etag string) func(*s3.PutObjectInput) {
		return func(in *s3.PutObjectInput) { in.IfMatch = &etag }
	}
	if _, err := put(c, "k", "0", replace(`"0"`)); code(t, err) != "NoSuchKey" {
		t.Error("a replacement of nothing:", err)
	}
	first, err := put(c, "k", "1", create)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := put(c, "k", "2", create); code(t, err) != "PreconditionFailed" {
		t.Error("a second creation:", err)
	}
	second, err := put(c, "k", "3", replace(first))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := put(c, "k", "4", replace(first)); code(t, err) != "PreconditionFailed" {
		t.Error("a replacement of what is not there any more:", err)
	}
	if _, err := put(c, "k", "5", func(in *s3.PutObjectInput) { in.IfNoneMatch = &second }); code(t, err) != "NotImplemented" {
		t.Error("If-None-Match with an ETag:", err)
	}
	if body, err := get(t, c, "k", ""); body != "3" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	_, err = c.GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), IfNoneMatch: &second})
	if err == nil || !strings.Contains(err.Error(), "304") {
		t.Error("a read of what is known already:", err)
	}
}

// TestRanges protects which bytes a range is, and which are none.
func TestRanges(t *testing.T) {
	_, c := open(t, service.Options{})
	if _, err := put(c, "k", "0123456789", nil); err != nil {
		t.Fatal(err)
	}
	for span, want := range map[string]string{
		"bytes=0-3": "0123", "bytes=8-": "89", "bytes=8-100": "89", "bytes=-2": "89", "bytes=-100": "0123456789", "bytes=3-3": "3",
	} {
		if got, err := get(t, c, "k", span); got != want || err != nil {
			t.Errorf("%s: %q, %v", span, got, err)
		}
	}
	for _, span := range []string{"bytes=10-", "bytes=10-12", "bytes=-0"} {
		if _, err := get(t, c, "k", span); code(t, err) != "InvalidRange" {
			t.Errorf("%s: %v", span, err)
		}
	}
}

// TestListing protects the order of keys, and that pages are neither doubled nor torn.
func TestListing(t *testing.T) {
	_, c := open(t, service.Options{PageSizeMax: 3})
	var want []string
	for i := range 10 {
		key := fmt.Sprintf("a/%02d", i)
		want = append(want, key)
		if _, err := put(c, key, "x", nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"a", "b/1", "b/2", "c&<>"} {
		if _, err := put(c, key, "", nil); err != nil {
			t.Fatal(err)
		}
	}
	list := func(prefix, delimiter, after string) (found []string) {
		in := &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: &prefix, Delimiter: &delimiter, StartAfter: &after}
		for pages := s3.NewListObjectsV2Paginator(c, in); pages.HasMorePages(); {
			page, err := pages.NextPage(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.Contents {
				found = append(found, *o.Key)
			}
			for _, p := range page.CommonPrefixes {
				found = append(found, *p.Prefix+"...")
			}
		}
		return found
	}
	for _, test := range []struct {
		prefix, delimiter, after string
		want                     []string
	}{
		{"a/", "", "", want},
		{"a/", "", "a/06", want[7:]},
		{"a/", "", "a/065", want[7:]},
		{"", "/", "", []string{"a", "a/...", "b/...", "c&<>"}},
		{"nothing", "", "", nil},
	} {
		if diff := cmp.Diff(test.want, list(test.prefix, test.delimiter, test.after)); diff != "" {
			t.Errorf("%q after %q (-want +got):\n%s", test.prefix, test.after, diff)
		}
	}
}

// TestUploads protects what becomes of an object that comes in parts.
func TestUploads(t *testing.T) {
	_, c := open(t, service.Options{PartSizeMin: 4})
	ctx, key := context.Background(), aws.String("large")
	begin := func() *string {
		out, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return out.UploadId
	}
	part := func(id *string, number int32, body string) types.CompletedPart {
		out, err := c.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: aws.String(bucket), Key: key, UploadId: id, PartNumber: &number, Body: strings.NewReader(body),
		})
		if err != nil {
			t.Fatal(err)
		}
		return types.CompletedPart{PartNumber: &number, ETag: out.ETag}
	}
	complete := func(id *string, parts ...types.CompletedPart) error {
		_, err := c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: aws.String(bucket), Key: key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
		return err
	}
	id := begin()
	second, first, small := part(id, 2, "56"), part(id, 1, "1234"), part(id, 3, "7")
	if err := complete(id, second, first); code(t, err) != "InvalidPartOrder" {
		t.Error("parts in the wrong order:", err)
	}
	if err := complete(id, first, second, small); code(t, err) != "EntityTooSmall" {
		t.Error("a small part in the middle:", err)
	}
	if _, err := get(t, c, "large", ""); code(t, err) != "NoSuchKey" {
		t.Error("an object before it is complete:", err)
	}
	if err := complete(id, first, second); err != nil {
		t.Error(err)
	}
	if body, err := get(t, c, "large", ""); body != "123456" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	if err := complete(id, first, second); code(t, err) != "NoSuchUpload" {
		t.Error("a completion again:", err)
	}
	id = begin()
	if _, err := c.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String(bucket), Key: key, UploadId: id}); err != nil {
		t.Error(err)
	}
	if err := complete(id, first); code(t, err) != "NoSuchUpload" {
		t.Error("a completion of what was aborted:", err)
	}
}

// TestDamagedBodies protects that nothing is stored that differs from its checksum.
func TestDamagedBodies(t *testing.T) {
	_, c := open(t, service.Options{})
	for name, edit := range map[string]func(*s3.PutObjectInput){
		"crc32":  func(in *s3.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") },
		"crc32c": func(in *s3.PutObjectInput) { in.ChecksumCRC32C = aws.String("AAAAAA==") },
		"md5":    func(in *s3.PutObjectInput) { in.ContentMD5 = aws.String("AAAAAAAAAAAAAAAAAAAAAA==") },
	} {
		if _, err := put(c, "k", "body", edit); code(t, err) != "BadDigest" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := get(t, c, "k", ""); code(t, err) != "NoSuchKey" {
		t.Error("stored nevertheless:", err)
	}
}

// TestRefusals protects what is said to those who may not, or who err.
func TestRefusals(t *testing.T) {
	now := time.Now()
	_, c := open(t, service.Options{Owner: "1", ObjectSizeMax: 10, Now: func() time.Time { return now }})
	if _, err := put(c, "k", "x", func(in *s3.PutObjectInput) { in.ExpectedBucketOwner = aws.String("2") }); code(t, err) != "AccessDenied" {
		t.Error("somebody else's bucket:", err)
	}
	if _, err := put(c, "k", "x", func(in *s3.PutObjectInput) { in.Bucket = aws.String("none") }); code(t, err) != "NoSuchBucket" {
		t.Error("no bucket:", err)
	}
	if _, err := put(c, "k", "01234567890", nil); code(t, err) != "EntityTooLarge" {
		t.Error("a large body:", err)
	}
	if _, err := put(c, strings.Repeat("k", 1025), "", nil); code(t, err) != "KeyTooLongError" {
		t.Error("a long key:", err)
	}
	now = now.Add(time.Hour)
	if _, err := put(c, "k", "x", nil); code(t, err) != "RequestTimeTooSkewed" {
		t.Error("an old request:", err)
	}
}

// TestOpaqueETags protects that equal bodies have different ETags where they mean nothing.
func TestOpaqueETags(t *testing.T) {
	_, c := open(t, service.Options{})
	kms := func(in *s3.PutObjectInput) { in.ServerSideEncryption = types.ServerSideEncryptionAwsKms }
	a, err := put(c, "k", "x", kms)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := put(c, "k", "x", kms); a == b || err != nil {
		t.Error(a, b, err)
	}
	if _, err := put(c, "k", "y", func(in *s3.PutObjectInput) { in.IfMatch = &a }); code(t, err) != "PreconditionFailed" {
		t.Error("the first one still counts:", err)
	}
}

// TestManyDeletes protects DeleteObjects, and that a key that is not there is no error.
func TestManyDeletes(t *testing.T) {
	_, c := open(t, service.Options{})
	for _, key := range []string{"a", "b", "c"} {
		if _, err := put(c, key, key, nil); err != nil {
			t.Fatal(err)
		}
	}
	_, err := c.DeleteObjects(context.Background(), &s3.DeleteObjectsInput{
		Bucket: aws.String(bucket),
		Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("a")}, {Key: aws.String("c")}, {Key: aws.String("none")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, c, "a", ""); code(t, err) != "NoSuchKey" {
		t.Error(err)
	}
	if body, err := get(t, c, "b", ""); body != "b" || err != nil {
		t.Error(body, err)
	}
}

// TestBodiesAreCopied protects a stored object from whoever wrote or has read it.
func TestBodiesAreCopied(t *testing.T) {
	_, c := open(t, service.Options{})
	body := []byte("before")
	if _, err := c.PutObject(context.Background(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("k"), Body: bytes.NewReader(body),
	}); err != nil {
		t.Fatal(err)
	}
	copy(body, "after!")
	if got, err := get(t, c, "k", ""); got != "before" || err != nil {
		t.Error(got, err)
	}
}
