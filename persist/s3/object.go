package s3

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// object is what was read of an object, all of it or a range.
type object struct {
	tag  string // its ETag, opaque
	size int64  // of all of it
	body []byte
	// checksum is the CRC32C of all of it, if whoever wrote it has left one.
	checksum    uint32
	hasChecksum bool
}

// condition is on what a request depends: the object has this tag, there is none, or it does
// not have this tag.
type condition struct {
	match    string
	isAbsent bool
	notMatch string
}

// byteRange is what of an object is to be read, if limit is not 0.
type byteRange struct{ start, limit int64 }

// String returns it as in a request.
func (r byteRange) String() string { return fmt.Sprintf("bytes=%d-%d", r.start, r.limit-1) }

// get reads an object.
func (s *sender) get(ctx context.Context, key string, part byteRange, on condition) (*object, error) {
	input := &s3.GetObjectInput{
		Bucket: &s.bucket, Key: &key, ExpectedBucketOwner: s.owner,
		IfMatch: optional(on.match), IfNoneMatch: optional(on.notMatch),
	}
	if part.limit > 0 {
		input.Range = aws.String(part.String())
	}
	r := &request{operation: "GetObject", key: key}
	found := &object{}
	return found, s.send(ctx, r, func(ctx context.Context) error {
		answer, err := s.client.GetObject(ctx, input)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		r.answered(int(min(aws.ToInt64(answer.ContentLength), objectSizeMax)))
		return found.fill(answer)
	})
}

// objectSizeMax is the size in bytes of the largest object that is read.
const objectSizeMax = 1<<31 - 1

// fill takes the object from an answer.
func (o *object) fill(answer *s3.GetObjectOutput) error {
	size := aws.ToInt64(answer.ContentLength)
	if answer.ContentLength == nil || size < 0 || size > objectSizeMax {
		return fmt.Errorf("an answer of %d bytes", size)
	}
	o.tag, o.size = aws.ToString(answer.ETag), size
	if total, isRange := strings.CutPrefix(aws.ToString(answer.ContentRange), "bytes "); isRange {
		_, total, _ = strings.Cut(total, "/")
		var err error
		if o.size, err = strconv.ParseInt(total, 10, 64); err != nil {
			return fmt.Errorf("an answer with the range %q", aws.ToString(answer.ContentRange))
		}
	}
	if checksum, err := strconv.ParseUint(answer.Metadata[checksumName], 16, 32); err == nil {
		o.checksum, o.hasChecksum = uint32(checksum), true
	}
	o.body = make([]byte, size)
	_, err := io.ReadFull(answer.Body, o.body)
	return err
}

// put writes an object that knows itself whether it is intact, and returns its tag.
func (s *sender) put(ctx context.Context, key string, body []byte, on condition) (tag string, err error) {
	return s.putConditional(ctx, key, bytes.NewReader(body), len(body), on)
}

func (s *sender) putConditional(
	ctx context.Context, key string, body io.ReadSeeker, size int, on condition,
) (tag string, err error) {
	input := &s3.PutObjectInput{Key: &key, Body: body, IfMatch: optional(on.match)}
	if on.isAbsent {
		input.IfNoneMatch = aws.String("*")
	}
	return s.putObject(ctx, input, size)
}

// putChecked writes an object with its checksum: the store verifies what it has got, and readers
// what the store has kept.
func (s *sender) putChecked(ctx context.Context, key string, body []byte) error {
	sum := checksum(body)
	_, err := s.putObject(ctx, &s3.PutObjectInput{
		Key: &key, Body: bytes.NewReader(body), ChecksumCRC32C: aws.String(encodeChecksum(sum)), Metadata: metadata(sum),
	}, len(body))
	return err
}

func (s *sender) putObject(ctx context.Context, input *s3.PutObjectInput, size int) (tag string, err error) {
	input.Bucket, input.ExpectedBucketOwner, input.ContentLength = &s.bucket, s.owner, aws.Int64(int64(size))
	input.ServerSideEncryption, input.SSEKMSKeyId = s.encryption()
	r := &request{operation: "PutObject", key: *input.Key, isWrite: true, size: size}
	err = s.send(ctx, r, func(ctx context.Context) error {
		answer, err := s.client.PutObject(ctx, input)
		if err == nil {
			tag = aws.ToString(answer.ETag)
		}
		return err
	})
	return tag, err
}

