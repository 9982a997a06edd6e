package scenarios_test

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/scenarios"
)

// TestScenariosHoldLive protects what the simulator cannot see: that the same scenarios hold
// on goroutines and in real time, over memory, a directory and a bucket.
func TestScenariosHoldLive(t *testing.T) {
	if testing.Short() {
		t.Skip("a scenario takes some twenty seconds of real time")
	}
	stores := map[string]func(t *testing.T) scenarios.Stores{"memory": inMemory, "file": inDirectory, "s3": inBucket}
	for _, name := range scenarios.LiveNames() {
		for where, open := range stores {
			t.Run(name+"/"+where, func(t *testing.T) {
				t.Parallel()
				if err := scenarios.RunLive(t.Context(), name, 1, open(t)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func inMemory(*testing.T) scenarios.Stores {
	store := memory.New("live", memory.Options{})
	return func(_ context.Context, rt *runtime.Runtime, faults *faulty.Faults) (persist.Blob, persist.Consensus, error) {
		return under(faults, rt, store.Blob(rt), store.Consensus(rt))
	}
}

// inDirectory returns a directory, which one process of the system has open at a time.
func inDirectory(t *testing.T) scenarios.Stores {
	rt := runtime.New(runtime.Options{})
	store, err := file.Open(t.Context(), rt, filepath.Join(t.TempDir(), "store"), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return func(_ context.Context, rt *runtime.Runtime, faults *faulty.Faults) (persist.Blob, persist.Consensus, error) {
		return under(faults, rt, store.Blob(rt), store.Consensus(rt))
	}
}

// under puts faults between a process and its store.
func under(
	faults *faulty.Faults, rt *runtime.Runtime, blob persist.Blob, log persist.Consensus,
) (persist.Blob, persist.Consensus, error) {
	if faults == nil {
		return blob, log, nil
	}
	return faults.Blob(rt, blob), faults.Consensus(rt, log), nil
}

// inBucket returns a prefix of a bucket, which each process opens for itself. Faults are on
// the way to it.
func inBucket(t *testing.T) scenarios.Stores {
	server := s3test.Start(t)
	prefix := server.Prefix(t)
	return func(ctx context.Context, rt *runtime.Runtime, faults *faulty.Faults) (persist.Blob, persist.Consensus, error) {
		client := server.Client(func(inner http.RoundTripper) http.RoundTripper {
			if faults == nil {
				return inner
			}
			return faults.Transport(rt, inner)
		})
		store, err := s3.Open(ctx, rt, client, server.Bucket, prefix, s3.Options{})
		if err != nil {
			return nil, nil, err
		}
		return store.Blob(), store.Consensus(), nil
	}
}
