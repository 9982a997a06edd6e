package runtime_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// These benchmarks compare a live runtime with plain Go. Both sides run in
// turns within one benchmark, because the speed of a machine changes more from
// one minute to the next than the two differ. Run them with
//
//	go test -bench Live -count 3 ./runtime
//
// The figure that counts is x-native, the median ratio. Any allocation is ours.

// batch is how many operations are timed at once.
const batch = 1 << 10

// versus times ours and native in turns, each doing batch operations per call.
func versus(b *testing.B, ours, native func()) {
	const rounds = 1 << 16
	ratios, overheads, absolutes := make([]float64, 0, rounds), make([]float64, 0, rounds), make([]float64, 0, rounds)
	b.ReportAllocs()
	for b.Loop() {
		mine := timed(ours)
		theirs := timed(native)
		theirs += timed(native)
		mine += timed(ours)
		ratios = append(ratios, float64(mine)/float64(theirs))
		overheads = append(overheads, float64(mine-theirs)/(2*batch))
		absolutes = append(absolutes, float64(mine)/(2*batch))
	}
	b.ReportMetric(median(ratios), "x-native")
	b.ReportMetric(median(overheads), "ns-over")
	b.ReportMetric(median(absolutes), "ns-ours")
	b.ReportMetric(0, "ns/op") // of a batch: says nothing
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func cancellable(b *testing.B) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	return ctx
}

// Bar: 1.0, because a non-blocking attempt is cheaper than a select.
func BenchmarkLiveBufferedWithContext(b *testing.B) {
	ctx := cancellable(b)
	c, native := runtime.NewChan[int](runtime.New(runtime.Options{}), 1), make(chan int, 1)
	versus(b,
		func() {
			for i := range batch {
				_ = c.Send(ctx, i)
				_, _ = c.Recv(ctx)
			}
		},
		func() {
			for i := range batch {
				select {
				case native <- i:
				case <-ctx.Done():
				}
				select {
				case <-native:
				case <-ctx.Done():
				}
			}
		})
}

// Bar: 1.35.
func BenchmarkLiveBuffered(b *testing.B) {
	ctx := context.Background()
	c, native := runtime.NewChan[int](runtime.New(runtime.Options{}), 1), make(chan int, 1)
	versus(b,
		func() {
			for i := range batch {
				_ = c.Send(ctx, i)
				_, _ = c.Recv(ctx)
			}
		},
		func() {
			for i := range batch {
				native <- i
				<-native
			}
		})
}

// Bar: 1.15.
func BenchmarkLivePingPongWithContext(b *testing.B) {
	ctx := cancellable(b)
	native := [2]chan int{make(chan int), make(chan int)}
	go func() {
		for {
			var v int
			select {
			case v = <-native[0]:
			case <-ctx.Done():
				return
			}
			select {
			case native[1] <- v:
			case <-ctx.Done():
				return
			}
		}
	}()
	versus(b, pingPong(b, ctx), func() {
		for i := range batch {
			select {
			case native[0] <- i:
			case <-ctx.Done():
			}
			select {
			case <-native[1]:
			case <-ctx.Done():
			}
		}
	})
}

// Bar: 1.4.
func BenchmarkLivePingPong(b *testing.B) {
	native := [2]chan int{make(chan int), make(chan int)}
	go func() {
		for v := range native[0] {
			native[1] <- v
		}
	}()
	b.Cleanup(func() { close(native[0]) })
	versus(b, pingPong(b, context.Background()), func() {
		for i := range batch {
			native[0] <- i
			<-native[1]
		}
	})
}

// pingPong returns a function that exchanges a batch of values with a task.
func pingPong(b *testing.B, ctx context.Context) func() {
	rt := runtime.New(runtime.Options{})
	ping, pong := runtime.NewChan[int](rt, 0), runtime.NewChan[int](rt, 0)
	b.Cleanup(ping.Close)
	rt.Go(ctx, "echo", func(context.Context) error {
		for v, err := range ping.All(ctx) {
			if err != nil || pong.Send(ctx, v) != nil {
				return err
			}
		}
		return nil
	})
	return func() {
		for i := range batch {
			_ = ping.Send(ctx, i)
			_, _ = pong.Recv(ctx)
		}
	}
}

// Bar: 1.35.
func BenchmarkLiveSelect2(b *testing.B) {
	ctx := cancellable(b)
	rt := runtime.New(runtime.Options{})
	a, idle := runtime.NewChan[int](rt, batch), runtime.NewChan[int](rt, batch)
	native, nativeIdle := make(chan int, batch), make(chan int, batch)
	versus(b,
		func() {
			for i := range batch {
				_, _ = runtime.Select2(ctx, a.SendArm(i), idle.RecvArm())
			}
			for range batch {
				_, _ = runtime.Select2(ctx, idle.RecvArm(), a.RecvArm())
			}
		},
		func() {
			for i := range batch {
				select {
				case native <- i:
				case <-nativeIdle:
				case <-ctx.Done():
				}
			}
			for range batch {
				select {
				case <-nativeIdle:
				case <-native:
				case <-ctx.Done():
				}
			}
		})
}

// Bar: 1.10 and 1 ns.
func BenchmarkLiveMutex(b *testing.B) {
	m, native := runtime.New(runtime.Options{}).NewMutex(), &sync.Mutex{}
	versus(b,
		func() {
			for range batch {
				m.Lock()
				m.Unlock() //nolint:staticcheck // the empty section is what is measured
			}
		},
		func() {
			for range batch {
				native.Lock()
				native.Unlock() //nolint:staticcheck // the empty section is what is measured
			}
		})
}
