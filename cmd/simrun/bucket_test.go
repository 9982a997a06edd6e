package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestScriptsOverABucket protects those who look into a bucket: in $BUCKET, at $PREFIX, of which the
// environment of the scripts has the credentials.
func TestScriptsOverABucket(t *testing.T) {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/bucket",
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, server.AWSEnvironment(t)...)
			env.Setenv("BUCKET", server.Bucket)
			env.Setenv("PREFIX", prefix)
			return nil
		},
		Cmds: commands{
			"exitcode": exitCode,
			"bucket": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: bucket ACTION")
				}
				ts.Check(bucketCommand(t, ts, server, prefix, args[0]))
			},
		},
		RequireExplicitExec: true,
	})
}

// bucketCommand does something with the store in the bucket: bucket make
func bucketCommand(t *testing.T, ts *testscript.TestScript, server *s3test.Server, prefix, action string) error {
	switch action {
	case "note": // for a later "unchanged"
		now, err := listing(t, server, prefix)
		ts.Setenv("LISTING", now)
		return err
	case "unchanged":
		now, err := listing(t, server, prefix)
		if err == nil && now != ts.Getenv("LISTING") {
			err = errors.New("objects were changed")
		}
		return err
	}
	rt := runtime.New(runtime.Options{Node: "ingest-1"})
	bucket, err := s3.Open(t.Context(), rt, server.Client(nil), server.Bucket, prefix, s3.Options{})
	if err != nil {
		return err
	}
	store := &testStore{
		rt: rt, blob: bucket.Blob(), consensus: bucket.Consensus(), closeFiles: func() error { return nil },
	}
	if err := store.open(); err != nil {
		return err
	}
	return errors.Join(store.change(t.Context(), action), store.close())
}

// listing tells names, times and contents of all objects below a prefix.
func listing(t *testing.T, server *s3test.Server, prefix string) (string, error) {
	var all strings.Builder
	pages := awss3.NewListObjectsV2Paginator(server.Client(nil), &awss3.ListObjectsV2Input{
		Bucket: &server.Bucket, Prefix: aws.String(prefix + "/"),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			return "", err
		}
		for _, o := range page.Contents {
			fmt.Fprintln(&all, *o.Key, o.LastModified, *o.ETag)
		}
	}
	if all.Len() == 0 {
		return "", errors.New("there are no objects")
	}
	return all.String(), nil
}
