package shrink_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/shrink"
)

// BenchmarkTimeMax measures by how much shrinking exceeds its time where each candidate is
// large: 40 tasks, and tens of thousands of switches between them.
func BenchmarkTimeMax(b *testing.B) {
	const timeMax = time.Second
	run := func(ctx context.Context, w *sim.World) error {
		rt := w.Runtime()
		var n atomic.Int64
		group := rt.NewGroup(ctx)
		for range 40 {
			group.Go("adder", func(context.Context) error {
				for range 1000 {
					increment(rt, &n)
				}
				return nil
			})
		}
		err := group.Wait()
		rt.Always(n.Load() == 40_000, "lost-update", "n", n.Load())
		return err
	}
	scenario := sim.Scenario{Name: "crowd", Run: run}
	first, err := sim.Run(b.Context(), sim.Config{Seed: 1}, run)
	if err != nil || !first.Verdict.Failed() {
		b.Fatal(first.Verdict, err)
	}
	switches, left := 0, 0
	for b.Loop() {
		r, err := shrink.Run(b.Context(), scenario, sim.Config{Replay: first.Tape}, shrink.Options{TimeMax: timeMax})
		if err != nil {
			b.Fatal(err)
		}
		switches, left = r.Before, len(r.Script.Deviations)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/timeMax.Seconds(), "time/limit")
	b.ReportMetric(float64(switches), "deviations")
	b.ReportMetric(float64(left), "left")
	b.ReportMetric(0, "ns/op")
}
