package main

import (
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/persist/s3/s3env"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
)

// A collection in a bucket is read while it grows and agrees with git, as one in a directory does; it
// stays, and is not written over.
func TestBucket(t *testing.T) {
	server := s3test.Start(t)
	f := history(t, 10, 20, 30, 40, 50)
	for _, variable := range server.AWSEnvironment(t) {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	url := s3env.Scheme + server.Bucket + "/" + server.Prefix(t)
	f.about("--s3", url).mustReport(t, "\nas of ", "checked:", "3 files, 3 lines", "is refused",
		"done:     5 commits, 5 updates")
	f.about("--s3", url).mustFail(t, exitUsage, url+": there is a collection already")
	f.about("--s3", "s3://none/x").mustFail(t, exitUsage, "NoSuchBucket")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	f.about("--s3", url).mustFail(t, exitUsage, "--s3: s3: no credentials")
}
