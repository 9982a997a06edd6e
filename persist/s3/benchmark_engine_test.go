package s3_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
	"github.com/tidemarkdb/tidemark/runtime"
)

// benchmarkClients returns clients of one place, each as in a process of its own.
func benchmarkClients(b *testing.B, server *s3test.Server, count int) (clients []*persist.Client) {
	prefix := server.Prefix(b)
	for range count {
		store, _ := benchmarkStore(b, server, prefix)
		rt := runtime.New(runtime.Options{})
		client, err := persist.New(rt, store.Blob(), store.Consensus(), persist.Config{})
		must(b, err)
		b.Cleanup(client.Close)
		clients = append(clients, client)
	}
	return clients
}

// commandRate lets callers in each of some clients commit to one shard for a while, and returns how
// many commands a second all of them did, and how many the one that did least.
func commandRate(b *testing.B, clients []*persist.Client, callers int) (rate float64, least int64) {
	const period = time.Second
	shard, opaque := clients[0].NewShardID(), persist.Opaque{Codec: "epoch"}
	var owners []*persist.Since
	for _, client := range clients {
		for range callers {
			id := persist.CriticalReaderID(clients[0].NewShardID())
			owner, err := client.OpenSince(b.Context(), shard, id, opaque, "benchmark")
			must(b, err)
			owners = append(owners, owner)
		}
	}
	done := make([]atomic.Int64, len(owners))
	group := runtime.New(runtime.Options{}).NewGroup(b.Context())
	begin := time.Now()
	for i, owner := range owners {
		group.Go("caller", func(ctx context.Context) error {
			for time.Since(begin) < period {
				if _, err := owner.CompareAndDowngrade(ctx, opaque, opaque, frontier.At(0)); err != nil {
					return err
				}
				done[i].Add(1)
			}
			return nil
		})
	}
	must(b, group.Wait())
	total := int64(0)
	least = done[0].Load()
	for i := range done {
		total, least = total+done[i].Load(), min(least, done[i].Load())
	}
	return float64(total) / time.Since(begin).Seconds(), least
}

func middle(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// BenchmarkGroupCommit lets callers in one process commit to one shard: 1, 16 and 64. The goals are
// 6 times as many commands a second for 16, and 20 times for 64.
func BenchmarkGroupCommit(b *testing.B) {
	server := s3test.Start(b)
	clients := benchmarkClients(b, server, 1)
	var one, some, many []float64
	for b.Loop() {
		for callers, rates := range map[int]*[]float64{1: &one, 16: &some, 64: &many} {
			rate, _ := commandRate(b, clients, callers)
			*rates = append(*rates, rate)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(one), "commands/s-of-1")
	b.ReportMetric(middle(some)/middle(one), "speed-up-of-16")
	b.ReportMetric(middle(many)/middle(one), "speed-up-of-64")
}

// BenchmarkProcesses lets four clients with 16 callers each commit to one shard. The goals are 0.7
// times the commands a second of one client with 16 callers, and that no caller starves.
func BenchmarkProcesses(b *testing.B) {
	const processes, callers = 4, 16
	server := s3test.Start(b)
	clients := benchmarkClients(b, server, processes)
	var alone, together []float64
	least := int64(1 << 62)
	for b.Loop() {
		rate, _ := commandRate(b, clients[:1], callers)
		alone = append(alone, rate)
		rate, fewest := commandRate(b, clients, callers)
		together, least = append(together, rate), min(least, fewest)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(alone), "commands/s-of-1-process")
	b.ReportMetric(middle(together)/middle(alone), "rate-of-4-processes")
	b.ReportMetric(float64(least), "commands-of-the-slowest-caller/s")
}

// BenchmarkIdlePoll looks at a shard that does not change. The goal is one conditional GET with
// an empty answer.
func BenchmarkIdlePoll(b *testing.B) {
	server := s3test.Start(b)
	prefix := server.Prefix(b)
	var requests, unchanged, received atomic.Int64
	store, err := s3.Open(b.Context(), runtime.New(runtime.Options{}),
		server.Client(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				answer, err := next.RoundTrip(r)
				requests.Add(1)
				if err == nil && answer.StatusCode == http.StatusNotModified {
					unchanged.Add(1)
					received.Add(max(answer.ContentLength, 0))
				}
				return answer, err
			})
		}), server.Bucket, prefix, s3.Options{})
	must(b, err)
	client, err := persist.New(runtime.New(runtime.Options{}), store.Blob(), store.Consensus(), persist.Config{})
	must(b, err)
	defer client.Close()
	w, err := client.OpenWriter(b.Context(), persist.ShardID{1}, persist.WriterOptions{Purpose: "benchmark"})
	must(b, err)
	row := persist.Update{Row: bytes.Repeat([]byte("x"), 1000), Diff: 1}
	must(b, w.CompareAndAppend(b.Context(), []persist.Update{row}, frontier.At(0), frontier.At(1)))
	_, err = w.FetchRecentUpper(b.Context())
	must(b, err)
	requests.Store(0)
	unchanged.Store(0)
	received.Store(0)
	b.ReportAllocs()
	for b.Loop() {
		_, err := w.FetchRecentUpper(b.Context())
		must(b, err)
	}
	b.ReportMetric(float64(requests.Load())/float64(b.N), "requests/poll")
	b.ReportMetric(float64(unchanged.Load())/float64(b.N), "304s/poll")
	b.ReportMetric(float64(received.Load())/float64(b.N), "B-of-body/poll")
}

