package service

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"github.com/tidemarkdb/tidemark/runtime"
)

// NewClient returns a client of the AWS SDK that sends its requests through a transport,
// as made by [Service.Transport]. What the SDK takes from the machine is taken from the
// runtime, or left out: requests are signed with its time, have no random id, and are
// never sent again by the SDK. So they are the same bytes whenever a seed is run again,
// and a call of the client runs on the task that makes it, and parks in the transport only.
func NewClient(rt *runtime.Runtime, transport http.RoundTripper) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String("http://s3.simulated"),
		Region:       "us-east-1",
		UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "simulated", SecretAccessKey: "simulated"}, nil
		}),
		HTTPClient:                 doer{transport},
		HTTPSignerV4:               signer{rt, v4.NewSigner()},
		Retryer:                    aws.NopRetryer{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		APIOptions:                 []func(*middleware.Stack) error{withoutRequestID},
	})
}

// withoutRequestID takes the random id of a call out of its requests.
func withoutRequestID(stack *middleware.Stack) error {
	_, err := stack.Build.Remove((*awsmiddleware.ClientRequestID)(nil).ID())
	return err
}

// doer sends requests without the timers and redirects of an [http.Client].
type doer struct{ http.RoundTripper }

func (d doer) Do(r *http.Request) (*http.Response, error) { return d.RoundTrip(r) }

// signer signs with the time of a runtime.
type signer struct {
	rt *runtime.Runtime
	*v4.Signer
}

func (s signer) SignHTTP(ctx context.Context, credentials aws.Credentials, r *http.Request, payloadHash, service,
	region string, _ time.Time, options ...func(*v4.SignerOptions),
) error {
	return s.Signer.SignHTTP(ctx, credentials, r, payloadHash, service, region, s.rt.Now(), options...)
}
