package s3_test

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/runtime"
)

// A bucket, an endpoint and credentials are all that processes need to share shards. On AWS
// leave the endpoint and the path style out; there the package config of the SDK finds
// credentials of every kind.
func ExampleOpen() {
	client := awss3.New(awss3.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://127.0.0.1:9000"),
		UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: os.Getenv("KEY"), SecretAccessKey: os.Getenv("SECRET")}, nil
		}),
	})
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	store, err := s3.Open(ctx, rt, client, "bucket", "team/shards", s3.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	shards, err := persist.New(rt, store.Blob(), store.Consensus(), persist.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer shards.Close()
}