// head returns the size of an object, and false if there is none. That there is none may
// also be said by somebody who knows nothing of the bucket.
func (s *sender) head(ctx context.Context, key string) (found *object, isThere bool, err error) {
	input := &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key, ExpectedBucketOwner: s.owner}
	found = &object{}
	err = s.send(ctx, &request{operation: "HeadObject", key: key}, func(ctx context.Context) error {
		answer, err := s.client.HeadObject(ctx, input)
		if err != nil {
			return err
		}
		found.tag, found.size = aws.ToString(answer.ETag), aws.ToInt64(answer.ContentLength)
		if checksum, err := strconv.ParseUint(answer.Metadata[checksumName], 16, 32); err == nil {
			found.checksum, found.hasChecksum = uint32(checksum), true
		}
		return nil
	})
	if status(err) == 404 {
		return nil, false, nil
	}
	return found, err == nil, err
}

// delete deletes an object, also one that there is not.
func (s *sender) delete(ctx context.Context, key string) error {
	input := &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key, ExpectedBucketOwner: s.owner}
	r := &request{operation: "DeleteObject", key: key, isWrite: true}
	return s.send(ctx, r, func(ctx context.Context) error {
		_, err := s.client.DeleteObject(ctx, input)
		return err
	})
}

// list returns a page of the objects with a prefix, and where the next one begins, or nil.
func (s *sender) list(
	ctx context.Context, prefix string, token *string,
) (page []types.Object, next *string, err error) {
	input := &s3.ListObjectsV2Input{
		Bucket: &s.bucket, Prefix: &prefix, ContinuationToken: token, ExpectedBucketOwner: s.owner,
	}
	err = s.send(ctx, &request{operation: "ListObjectsV2", key: prefix}, func(ctx context.Context) error {
		answer, err := s.client.ListObjectsV2(ctx, input)
		if err == nil {
			page, next = answer.Contents, answer.NextContinuationToken
		}
		return err
	})
	return page, next, err
}

// undelete removes the marker that hides an object, if the bucket keeps versions and there is
// one.
func (s *sender) undelete(ctx context.Context, key string) error {
	input := &s3.ListObjectVersionsInput{Bucket: &s.bucket, Prefix: &key, ExpectedBucketOwner: s.owner}
	var marker *string
	err := s.send(ctx, &request{operation: "ListObjectVersions", key: key}, func(ctx context.Context) error {
		answer, err := s.client.ListObjectVersions(ctx, input)
		if err != nil {
			return err
		}
		for _, m := range answer.DeleteMarkers {
			if aws.ToString(m.Key) == key && aws.ToBool(m.IsLatest) {
				marker = m.VersionId
			}
		}
		return nil
	})
	if err != nil || marker == nil {
		return err
	}
	r := &request{operation: "DeleteObject", key: key, isWrite: true}
	return s.send(ctx, r, func(ctx context.Context) error {
		_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{
			Bucket: &s.bucket, Key: &key, VersionId: marker, ExpectedBucketOwner: s.owner,
		})
		return err
	})
}

// encryption returns what of a request to write says how to encrypt.
func (s *sender) encryption() (kind types.ServerSideEncryption, key *string) {
	if s.kmsKey == "" {
		return "", nil
	}
	return types.ServerSideEncryptionAwsKms, &s.kmsKey
}

// checksumName is that of the metadata with the CRC32C of an object, in hexadecimal digits.
// It is there beside the checksum that S3 has, because that is not known everywhere, and
// not that of the whole when the object was written in parts.
const checksumName = "crc32c"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// encodeChecksum returns a checksum as S3 has it.
func encodeChecksum(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

func metadata(sum uint32) map[string]string {
	return map[string]string{checksumName: fmt.Sprintf("%08x", sum)}
}

// optional returns nil for nothing.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
