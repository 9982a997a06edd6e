package file_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// What these say depends on the file system of b.TempDir: set TMPDIR to choose one.
// On one in memory an fsync is free, and the ratios are those of the code alone.

const versionSize = 128

// callers is how many there are where there is more than one.
const callers = 64

// BenchmarkCompareAndSet appends a small version. Beside each it times two bare
// writes of as many bytes, each with an fsync: behind the end of a file, and over
// what is there, which spares the file system its own records. The goal is a ratio
// of at most 1.3.
func BenchmarkCompareAndSet(b *testing.B) {
	_, log := views(b, b.TempDir())
	bare := newBareFile(b)
	data := bytes.Repeat([]byte("x"), versionSize)
	var ours, appended, overwritten []time.Duration
	n := persist.SeqNo(0)
	for b.Loop() {
		start := time.Now()
		ok, err := log.CompareAndSet(b.Context(), "key", n, persist.Versioned{SeqNo: n + 1, Data: data})
		if !ok || err != nil {
			b.Fatal(ok, err)
		}
		ours = append(ours, time.Since(start))
		appended = append(appended, bare.append(b, data)+bare.append(b, data))
		overwritten = append(overwritten, bare.write(b, data, 0)+bare.write(b, data, 0))
		n++
	}
	report := func(name string, d time.Duration) { b.ReportMetric(float64(d.Microseconds()), name) }
	report("p50-µs/append", quantile(ours, 50))
	report("p99-µs/append", quantile(ours, 99))
	report("p50-µs/two-bare-appends", quantile(appended, 50))
	report("p50-µs/two-bare-overwrites", quantile(overwritten, 50))
	b.ReportMetric(float64(quantile(ours, 50))/float64(quantile(appended, 50)), "append/two-bare-appends")
	b.ReportMetric(float64(quantile(ours, 50))/float64(quantile(overwritten, 50)), "append/two-bare-overwrites")
	b.ReportMetric(0, "ns/op") // it would count the bare fsyncs
}

// BenchmarkCallers compares the throughput of 64 callers, each with a key of its
// own, to that of one: the goal is at least 10. Where an fsync takes little, pages
// decide. Neighbours on the disk decide as well: so the two take turns, for about as long,
// and what is told are the medians, of their ratio too.
func BenchmarkCallers(b *testing.B) {
	var one, many []float64
	for b.Loop() {
		one = append(one, versions(b, 1, 150))
		many = append(many, versions(b, callers, 30))
	}
	speedUp(b, "appends", one, many)
}

// versions returns how many versions a second so many callers append, each to a key that
// has some.
func versions(b *testing.B, callers, rounds int) float64 {
	const before = 50
	_, log := views(b, b.TempDir())
	data := bytes.Repeat([]byte("x"), versionSize)
	call := func(ctx context.Context, caller, round int) error {
		n := persist.SeqNo(round)
		_, err := log.CompareAndSet(ctx, fmt.Sprintf("key %d", caller), n, persist.Versioned{SeqNo: n + 1, Data: data})
		return err
	}
	throughput(b, callers, before, call)
	return throughput(b, callers, rounds, func(ctx context.Context, caller, round int) error {
		return call(ctx, caller, before+round)
	})
}

// throughput returns how many calls a second so many callers make.
func throughput(
	b *testing.B, callers, rounds int, call func(ctx context.Context, caller, round int) error,
) float64 {
	group := runtime.New(runtime.Options{}).NewGroup(b.Context())
	start := time.Now()
	for caller := range callers {
		group.Go("caller", func(ctx context.Context) error {
			for round := range rounds {
				if err := call(ctx, caller, round); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	return float64(callers*rounds) / time.Since(start).Seconds()
}

// speedUp reports how much more than one caller 64 callers get done, given both many times.
func speedUp(b *testing.B, what string, one, many []float64) {
	var ratios []float64
	for i := range one {
		ratios = append(ratios, many[i]/one[i])
	}
	b.ReportMetric(quantile(one, 50), what+"/s-of-1")
	b.ReportMetric(quantile(many, 50), fmt.Sprintf("%s/s-of-%d", what, callers))
	b.ReportMetric(quantile(ratios, 50), "speed-up")
	b.ReportMetric(quantile(ratios, 10), "speed-up-p10")
}

// BenchmarkOneShard compares the throughput of 64 callers of one shard, whose commands share
// versions, to that of one: the goal is at least 10.
func BenchmarkOneShard(b *testing.B) {
	var one, many []float64
	for b.Loop() {
		one = append(one, commands(b, 1, 200))
		many = append(many, commands(b, callers, 100))
	}
	speedUp(b, "commands", one, many)
}

// commands returns how many commands a second so many callers of a shard commit.
func commands(b *testing.B, callers, rounds int) float64 {
	blob, log := views(b, b.TempDir())
	client, err := persist.New(runtime.New(runtime.Options{}), blob, log, persist.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	shard, opaque := client.NewShardID(), persist.Opaque{Codec: "epoch"}
	var owners []*persist.Since
	for range callers {
		id := persist.CriticalReaderID(client.NewShardID())
		owner, err := client.OpenSince(b.Context(), shard, id, opaque, "benchmark")
		if err != nil {
			b.Fatal(err)
		}
		owners = append(owners, owner)
	}
	return throughput(b, callers, rounds, func(ctx context.Context, caller, _ int) error {
		_, err := owners[caller].CompareAndDowngrade(ctx, opaque, opaque, frontier.At(0))
		return err
	})
}

// BenchmarkSet stores objects of several sizes.
func BenchmarkSet(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20, 8 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			blob, _ := views(b, b.TempDir())
			value := bytes.Repeat([]byte("x"), size)
			b.SetBytes(int64(size))
			n := 0
			for b.Loop() {
				if err := blob.Set(b.Context(), fmt.Sprintf("s1/e0-w1/p%d", n), value); err != nil {
					b.Fatal(err)
				}
				n++
			}
		})
	}
}

// BenchmarkHead reads the newest version.
func BenchmarkHead(b *testing.B) {
	_, log := views(b, b.TempDir())
	data := bytes.Repeat([]byte("x"), versionSize)
	if ok, err := log.CompareAndSet(b.Context(), "key", 0, persist.Versioned{SeqNo: 1, Data: data}); !ok || err != nil {
		b.Fatal(ok, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := log.Head(b.Context(), "key"); err != nil {
			b.Fatal(err)
		}
	}
}

// bareFile is what a log costs that is nothing but a file.
type bareFile struct {
	*os.File
	size int64
}

func newBareFile(b *testing.B) *bareFile {
	f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	return &bareFile{File: f}
}

// append writes behind the end and syncs, and returns how long that took.
func (f *bareFile) append(b *testing.B, data []byte) time.Duration {
	f.size += int64(len(data))
	return f.write(b, data, f.size)
}

// write writes at an offset and syncs, and returns how long that took.
func (f *bareFile) write(b *testing.B, data []byte, offset int64) time.Duration {
	start := time.Now()
	_, err := f.WriteAt(data, offset)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

func quantile[T cmp.Ordered](all []T, percent int) T {
	slices.Sort(all)
	return all[len(all)*percent/100]
}
