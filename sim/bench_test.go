package sim_test

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// rawRoundTrip returns the nanoseconds of one resume and one yield of a bare
// iter.Pull coroutine, round-robin over n of them.
func rawRoundTrip(n, rounds int) float64 {
	nexts := make([]func() (struct{}, bool), n)
	for i := range nexts {
		next, stop := iter.Pull(func(yield func(struct{}) bool) {
			for yield(struct{}{}) {
			}
		})
		defer stop()
		nexts[i] = next
	}
	rand := runtime.NewRand(1)
	start := time.Now()
	for range rounds {
		nexts[rand.IntN(n)]()
	}
	return float64(time.Since(start).Nanoseconds()) / float64(rounds)
}

// measure runs body on the harness of a fresh world with hash, ring and tape
// on, as always, and returns the result and the real time that body took.
func measure(
	b *testing.B, strategy sim.Strategy, body func(ctx context.Context, rt *runtime.Runtime) time.Duration,
) (sim.Result, float64) {
	b.Helper()
	var elapsed time.Duration
	config := sim.Config{StepsMax: 1 << 60}
	if strategy != nil {
		config.Strategy = always(strategy)
	}
	r, err := sim.Run(b.Context(), config, func(ctx context.Context, w *sim.World) error {
		elapsed = body(ctx, w.Runtime())
		return nil
	})
	if err != nil || r.Verdict.Kind != sim.OK {
		b.Fatal(err, r.Verdict)
	}
	return r, float64(elapsed.Nanoseconds())
}

// first goes on with the same task as long as it can.
type first struct{}

func (first) Pick(*sim.Decision) int       { return 0 }
func (first) Draw(string, string, int) int { return 0 }

// yielders lets n tasks yield until each has done so rounds times.
func yielders(n, rounds int) func(ctx context.Context, rt *runtime.Runtime) time.Duration {
	return func(ctx context.Context, rt *runtime.Runtime) time.Duration {
		g := rt.NewGroup(ctx)
		start := time.Now()
		for range n {
			g.Go("yielder", func(context.Context) error {
				for range rounds {
					rt.Yield()
				}
				return nil
			})
		}
		g.Wait() //nolint:errcheck // the tasks return nil
		return time.Since(start)
	}
}

// BenchmarkSwitch measures a switch to another task beside a bare iter.Pull
// round trip in the same run. Yields that went on with the same task are taken
// out at what they cost among as many tasks under a strategy that never
// switches.
func BenchmarkSwitch(b *testing.B) {
	for _, n := range []int{2, 100} {
		b.Run(map[int]string{2: "tasks=2", 100: "tasks=100"}[n], func(b *testing.B) {
			const rounds = 200_000
			var ratios, raws, switches []float64
			for b.Loop() {
				raw := rawRoundTrip(n, rounds)
				_, self := measure(b, first{}, yielders(n, rounds/n))
				r, total := measure(b, nil, yielders(n, rounds/n))
				stays := float64(r.Steps - r.Switches)
				perSwitch := (total - stays*self/rounds) / float64(r.Switches)
				raws, switches = append(raws, raw), append(switches, perSwitch)
				ratios = append(ratios, perSwitch/raw)
			}
			b.ReportMetric(median(raws), "raw-ns")
			b.ReportMetric(median(switches), "ns/switch")
			b.ReportMetric(median(ratios), "x-raw")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkYield measures a yield that goes on with the same task.
func BenchmarkYield(b *testing.B) {
	const rounds = 1_000_000
	var ratios, yields []float64
	for b.Loop() {
		raw := rawRoundTrip(2, rounds/10)
		_, total := measure(b, nil, yielders(1, rounds))
		yields = append(yields, total/rounds)
		ratios = append(ratios, total/rounds/raw)
	}
	b.ReportMetric(median(yields), "ns/yield")
	b.ReportMetric(median(ratios), "x-raw")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMessage measures one Send and one Recv between two tasks over an
// unbuffered channel, each a scheduling point.
func BenchmarkMessage(b *testing.B) {
	const rounds = 100_000
	var ratios, messages []float64
	for b.Loop() {
		raw := rawRoundTrip(2, rounds)
		_, total := measure(b, nil, func(ctx context.Context, rt *runtime.Runtime) time.Duration {
			c := runtime.NewChan[int](rt, 0)
			sender := rt.Go(ctx, "sender", func(ctx context.Context) error {
				for i := range rounds {
					if err := c.Send(ctx, i); err != nil {
						return err
					}
				}
				return nil
			})
			start := time.Now()
			for range rounds {
				if _, err := c.Recv(ctx); err != nil {
					b.Error(err)
				}
			}
			elapsed := time.Since(start)
			if err := sender.Wait(ctx); err != nil {
				b.Error(err)
			}
			return elapsed
		})
		messages = append(messages, total/rounds)
		ratios = append(ratios, total/rounds/raw)
	}
	b.ReportMetric(median(messages), "ns/message")
	b.ReportMetric(median(ratios), "x-raw")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkPrimitives reports what has no bar: a lock and unlock, a sleep, a
// spawn and its end.
func BenchmarkPrimitives(b *testing.B) {
	for _, p := range []struct {
		name string
		body func(ctx context.Context, rt *runtime.Runtime) func()
	}{
		{"mutex", func(_ context.Context, rt *runtime.Runtime) func() {
			mu := rt.NewMutex()
			return func() { mu.Lock(); mu.Unlock() } //nolint:staticcheck // measured, not guarded
		}},
		{"buffered-chan", func(ctx context.Context, rt *runtime.Runtime) func() {
			c := runtime.NewChan[int](rt, 1)
			return func() { c.Send(ctx, 1); c.Recv(ctx) } //nolint:errcheck // never blocks
		}},
		{"sleep", func(ctx context.Context, rt *runtime.Runtime) func() {
			return func() { rt.Sleep(ctx, time.Millisecond) } //nolint:errcheck // never cancelled
		}},
		{"spawn", func(ctx context.Context, rt *runtime.Runtime) func() {
			body := func(context.Context) error { return nil }
			return func() { rt.Go(ctx, "task", body).Wait(ctx) } //nolint:errcheck // returns nil
		}},
	} {
		b.Run(p.name, func(b *testing.B) {
			b.ReportAllocs()
			measure(b, nil, func(ctx context.Context, rt *runtime.Runtime) time.Duration {
				op := p.body(ctx, rt)
				for b.Loop() {
					op()
				}
				return 0
			})
		})
	}
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
