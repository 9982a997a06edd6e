package s3_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/persisttest"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestMain lets the test binary be another process of a test, too.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		fmt.Println("FAILED:", live(context.Background(), role))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// open returns the conformance suite's way to stores whose requests go through a round tripper.
func open(wrap func(http.RoundTripper) http.RoundTripper, options s3.Options) persisttest.Open {
	options.Probe = s3.ProbeNone
	return func(t *testing.T) func(rt *runtime.Runtime) (persist.Blob, persist.Consensus) {
		server := s3test.Start(t)
		prefix := created(t, server)
		return func(rt *runtime.Runtime) (persist.Blob, persist.Consensus) {
			store, err := s3.Open(t.Context(), rt, server.Client(wrap), server.Bucket, prefix, options)
			must(t, err)
			return store.Blob(), store.Consensus()
		}
	}
}

// TestConformance protects the contract of persist.
func TestConformance(t *testing.T) {
	s3test.Start(t) // one for all cases
	t.Run("blob", func(t *testing.T) { persisttest.Blob(t, open(nil, s3.Options{})) })
	t.Run("consensus", func(t *testing.T) { persisttest.Consensus(t, open(nil, s3.Options{})) })
}

// TestConformanceUnderFaults protects the contract where the network and the store fail now and
// then, before and after a request had its effect.
func TestConformanceUnderFaults(t *testing.T) {
	s3test.Start(t)
	faults := newFaults(1, 8)
	t.Run("blob", func(t *testing.T) { persisttest.Blob(t, open(faults.wrap, impatient())) })
	t.Run("consensus", func(t *testing.T) { persisttest.Consensus(t, open(faults.wrap, impatient())) })
	faults.wantAll(t)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
