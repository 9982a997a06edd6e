package service_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	awshttp "github.com/aws/smithy-go/transport/http"

	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/persist/s3/service"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// record sums up the bytes of all requests of a world.
type record struct {
	mu   sync.Mutex
	hash hash.Hash
}

func (r *record) add(dump []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hash.Write(dump)
}

// recorder records what is sent through it.
type recorder struct {
	http.RoundTripper
	record *record
}

func (r recorder) RoundTrip(hr *http.Request) (*http.Response, error) {
	dump, err := httputil.DumpRequestOut(hr, true)
	if err != nil {
		return nil, err
	}
	r.record.add(dump)
	return r.RoundTripper.RoundTrip(hr)
}

// increment adds one to a number, without a second look at what is unclear: it reports
// whether it knows that it has.
func increment(ctx context.Context, c *s3.Client) (bool, error) {
	key := aws.String("counter")
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: key})
	if err != nil {
		return false, err
	}
	text, err := io.ReadAll(out.Body)
	if err != nil {
		return false, err
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return false, err
	}
	_, err = c.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: key, IfMatch: out.ETag, Body: bytes.NewReader([]byte(strconv.Itoa(n + 1))),
	})
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusPreconditionFailed {
		return false, nil
	}
	return err == nil, err
}

// count lets three nodes increment a counter a few times each, and returns how often they
// know that they have, what the counter says, and the hash of all requests.
func count(t *testing.T, seed uint64, options service.Options) (known, stored int, requests string, r sim.Result) {
	t.Helper()
	sum := &record{hash: sha256.New()}
	var acknowledged atomic.Int64
	r, err := sim.Run(context.Background(), sim.Config{Seed: seed}, func(ctx context.Context, w *sim.World) error {
		s := service.New("test", options)
		s.CreateBucket(bucket)
		rt := w.Runtime()
		own := service.NewClient(rt, recorder{s.Transport(rt), sum})
		if _, err := put(own, "counter", "0", nil); err != nil {
			return err
		}
		for i := range 3 {
			node, err := w.Node(fmt.Sprint("n", i), func(ctx context.Context, rt *runtime.Runtime) error {
				c := service.NewClient(rt, recorder{s.Transport(rt), sum})
				for range 4 {
					ok, err := increment(ctx, c)
					if err != nil {
						return err
					}
					if ok {
						acknowledged.Add(1)
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			if err := node.Boot(); err != nil {
				return err
			}
		}
		if err := rt.Sleep(ctx, 1e9); err != nil {
			return err
		}
		text, err := get(t, own, "counter", "")
		if err != nil {
			return err
		}
		stored, err = strconv.Atoi(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict.Kind != sim.OK {
		t.Fatal(r.Verdict)
	}
	return int(acknowledged.Load()), stored, fmt.Sprintf("%x", sum.hash.Sum(nil)), r
}

// TestTheSDKIsDeterministic protects that a seed sends the same bytes through the SDK each
// time, and that seeds differ.
func TestTheSDKIsDeterministic(t *testing.T) {
	all := make(map[string]bool)
	for seed := range uint64(20) {
		_, _, first, r := count(t, seed, service.Options{})
		_, _, second, again := count(t, seed, service.Options{})
		if first != second || r.Hash != again.Hash {
			t.Errorf("seed %d: requests %s, then %s; hashes %x, then %x", seed, first, second, r.Hash, again.Hash)
		}
		all[first] = true
	}
	if len(all) < 10 {
		t.Errorf("20 seeds sent only %d different sequences of requests", len(all))
	}
}

// TestCheckThenActIsSeen protects the switch that breaks the preconditions: without it no
// increment is lost, with it some are.
func TestCheckThenActIsSeen(t *testing.T) {
	lost := 0
	for seed := range uint64(50) {
		if known, stored, _, _ := count(t, seed, service.Options{}); known != stored {
			t.Errorf("seed %d: %d increments were acknowledged, and %d are there", seed, known, stored)
		}
		if known, stored, _, _ := count(t, seed, service.Options{IsCheckThenAct: true}); known != stored {
			lost++
		}
	}
	if lost == 0 {
		t.Error("a service that checks, then acts, has lost no increment in 50 seeds")
	}
}

// TestFaultsOnTheWay protects what each fault of the way does to a request: what the caller
// sees, and what has happened.
func TestFaultsOnTheWay(t *testing.T) {
	for _, test := range []struct {
		plan     string
		statuses map[int]bool // that may be seen; 0 for a broken connection
		happened []bool       // what may be
	}{
		{"cas fail-before 1/2", map[int]bool{0: true, 500: true, 503: true}, []bool{false}},
		{"cas fail-after 1/2", map[int]bool{0: true, 500: true, 503: true}, []bool{true}},
		{"cas late 1/2", map[int]bool{0: true, 500: true, 503: true}, []bool{false, true}},
		{"cas conflict 1/2", map[int]bool{409: true}, []bool{false}},
		{"cas refuse 1/2", map[int]bool{503: true}, []bool{false}},
		{"cas throttle 1/2", map[int]bool{503: true}, []bool{false}},
	} {
		t.Run(test.plan, func(t *testing.T) {
			seen, happened := make(map[int]bool), make(map[bool]bool)
			for seed := range uint64(60) {
				status, wasHit, isStored := putThrough(t, test.plan, seed)
				if wasHit {
					seen[status], happened[isStored] = true, true
				}
			}
			if fmt.Sprint(seen) != fmt.Sprint(test.statuses) {
				t.Errorf("saw %v, want %v", seen, test.statuses)
			}
			for _, h := range test.happened {
				if !happened[h] {
					t.Errorf("it never was that it has happened: %t", h)
				}
				delete(happened, h)
			}
			if len(happened) > 0 {
				t.Errorf("it has happened: %v", happened)
			}
		})
	}
}

// putThrough creates an object under a plan of faults, live, and looks a few times what is
// there through the same way.
func putThrough(t *testing.T, text string, seed uint64) (status int, wasHit, isStored bool) {
	t.Helper()
	plan, err := faulty.ParsePlan(text)
	if err != nil {
		t.Fatal(err)
	}
	faults, err := faulty.New(plan, seed)
	if err != nil {
		t.Fatal(err)
	}
	s, plain := open(t, service.Options{})
	rt := runtime.New(runtime.Options{})
	c := service.NewClient(rt, faults.Transport(rt, s.Transport(rt)))
	_, err = put(c, "k", "body", func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") })
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		status = answer.HTTPStatusCode()
	}
	for range 5 {
		_, _ = get(t, c, "k", "")
	}
	_, lookErr := get(t, plain, "k", "")
	return status, err != nil, lookErr == nil
}

// TestCutBodies protects that a body that is cut off on its way ends with an error, and is
// never taken for a short one.
func TestCutBodies(t *testing.T) {
	s, plain := open(t, service.Options{})
	if _, err := put(plain, "k", "a body that is long enough", nil); err != nil {
		t.Fatal(err)
	}
	plan, err := faulty.ParsePlan("get cut 1/2")
	if err != nil {
		t.Fatal(err)
	}
	faults, err := faulty.New(plan, 1)
	if err != nil {
		t.Fatal(err)
	}
	rt := runtime.New(runtime.Options{})
	c := service.NewClient(rt, faults.Transport(rt, s.Transport(rt)))
	cut := 0
	for range 20 {
		out, err := c.GetObject(context.Background(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(out.Body)
		if err != nil {
			cut++
		} else if string(body) != "a body that is long enough" {
			t.Errorf("%q without an error", body)
		}
	}
	if cut == 0 {
		t.Error("nothing was cut off")
	}
}
