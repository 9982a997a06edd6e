package s3test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Server says where an S3 server is, and as whom to use it. It is safe for
// concurrent use.
type Server struct {
	// Endpoint is an http or https URL, or unix:// and the path of a socket.
	Endpoint string
	Region   string
	// Key and Secret are those of the tests alone.
	Key, Secret string
	// Bucket exists.
	Bucket string

	transport *http.Transport
}

// The variables of the environment.
const (
	endpointVariable = "S3_TEST_ENDPOINT"
	keyVariable      = "S3_TEST_KEY"
	secretVariable   = "S3_TEST_SECRET"
	bucketVariable   = "S3_TEST_BUCKET"
	regionVariable   = "S3_TEST_REGION"
	requireVariable  = "REQUIRE_S3"
)

// running is the server that the tests of this process share.
var running struct {
	sync.Mutex
	tests  int // that use it
	local  *process
	server *Server
}

// Start returns the server that the environment names, or else one of this process,
// which it starts if no other test uses one. The test is skipped, loudly, if there can be
// none, or under -short.
func Start(t testing.TB) *Server {
	t.Helper()
	if testing.Short() {
		t.Skip("needs an S3 server, and -short is set")
	}
	running.Lock()
	defer running.Unlock()
	if running.tests == 0 {
		if err := begin(); err != nil {
			skip(t, err)
		}
	}
	running.tests++
	t.Cleanup(release)
	return running.server
}

func begin() error {
	if server, found := FromEnvironment(); found {
		running.server = server
		return nil
	}
	local, err := startProcess()
	if err != nil {
		return err
	}
	running.local = local
	running.server = newServer(Server{
		Endpoint: "unix://" + local.socket, Region: "us-east-1", Key: localKey, Secret: localSecret, Bucket: "tidemark",
	})
	_, err = running.server.Client(nil).CreateBucket(context.Background(),
		&s3.CreateBucketInput{Bucket: &running.server.Bucket})
	if err != nil {
		end()
		return fmt.Errorf("create the bucket: %w", err)
	}
	return nil
}

// release ends the server with the last test that uses it.
func release() {
	running.Lock()
	defer running.Unlock()
	if running.tests--; running.tests == 0 {
		end()
	}
}

func end() {
	running.server.transport.CloseIdleConnections()
	if running.local != nil {
		running.local.stop()
	}
	running.local, running.server = nil, nil
}

// skip ends a test that has no server.
func skip(t testing.TB, reason error) {
	t.Helper()
	if os.Getenv(requireVariable) == "1" {
		t.Fatalf("no S3 server, and %s=1: %v", requireVariable, reason)
	}
	fmt.Fprintf(os.Stderr, "SKIPPED %s: no S3 server: %v\n", t.Name(), reason)
	t.Skipf("no S3 server: %v", reason)
}

// FromEnvironment returns the server that the environment names, and false if it names
// none.
func FromEnvironment() (*Server, bool) {
	s := Server{
		Endpoint: os.Getenv(endpointVariable), Region: os.Getenv(regionVariable),
		Key: os.Getenv(keyVariable), Secret: os.Getenv(secretVariable), Bucket: os.Getenv(bucketVariable),
	}
	if s.Region == "" {
		s.Region = "us-east-1"
	}
	return newServer(s), s.Endpoint != ""
}

// Environment returns the variables that make [FromEnvironment] in another process return
// this server.
func (s *Server) Environment() []string {
	return []string{
		endpointVariable + "=" + s.Endpoint, regionVariable + "=" + s.Region,
		keyVariable + "=" + s.Key, secretVariable + "=" + s.Secret, bucketVariable + "=" + s.Bucket,
	}
}

func newServer(s Server) *Server {
	dialer := &net.Dialer{Timeout: 7 * time.Second}
	s.transport = &http.Transport{
		DialContext:           dialer.DialContext,
		MaxIdleConnsPerHost:   64,
		ExpectContinueTimeout: time.Second, // lets a large write that is refused be told so
	}
	if socket, isUnix := strings.CutPrefix(s.Endpoint, "unix://"); isUnix {
		s.transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
	}
	return &s
}

// Client returns a client of the server. Its requests go through what wrap makes of the
// way to the server, if wrap is not nil: that is where faults are injected and requests
// are counted.
func (s *Server) Client(wrap func(http.RoundTripper) http.RoundTripper) *s3.Client {
	var way http.RoundTripper = s.transport
	if wrap != nil {
		way = wrap(way)
	}
	endpoint := s.Endpoint
	if strings.HasPrefix(endpoint, "unix://") {
		endpoint = "http://s3.test"
	}
	return s3.New(s3.Options{
		Region:       s.Region,
		BaseEndpoint: &endpoint,
		UsePathStyle: true,
		HTTPClient:   &http.Client{Transport: way},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: s.Key, SecretAccessKey: s.Secret}, nil
		}),
	})
}
