package s3_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

// What these say is about ratios: each times the bare client on the same server beside.

// benchmarkStore opens a store and says how large the bodies are that it sends.
func benchmarkStore(b *testing.B, server *s3test.Server, prefix string) (store *s3.Store, sent *atomic.Int64) {
	sent = &atomic.Int64{}
	client := server.Client(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "/heads/") && r.Method == http.MethodPut {
				sent.Store(r.ContentLength)
			}
			return next.RoundTrip(r)
		})
	})
	store, err := s3.Open(b.Context(), runtime.New(runtime.Options{}), client, server.Bucket, prefix, s3.Options{})
	must(b, err)
	return store, sent
}

// register is a bare object that is replaced on a condition.
type register struct {
	client      *awss3.Client
	bucket, key string
	tag         string
}

func (r *register) replace(ctx context.Context, size int) error {
	body := make([]byte, size)
	_, _ = rand.Read(body) // never fails
	input := &awss3.PutObjectInput{Bucket: &r.bucket, Key: &r.key, Body: bytes.NewReader(body)}
	if input.IfMatch = &r.tag; r.tag == "" {
		input.IfMatch, input.IfNoneMatch = nil, aws.String("*")
	}
	answer, err := r.client.PutObject(ctx, input)
	if err == nil {
		r.tag = aws.ToString(answer.ETag)
	}
	return err
}

// BenchmarkCommit appends small versions. The goal is 1.4 times a bare conditional PUT of as
// many bytes.
func BenchmarkCommit(b *testing.B) {
	server := s3test.Start(b)
	prefix := server.Prefix(b)
	store, sent := benchmarkStore(b, server, prefix)
	c := store.Consensus()
	bare := &register{client: server.Client(nil), bucket: server.Bucket, key: prefix + "/bare"}
	data := bytes.Repeat([]byte("x"), 128)
	var ours, theirs []time.Duration
	n := persist.SeqNo(0)
	b.ReportAllocs()
	for b.Loop() {
		begin := time.Now()
		ok, err := c.CompareAndSet(b.Context(), "key", n, persist.Versioned{SeqNo: n + 1, Data: data})
		ours = append(ours, time.Since(begin))
		if !ok || err != nil {
			b.Fatal(ok, err)
		}
		n++
		begin = time.Now()
		must(b, bare.replace(b.Context(), int(sent.Load())))
		theirs = append(theirs, time.Since(begin))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	median, bareMedian := ours[len(ours)/2], theirs[len(theirs)/2]
	b.ReportMetric(float64(median.Microseconds()), "p50-µs/commit")
	b.ReportMetric(float64(ours[len(ours)*99/100].Microseconds()), "p99-µs/commit")
	b.ReportMetric(float64(bareMedian.Microseconds()), "p50-µs/bare-put")
	b.ReportMetric(float64(median)/float64(bareMedian), "commit/bare-put")
	b.ReportMetric(0, "ns/op") // it would count the bare ones
}

// BenchmarkKeys lets 16 writers append to a key each. The goal is 0.8 times the throughput of bare
// conditional PUTs of as many bytes.
func BenchmarkKeys(b *testing.B) {
	const writers, rounds = 16, 60
	server := s3test.Start(b)
	prefix := server.Prefix(b)
	store, sent := benchmarkStore(b, server, prefix)
	c := store.Consensus()
	client := server.Client(nil)
	data := bytes.Repeat([]byte("x"), 128)
	measure := func(write func(ctx context.Context, w, round int) error) float64 {
		begin := time.Now()
		group := runtime.New(runtime.Options{}).NewGroup(b.Context())
		for w := range writers {
			group.Go("writer", func(ctx context.Context) error {
				for round := range rounds {
					if err := write(ctx, w, round); err != nil {
						return err
					}
				}
				return nil
			})
		}
		must(b, group.Wait())
		return writers * rounds / time.Since(begin).Seconds()
	}
	ours, theirs, turn := 0.0, 0.0, 0
	for b.Loop() {
		ours = max(ours, measure(func(ctx context.Context, w, round int) error {
			n := persist.SeqNo(round)
			_, err := c.CompareAndSet(ctx, fmt.Sprint("key", turn, "-", w), n, persist.Versioned{SeqNo: n + 1, Data: data})
			return err
		}))
		registers := make([]register, writers)
		size := int(sent.Load()) / 2 // heads grow from nothing
		theirs = max(theirs, measure(func(ctx context.Context, w, _ int) error {
			r := &registers[w]
			r.client, r.bucket, r.key = client, server.Bucket, fmt.Sprint(prefix, "/bare", turn, "-", w)
			return r.replace(ctx, size)
		}))
		turn++
	}
	b.ReportMetric(ours, "commits/s")
	b.ReportMetric(theirs, "bare-puts/s")
	b.ReportMetric(ours/theirs, "commits/bare-puts")
}

// BenchmarkGet reads an object in parts. The goal is 0.8 times the throughput of the same ranges,
// read one by one by as many tasks.
func BenchmarkGet(b *testing.B) {
	const size, part = 64 << 20, 8 << 20
	server := s3test.Start(b)
	prefix := server.Prefix(b)
	store, _ := benchmarkStore(b, server, prefix)
	blob := store.Blob()
	must(b, blob.Set(b.Context(), "large", random(size)))
	key := prefix + "/blobs/large!"
	client := server.Client(nil)
	var ours, theirs time.Duration
	for b.Loop() {
		begin := time.Now()
		_, _, err := blob.Get(b.Context(), "large")
		must(b, err)
		ours += time.Since(begin)
		begin = time.Now()
		group := runtime.New(runtime.Options{}).NewGroup(b.Context())
		value := make([]byte, size)
		for start := 0; start < size; start += part {
			group.Go("range", func(ctx context.Context) error {
				answer, err := client.GetObject(ctx, &awss3.GetObjectInput{
					Bucket: &server.Bucket, Key: &key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", start, start+part-1)),
				})
				if err != nil {
					return err
				}
				defer answer.Body.Close()
				_, err = bytes.NewBuffer(value[start:start]).ReadFrom(answer.Body)
				return err
			})
		}
		must(b, group.Wait())
		theirs += time.Since(begin)
	}
	b.ReportMetric(float64(size*b.N)/ours.Seconds()/(1<<20), "MiB/s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "throughput/bare")
}
