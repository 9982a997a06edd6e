package sim_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// staying lets a strategy decide, and then goes on with the same task: what is left
// of a decision without its switch. Once in a thousand decisions the task that has
// waited longest goes on, so that nobody starves.
type staying struct {
	sim.Strategy
	decisions int
}

func (s *staying) Pick(d *sim.Decision) int {
	s.Strategy.Pick(d)
	s.decisions++
	if s.decisions%1000 == 0 {
		return 1
	}
	return 0
}

// BenchmarkDecision measures a decision among 16 tasks, with hash, ring and tape
// but without a switch, under each strategy beside Random in the same run.
func BenchmarkDecision(b *testing.B) {
	for _, s := range []struct {
		name string
		make func(seed uint64) sim.Strategy
	}{
		{"random", sim.Random},
		{"sticky", sim.Sticky(0.9)},
		{"pct", sim.PCT(3, sim.PCTConfig{})},
		{"pos", sim.POS},
	} {
		for _, op := range []string{"yield", "lock", "race"} {
			b.Run(s.name+"/"+op, func(b *testing.B) {
				var ratios, costs, more []float64
				for b.Loop() {
					base := decision(b, sim.Random(1), op)
					cost := decision(b, s.make(1), op)
					costs, more = append(costs, cost), append(more, cost-base)
					ratios = append(ratios, cost/base)
				}
				b.ReportMetric(median(costs), "ns/decision")
				b.ReportMetric(median(more), "ns-more")
				b.ReportMetric(median(ratios), "x-random")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// decision returns the nanoseconds of a decision among sixteen tasks that can go on:
// at a yield, at the lock or the unlock of a mutex of its own, or at the write of a
// resource that is also what all others are about to write.
func decision(b *testing.B, strategy sim.Strategy, op string) float64 {
	stay := &staying{Strategy: strategy}
	decisions := 0
	_, total := measure(b, stay, func(ctx context.Context, rt *runtime.Runtime) time.Duration {
		shared := runtime.NewResource("register", "shared")
		work := func(rounds int) {
			mu := rt.NewMutex()
			for range rounds {
				switch op {
				case "yield":
					rt.Yield()
				case "race":
					rt.Write(shared)
				default:
					mu.Lock()
					mu.Unlock() //nolint:staticcheck // measured, not guarded
				}
			}
		}
		for range 15 {
			rt.Go(ctx, "rival", func(context.Context) error { work(math.MaxInt); return nil })
		}
		work(20_000) // everything has its size
		before, start := stay.decisions, time.Now()
		work(50_000)
		elapsed := time.Since(start)
		decisions = stay.decisions - before
		return elapsed
	})
	return total / float64(decisions)
}
