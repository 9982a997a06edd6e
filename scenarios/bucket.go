package scenarios

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/service"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// bucketRules are what may happen to requests besides what may to calls of any store.
var bucketRules = slices.Concat(storageRules, []string{
	"cas conflict 1/%d", "get cut 1/%d", "set late 1/%d", "set duplicate 1/%d", "delete fail-after 1/%d",
})

// Bucket is appends over S3: the same story on another stage. A run takes some 55 ms, which are
// the SDK's: 100 µs for each request. It is short, for that reason.
//
// The ledger does not watch it, because what a bucket holds is not what processes write:
// that each append happened once, as it was answered, is seen from above.
func Bucket() sim.Scenario {
	return sim.Scenario{
		Name: "bucket",
		Doc: "the writers and readers of appends share a bucket, through the SDK and a network that loses requests and answers," +
			" doubles writes, delivers them late, and cuts bodies off; each append happens once, as it was answered",
		Run: inWorld(func(ctx context.Context, w simulated) error {
			on := newBucketStage(w, service.Options{})
			if err := on.prepare(ctx); err != nil {
				return err
			}
			return appendsUnder(ctx, on, shortStory(bucketRules))
		}),
		Faults: kindNames(storeFaults, bucketRules...),
		Goals:  []string{"append-succeeded", "append-mismatched", "append-unknown", "snapshot-read", "lease-expired"},
	}
}

// bucketStage is a simulated world with an S3 service.
type bucketStage struct {
	simulated
	service *service.Service
}

const bucketName = "bucket"

func newBucketStage(w simulated, options service.Options) *bucketStage {
	s := service.New("s3", options)
	s.CreateBucket(bucketName)
	return &bucketStage{w, s}
}

// access opens the store in the bucket, which the harness makes. A process goes on trying for
// as long as the bucket is not to be reached.
func (b *bucketStage) access(faults *faulty.Faults) access {
	return func(ctx context.Context, rt *runtime.Runtime, isCalm bool) (persist.Blob, persist.Consensus, error) {
		var way http.RoundTripper = b.service.Transport(rt)
		if !isCalm {
			way = faults.Transport(rt, way)
		}
		rand := rt.Rand("bucket")
		options := s3.Options{
			Probe: []s3.Probe{s3.ProbeNone, s3.ProbeEach}[rand.IntN(2)],
			Limits: s3.Limits{
				FirstByte: 500 * time.Millisecond, Attempt: time.Second, Operation: drawMillis(rand, 100, 1000, 20_000),
			},
		}
		for {
			store, err := s3.Open(ctx, rt, service.NewClient(rt, way), bucketName, "tidemark", options)
			var failed *s3.RequestError
			switch {
			case err == nil:
				return store.Blob(), store.Consensus(), nil
			case !errors.As(err, &failed):
				return nil, nil, err
			}
			if err := rt.Sleep(ctx, time.Second); err != nil {
				return nil, nil, err
			}
		}
	}
}

// prepare makes the store, whose races are probed once.
func (b *bucketStage) prepare(ctx context.Context) error {
	_, _, err := b.access(nil)(ctx, b.Runtime(), true)
	return err
}