// BenchmarkSnapshot streams a shard of several parts. The goal is 0.8 times the throughput of plain
// ranged GETs of the same parts, as many at a time.
func BenchmarkSnapshot(b *testing.B) {
	for _, size := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("rows=%dB", size), func(b *testing.B) { benchmarkSnapshot(b, size) })
	}
}

func benchmarkSnapshot(b *testing.B, size int) {
	const appends, bytesOfAppend, part = 8, 7 << 20, 8 << 20
	server := s3test.Start(b)
	prefix := server.Prefix(b)
	store, _ := benchmarkStore(b, server, prefix)
	config := persist.Config{CompactionsMax: -1}
	client, err := persist.New(runtime.New(runtime.Options{}), store.Blob(), store.Consensus(), config)
	must(b, err)
	defer client.Close()
	shard := persist.ShardID{1}
	w, err := client.OpenWriter(b.Context(), shard, persist.WriterOptions{Purpose: "benchmark"})
	must(b, err)
	for at := range uint64(appends) {
		source := random(bytesOfAppend + int(at))
		var updates []persist.Update
		for row := range slices.Chunk(source, size) {
			updates = append(updates, persist.Update{Row: row, Time: at, Diff: 1})
		}
		must(b, w.CompareAndAppend(b.Context(), updates, frontier.At(at), frontier.At(at+1)))
	}
	reader, err := client.OpenReader(b.Context(), shard, persist.ReaderOptions{Purpose: "benchmark"})
	must(b, err)
	defer reader.Close(context.Background()) //nolint:errcheck // the store goes with it
	parts := make(map[string]int)
	must(b, store.Blob().List(b.Context(), "", func(key string, size int) error {
		if !strings.Contains(key, "/v") { // but for rollups
			parts[prefix+"/blobs/"+key+"!"] = size
		}
		return nil
	}))
	plain := server.Client(nil)
	var ours, theirs time.Duration
	total := 0
	for b.Loop() {
		begin := time.Now()
		for _, err := range reader.Stream(b.Context(), appends-1) {
			must(b, err)
		}
		ours += time.Since(begin)
		begin = time.Now()
		group := runtime.New(runtime.Options{}).NewGroup(b.Context())
		for key, size := range parts {
			total += size
			for start := 0; start < size; start += part {
				group.Go("range", func(ctx context.Context) error {
					answer, err := plain.GetObject(ctx, &awss3.GetObjectInput{
						Bucket: &server.Bucket, Key: &key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", start, start+part-1)),
					})
					if err != nil {
						return err
					}
					defer answer.Body.Close()
					body := make([]byte, min(part, size-start))
					_, err = io.ReadFull(answer.Body, body)
					return err
				})
			}
		}
		must(b, group.Wait())
		theirs += time.Since(begin)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(parts)), "parts")
	b.ReportMetric(float64(total)/ours.Seconds()/(1<<20), "MiB/s")
	b.ReportMetric(float64(total)/theirs.Seconds()/(1<<20), "MiB/s-of-GETs")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "throughput/bare")
}
