package s3env

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Scheme is what the URLs of stores begin with.
const Scheme = "s3://"

// Open opens the store at a URL, such as s3://bucket/prefix, with a client of its own. The errors are
// those of [s3.Open] and [NewClient]; one that wraps [persist.ErrUsage] if the URL is none.
func Open(ctx context.Context, rt *runtime.Runtime, location string, options s3.Options) (*s3.Store, error) {
	bucket, prefix, err := split(location)
	if err != nil {
		return nil, err
	}
	client, err := NewClient()
	if err != nil {
		return nil, err
	}
	return s3.Open(ctx, rt, client, bucket, prefix, options)
}

// split returns what a URL consists of. The prefix is for [s3.Open] to judge.
func split(location string) (bucket, prefix string, err error) {
	path, isOurs := strings.CutPrefix(location, Scheme)
	bucket, prefix, _ = strings.Cut(path, "/")
	if !isOurs || bucket == "" || strings.ContainsAny(bucket, ":@?#% ") {
		return "", "", fmt.Errorf("s3: the URL of a store is s3://BUCKET/PREFIX: %w", persist.ErrUsage)
	}
	return bucket, prefix, nil
}

// NewClient returns a client that is configured by the variables of the environment, as they are now.
// The error wraps [persist.ErrUsage] if one is missing or makes no sense. Nothing is asked yet.
func NewClient() (*awss3.Client, error) {
	credentials := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	if !credentials.HasKeys() {
		return nil, fmt.Errorf("s3: no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: %w", persist.ErrUsage)
	}
	options := awss3.Options{
		Region:     cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(keepConnections),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return credentials, nil
		}),
	}
	if endpoint := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL")); endpoint != "" {
		if !isEndpoint(endpoint) {
			return nil, fmt.Errorf("s3: AWS_ENDPOINT_URL is not like https://host:port: %w", persist.ErrUsage)
		}
		options.BaseEndpoint, options.UsePathStyle = &endpoint, true
		options.Region = cmp.Or(options.Region, "us-east-1")
	}
	if options.Region == "" {
		return nil, fmt.Errorf("s3: no region: set AWS_REGION: %w", persist.ErrUsage)
	}
	return awss3.New(options), nil
}

// isEndpoint reports whether a text can be the URL of a server. A password in it would get into errors.
func isEndpoint(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// keepConnections lets as many stay as a store uses at once.
func keepConnections(t *http.Transport) { t.MaxIdleConnsPerHost = 64 }
