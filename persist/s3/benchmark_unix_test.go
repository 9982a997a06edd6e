//go:build unix

package s3_test

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3/s3test"
)

// processorTime is what this process has used; the server is another one.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkCommitCost measures what a commit costs the process, beside a bare conditional PUT of as
// many bytes.
func BenchmarkCommitCost(b *testing.B) {
	server := s3test.Start(b)
	prefix := server.Prefix(b)
	store, sent := benchmarkStore(b, server, prefix)
	c := store.Consensus()
	data := bytes.Repeat([]byte("x"), 128)
	n := persist.SeqNo(0)
	b.Run("commit", func(b *testing.B) {
		b.ReportAllocs()
		before := processorTime(b)
		for b.Loop() {
			ok, err := c.CompareAndSet(b.Context(), "key", n, persist.Versioned{SeqNo: n + 1, Data: data})
			if !ok || err != nil {
				b.Fatal(ok, err)
			}
			n++
		}
		b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "µs-of-processor/op")
	})
	b.Run("bare", func(b *testing.B) {
		bare := &register{client: server.Client(nil), bucket: server.Bucket, key: prefix + "/bare"}
		size := int(sent.Load())
		b.ReportAllocs()
		before := processorTime(b)
		for b.Loop() {
			must(b, bare.replace(b.Context(), size))
		}
		b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(b.N), "µs-of-processor/op")
	})
}
