package s3test

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Prefix returns a prefix of the bucket, without a slash at its end, that no other test
// and no other run uses. What is there when the test ends is deleted.
func (s *Server) Prefix(t testing.TB) string {
	t.Helper()
	prefix := "test/" + plain(t.Name()) + "-" + strings.ToLower(rand.Text()[:12])
	t.Cleanup(func() {
		if err := s.empty(context.Background(), prefix+"/"); err != nil {
			t.Errorf("delete what the test has left in %s: %v", prefix, err)
		}
	})
	return prefix
}

// plain returns the end of a name without what keys of objects should not have.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, name)
	return name[max(0, len(name)-60):]
}

// empty deletes all objects whose keys begin with a prefix.
func (s *Server) empty(ctx context.Context, prefix string) error {
	client := s.Client(nil)
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &s.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if len(page.Contents) == 0 {
			continue
		}
		var keys []types.ObjectIdentifier
		for _, object := range page.Contents {
			keys = append(keys, types.ObjectIdentifier{Key: object.Key})
		}
		_, err = client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &s.Bucket, Delete: &types.Delete{Objects: keys}})
		if err != nil {
			return err
		}
	}
	return nil
}
