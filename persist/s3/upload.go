package s3

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/tidemarkdb/tidemark/persist"
)

// upload writes an object, in parts if it is larger than one.
func (s *Store) upload(ctx context.Context, name string, value []byte) error {
	part := s.options.PartSize
	switch sizeMax := min(objectSizeMax, part*min(partsMax, math.MaxInt32/part)); {
	case len(value) > sizeMax:
		return &persist.TooLargeError{Size: len(value), SizeMax: sizeMax}
	case len(value) > part:
		return s.uploadParts(ctx, name, value)
	}
	return s.transfer(ctx, func(ctx context.Context) error { return s.putChecked(ctx, name, value) })
}

// uploadsMax is how often an upload is begun anew that the store has lost.
const uploadsMax = 3

// uploadParts writes the parts at the same time, and then makes an object of them. If the store
// no longer knows the upload then either it has done so already, or it has lost it.
func (s *Store) uploadParts(ctx context.Context, name string, value []byte) (err error) {
	sum := checksum(value)
	for range uploadsMax {
		if err = s.uploadOnce(ctx, name, value, sum); !isLost(err) {
			return err
		}
		var found *object
		isThere := false
		lookErr := s.retries.repeat(ctx, func(ctx context.Context) (err error) {
			found, isThere, err = s.head(ctx, name)
			return err
		})
		if lookErr != nil {
			return err
		}
		if isThere && found.size == int64(len(value)) && found.hasChecksum && found.checksum == sum {
			return nil
		}
	}
	return err
}

func isLost(err error) bool {
	var failure *RequestError
	return errors.As(err, &failure) && failure.Code == "NoSuchUpload"
}

func (s *Store) uploadOnce(ctx context.Context, name string, value []byte, sum uint32) error {
	var upload string
	err := s.retries.repeat(ctx, func(ctx context.Context) (err error) {
		upload, err = s.createUpload(ctx, name, sum)
		return err
	})
	if err != nil {
		return determinateUpload(err)
	}
	part := s.options.PartSize
	parts := make([]types.CompletedPart, (len(value)+part-1)/part)
	err = s.each(ctx, len(parts), func(ctx context.Context, i int) error {
		body := value[i*part : min((i+1)*part, len(value))]
		return s.transfer(ctx, func(ctx context.Context) (err error) {
			parts[i], err = s.putPart(ctx, name, upload, i+1, body)
			return err
		})
	})
	if err != nil {
		s.abandon(ctx, name, upload)
		return determinateUpload(err)
	}
	err = s.retries.repeat(ctx, func(ctx context.Context) error {
		return s.completeUpload(ctx, name, upload, parts, len(value))
	})
	if errors.Is(err, persist.ErrDeterminate) {
		s.abandon(ctx, name, upload)
	}
	return err
}

// determinateUpload returns the error of an upload of which no object has been made, nor will
// be: whatever has become of the request.
func determinateUpload(err error) error {
	var failure *RequestError
	if errors.As(err, &failure) && failure.class == unclear {
		failure.isWrite = false
	}
	return determinate(err)
}

// abandon lets the store forget the parts, if it is in reach. The upload is not to be used
// any more. If ctx has ended there is as much time for it as for a first byte.
func (s *Store) abandon(ctx context.Context, name, upload string) {
	ctx, cancel := s.rt.WithTimeout(context.WithoutCancel(ctx), s.limits.FirstByte)
	defer cancel()
	if err := s.abortUpload(ctx, name, upload); err != nil && !isLost(err) {
		s.rt.Logger().Info("s3: parts of an upload are left to the rules of the bucket", "error", err.Error())
	}
}

func (s *sender) createUpload(ctx context.Context, key string, sum uint32) (upload string, err error) {
	input := &s3.CreateMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, ExpectedBucketOwner: s.owner, Metadata: metadata(sum),
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c,
	}
	input.ServerSideEncryption, input.SSEKMSKeyId = s.encryption()
	r := &request{operation: "CreateMultipartUpload", key: key, isWrite: true}
	err = s.send(ctx, r, func(ctx context.Context) error {
		answer, err := s.client.CreateMultipartUpload(ctx, input)
		if err == nil {
			upload = aws.ToString(answer.UploadId)
		}
		return err
	})
	return upload, err
}

func (s *sender) putPart(
	ctx context.Context, key, upload string, number int, body []byte,
) (part types.CompletedPart, err error) {
	input := &s3.UploadPartInput{
		Bucket: &s.bucket, Key: &key, UploadId: &upload, PartNumber: aws.Int32(int32(number)),
		ExpectedBucketOwner: s.owner, Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))),
		ChecksumCRC32C: aws.String(encodeChecksum(checksum(body))),
	}
	r := &request{operation: "UploadPart", key: key, isWrite: true, size: len(body)}
	err = s.send(ctx, r, func(ctx context.Context) error {
		answer, err := s.client.UploadPart(ctx, input)
		if err == nil {
			part = types.CompletedPart{ETag: answer.ETag, PartNumber: input.PartNumber, ChecksumCRC32C: input.ChecksumCRC32C}
		}
		return err
	})
	return part, err
}

// completeUpload makes an object of the parts. A store takes its time for a large one.
func (s *sender) completeUpload(
	ctx context.Context, key, upload string, parts []types.CompletedPart, size int,
) error {
	input := &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, UploadId: &upload, ExpectedBucketOwner: s.owner,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: slices.Clone(parts)},
	}
	r := &request{operation: "CompleteMultipartUpload", key: key, isWrite: true, size: size}
	return s.send(ctx, r, func(ctx context.Context) error {
		_, err := s.client.CompleteMultipartUpload(ctx, input)
		return err
	})
}

func (s *sender) abortUpload(ctx context.Context, key, upload string) error {
	input := &s3.AbortMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, UploadId: &upload, ExpectedBucketOwner: s.owner,
	}
	r := &request{operation: "AbortMultipartUpload", key: key, isWrite: true}
	return s.send(ctx, r, func(ctx context.Context) error {
		_, err := s.client.AbortMultipartUpload(ctx, input)
		return err
	})
}
