package s3test_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
)

// TestMain lets this program be the process that a test kills.
func TestMain(m *testing.M) {
	if os.Getenv("S3TEST_VICTIM") != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

// put writes an object if there is none.
func put(ctx context.Context, client *s3.Client, bucket, key string) error {
	none := "*"
	_, err := client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &key, Body: strings.NewReader("body"), IfNoneMatch: &none,
	})
	return err
}

// TestTestsShareAServerButNoObjects protects tests from each other.
func TestTestsShareAServerButNoObjects(t *testing.T) {
	outer := s3test.Start(t)
	for i := range 3 {
		t.Run(fmt.Sprint("the same name ", i/2), func(t *testing.T) {
			t.Parallel()
			server := s3test.Start(t)
			if server != outer {
				t.Error("another server")
			}
			key := server.Prefix(t) + "/key"
			if err := put(t.Context(), server.Client(nil), server.Bucket, key); err != nil {
				t.Error(err)
			}
			err := put(t.Context(), server.Client(nil), server.Bucket, key)
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorCode() != "PreconditionFailed" {
				t.Errorf("second create: %v", err)
			}
		})
	}
}

// TestPrefixesAreEmptied protects buckets that outlive the tests.
func TestPrefixesAreEmptied(t *testing.T) {
	server := s3test.Start(t)
	prefix := ""
	t.Run("fill", func(t *testing.T) {
		prefix = server.Prefix(t)
		for i := range 3 {
			if err := put(t.Context(), server.Client(nil), server.Bucket, fmt.Sprint(prefix, "/a/", i)); err != nil {
				t.Error(err)
			}
		}
	})
	left, err := server.Client(nil).ListObjectsV2(t.Context(),
		&s3.ListObjectsV2Input{Bucket: &server.Bucket, Prefix: &prefix})
	if err != nil || len(left.Contents) > 0 {
		t.Errorf("%d objects are left, %v", len(left.Contents), err)
	}
}

// TestAnotherProcessCanUseTheServer protects tests of several processes.
func TestAnotherProcessCanUseTheServer(t *testing.T) {
	server := s3test.Start(t)
	for _, variable := range server.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	same, found := s3test.FromEnvironment()
	if !found {
		t.Fatal("the environment names no server")
	}
	if err := put(t.Context(), same.Client(nil), same.Bucket, server.Prefix(t)+"/key"); err != nil {
		t.Error(err)
	}
}

// TestVictim is what TestKilledProcessesLeaveNoServer kills.
func TestVictim(t *testing.T) {
	if os.Getenv("S3TEST_VICTIM") == "" {
		t.Skip("it is the process that another test starts and kills")
	}
	fmt.Println("endpoint", s3test.Start(t).Endpoint)
	<-t.Context().Done()
}

// TestKilledProcessesLeaveNoServer protects machines from orphans.
func TestKilledProcessesLeaveNoServer(t *testing.T) {
	if _, found := s3test.FromEnvironment(); found {
		t.Skip("the server is that of somebody else")
	}
	s3test.Start(t)
	victim := exec.Command(os.Args[0], "-test.run=^TestVictim$", "-test.v")
	victim.Env = append(os.Environ(), "S3TEST_VICTIM=1")
	var output endpointWriter
	output.found = make(chan string, 1)
	victim.Stdout = &output
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	socket := <-output.found
	if connection, err := net.Dial("unix", socket); err != nil {
		t.Error(err)
	} else {
		_ = connection.Close()
	}
	_ = victim.Process.Kill()
	_ = victim.Wait() // it was killed
	for deadline := time.Now().Add(5 * time.Second); ; {
		connection, err := net.Dial("unix", socket)
		if err != nil {
			return
		}
		_ = connection.Close()
		if time.Now().After(deadline) {
			t.Fatal("the server has outlived its process")
		}
	}
}

// endpointWriter finds the endpoint in what a victim prints.
type endpointWriter struct {
	text  strings.Builder
	found chan string
}

func (w *endpointWriter) Write(p []byte) (int, error) {
	w.text.Write(p)
	if _, rest, ok := strings.Cut(w.text.String(), "endpoint unix://"); ok {
		if socket, _, ok := strings.Cut(rest, "\n"); ok {
			select {
			case w.found <- socket:
			default:
			}
		}
	}
	return len(p), nil
}
