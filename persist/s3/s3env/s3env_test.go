package s3env_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3env"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// set sets variables, and empties those that no test should take from whoever runs it.
func set(t *testing.T, variables ...string) {
	t.Helper()
	empty := []string{
		"AWS_ENDPOINT_URL=", "AWS_ENDPOINT_URL_S3=", "AWS_REGION=", "AWS_DEFAULT_REGION=",
		"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_SESSION_TOKEN=",
	}
	for _, variable := range append(empty, variables...) {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
}

// Whatever is wrong with the environment is said, and never what a secret is.
func TestSaysWhatIsMissing(t *testing.T) {
	keys := []string{"AWS_ACCESS_KEY_ID=hush-id", "AWS_SECRET_ACCESS_KEY=hush-key"}
	for _, test := range []struct {
		variables []string
		location  string
		want      string
	}{
		{nil, "s3://b/p", "no credentials: set AWS_ACCESS_KEY_ID"},
		{keys[:1], "s3://b/p", "no credentials"},
		{keys[1:], "s3://b/p", "no credentials"},
		{keys, "s3://b/p", "no region: set AWS_REGION"},
		{append(keys, "AWS_ENDPOINT_URL=127.0.0.1:9000"), "s3://b/p", "AWS_ENDPOINT_URL is not like"},
		{append(keys, "AWS_ENDPOINT_URL=http://a:hush@b"), "s3://b/p", "AWS_ENDPOINT_URL is not like"},
		{append(keys, "AWS_ENDPOINT_URL_S3=http://a:hush@b:c"), "s3://b/p", "AWS_ENDPOINT_URL is not like"},
		{keys, "s3://", "the URL of a store is"},
		{keys, "s3:///p", "the URL of a store is"},
		{keys, "b/p", "the URL of a store is"},
		{keys, "s3://a:hush@b/p", "the URL of a store is"},
		{append(keys, "AWS_REGION=us-east-1"), "s3://b/p?x", `the prefix "p?x" is not possible`},
	} {
		set(t, test.variables...)
		_, err := s3env.Open(t.Context(), runtime.New(runtime.Options{}), test.location, s3.Options{})
		if !errors.Is(err, persist.ErrUsage) || !strings.Contains(fmt.Sprint(err), test.want) ||
			strings.Contains(fmt.Sprint(err), "hush") {
			t.Errorf("%s with %q: error %v, want one of usage with %q", test.location, test.variables, err, test.want)
		}
	}
}

// A bucket, an endpoint and credentials are enough, and the variable for S3 alone is the one that counts.
// Wrong credentials are the fault of who asks, and do not show up in the error.
func TestOpensWhatTheEnvironmentNames(t *testing.T) {
	server := s3test.Start(t)
	location := s3env.Scheme + server.Bucket + "/" + server.Prefix(t)
	variables := server.AWSEnvironment(t)
	open := func(more ...string) (*s3.Store, error) {
		set(t, append(variables, more...)...)
		return s3env.Open(t.Context(), runtime.New(runtime.Options{}), location, s3.Options{})
	}
	if _, err := open(); err != nil {
		t.Fatal(err)
	}
	endpoint, _ := strings.CutPrefix(variables[0], "AWS_ENDPOINT_URL=")
	if _, err := open("AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3="+endpoint); err != nil {
		t.Error(err)
	}
	_, err := open("AWS_SECRET_ACCESS_KEY=hush")
	if !errors.Is(err, persist.ErrUsage) || strings.Contains(err.Error(), "hush") {
		t.Errorf("with a wrong secret: error %v, want one of usage", err)
	}
}
