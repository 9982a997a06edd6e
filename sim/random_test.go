package sim_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// TestEveryInterleavingIsReached protects exploration: two tasks of three steps
// each have 20 interleavings, and chance finds them all, none of them rarely.
func TestEveryInterleavingIsReached(t *testing.T) {
	const seeds = 2000
	orders := make(map[string]int)
	for seed := range uint64(seeds) {
		var order worldly[string]
		run(t, seed, body(func(ctx context.Context, rt *runtime.Runtime) {
			gate := runtime.NewChan[int](rt, 0) // closed when both are at the start
			g := rt.NewGroup(ctx)
			for _, name := range []string{"a", "b"} {
				g.Go(name, func(ctx context.Context) error {
					_, _ = gate.Recv(ctx) // ErrClosed, which is the signal
					for range 3 {
						rt.Yield()
						note(&order, name)
					}
					return nil
				})
			}
			must(rt.Sleep(ctx, time.Second))
			gate.Close()
			must(g.Wait())
		}))
		orders[order.get()]++
	}
	if len(orders) != 20 {
		t.Errorf("%d of 20 interleavings", len(orders))
	}
	for order, n := range orders {
		if len(order) != 6 || n < seeds/200 {
			t.Errorf("interleaving %s %d times in %d runs", order, n, seeds)
		}
	}
}

// recorder is a strategy that counts what another one picks.
type recorder struct {
	sim.Strategy
	picks map[int][]int // by the number of candidates
}

func (r *recorder) Pick(d *sim.Decision) int {
	i := r.Strategy.Pick(d)
	if r.picks[d.Len()] == nil {
		r.picks[d.Len()] = make([]int, d.Len())
	}
	r.picks[d.Len()][i]++
	return i
}

// TestPickIsUniform protects against a bias towards early or late candidates:
// Pearson's chi-square over many decisions stays below its 99.9th percentile.
// The seeds are fixed, so the test cannot fail by chance.
func TestPickIsUniform(t *testing.T) {
	percentile := map[int]float64{2: 10.8, 3: 13.8, 4: 16.3, 5: 18.5, 6: 20.5, 7: 22.5, 8: 24.3}
	r := &recorder{Strategy: sim.Random(1), picks: make(map[int][]int)}
	for n := 1; n <= 7; n++ {
		runWith(t, sim.Config{Strategy: always(r)}, body(func(ctx context.Context, rt *runtime.Runtime) {
			for range n {
				rt.Go(ctx, "spinner", func(ctx context.Context) error { spin(ctx, rt); return nil })
			}
			for range 3000 {
				rt.Yield()
			}
		}))
	}
	for n, limit := range percentile {
		total, statistic := 0, 0.0
		for _, count := range r.picks[n] {
			total += count
		}
		expected := float64(total) / float64(n)
		for _, count := range r.picks[n] {
			statistic += (float64(count) - expected) * (float64(count) - expected) / expected
		}
		if total < 2000 || statistic > limit {
			t.Errorf("among %d: chi-square %.1f over %d picks, limit %.1f: %v", n, statistic, total, limit, r.picks[n])
		}
	}
}

// draws returns the first choices of a stream.
func draws(rt *runtime.Runtime, stream string) []int {
	all := make([]int, 20)
	for i := range all {
		all[i] = rt.Choose(stream, "site", 1000)
	}
	return all
}

// TestStreamsAreIndependent protects reduction and comparison of runs: draws in
// one stream, random numbers and scheduling decisions do not shift another.
func TestStreamsAreIndependent(t *testing.T) {
	type observed struct {
		network []int
		random  uint64
	}
	observe := func(disturb func(ctx context.Context, rt *runtime.Runtime)) (o observed) {
		run(t, 5, body(func(ctx context.Context, rt *runtime.Runtime) {
			disturb(ctx, rt)
			o = observed{draws(rt, "network"), rt.Rand("workload").Uint64()}
		}))
		return o
	}
	alone := observe(func(context.Context, *runtime.Runtime) {})
	for name, disturb := range map[string]func(ctx context.Context, rt *runtime.Runtime){
		"other stream":  func(_ context.Context, rt *runtime.Runtime) { draws(rt, "storage") },
		"random":        func(_ context.Context, rt *runtime.Runtime) { rt.Rand("workload").Uint64(); rt.Rand("x").Uint64() },
		"buggify":       func(_ context.Context, rt *runtime.Runtime) { rt.Buggify("a"); rt.Buggify("b") },
		"interleavings": crowd,
		"selects": func(ctx context.Context, rt *runtime.Runtime) {
			c := runtime.NewChan[int](rt, 9)
			for range 9 {
				_, err := runtime.Select2(ctx, c.SendArm(1), c.SendArm(2))
				must(err)
			}
		},
	} {
		if got := observe(disturb); !slices.Equal(got.network, alone.network) || got.random != alone.random {
			t.Errorf("%s shifts other streams: %v, alone %v", name, got, alone)
		}
	}
	if storage := func() (o []int) {
		run(t, 5, body(func(_ context.Context, rt *runtime.Runtime) { o = draws(rt, "storage") }))
		return o
	}(); slices.Equal(storage, alone.network) {
		t.Error("two streams are the same")
	}
}

// TestBuggifySitesAreActiveInAQuarterOfTheRuns protects swarms: a site is
// either off for a whole run, or fires about every fourth time.
func TestBuggifySitesAreActiveInAQuarterOfTheRuns(t *testing.T) {
	const seeds, times = 800, 100
	active, fired := 0, 0
	for seed := range uint64(seeds) {
		run(t, seed, body(func(_ context.Context, rt *runtime.Runtime) {
			n := 0
			for range times {
				if rt.Buggify("tiny-buffer") {
					n++
				}
			}
			fired += n
			if n > 0 {
				active++
			}
		}))
	}
	if active < seeds/5 || active > seeds*3/10 {
		t.Errorf("active in %d of %d runs, want a quarter", active, seeds)
	}
	if share := float64(fired) / float64(active*times); share < 0.23 || share > 0.27 {
		t.Errorf("fired in %.3f of the times, want a quarter", share)
	}
}

// TestZeroMeansNothingBad protects the base line of reduction: a strategy that
// answers 0 to everything gives the run in which each task goes on as long as
// it can, and no fault happens.
func TestZeroMeansNothingBad(t *testing.T) {
	var order worldly[string]
	r := runWith(t, sim.Config{Strategy: always(first{})}, body(func(ctx context.Context, rt *runtime.Runtime) {
		for i := range 3 {
			rt.Go(ctx, "task", func(context.Context) error {
				rt.Yield()
				note(&order, fmt.Sprint(i))
				return nil
			})
		}
		if rt.Buggify("x") || rt.Choose("network", "lose", 9) != 0 {
			t.Error("a fault happened")
		}
		note(&order, "main ")
		must(rt.Sleep(ctx, time.Second))
	}))
	if order.get() != "main 012" || r.Verdict.Kind != sim.OK {
		t.Errorf("order %q, verdict %v", order.get(), r.Verdict)
	}
}

// TestPollingLoopEnds protects chance from the livelock of a select with a
// default case in a loop: others get their turn, and time goes on.
func TestPollingLoopEnds(t *testing.T) {
	wantOK(t, 20, body(func(ctx context.Context, rt *runtime.Runtime) {
		done, never := runtime.NewChan[int](rt, 1), runtime.NewChan[int](rt, 0)
		rt.Go(ctx, "sender", func(ctx context.Context) error {
			must(rt.Sleep(ctx, time.Millisecond))
			return done.Send(ctx, 1)
		})
		for ready := false; !ready; {
			_, ready = runtime.TrySelect2(done.RecvArm(), never.RecvArm())
		}
	}))
}

// TestDecisionShowsTheCandidates protects strategies that look at what tasks
// are about to do.
func TestDecisionShowsTheCandidates(t *testing.T) {
	seen := make(map[string]bool)
	look := looking(func(d *sim.Decision) int {
		for i := range d.Len() {
			who := "alarm"
			if task := d.Task(i); task != nil {
				who = task.Path()
			}
			op := d.Op(i)
			text := who + " " + op.Kind.String()
			if op.Object != nil {
				text += " " + op.Object.Kind
			}
			if i == 0 && d.Continues() {
				text += " (goes on)"
			}
			seen[text] = true
		}
		return d.Len() - 1
	})
	runWith(t, sim.Config{Strategy: always(look)}, body(func(ctx context.Context, rt *runtime.Runtime) {
		mu := rt.NewMutex()
		task := rt.Go(ctx, "locker", func(context.Context) error { mu.Lock(); return nil })
		rt.AfterFunc(time.Microsecond, func() {})
		must(rt.Sleep(ctx, 0))
		must(task.Wait(ctx))
		must(rt.Sleep(ctx, time.Millisecond))
	}))
	for _, want := range []string{"main sleep (goes on)", "main/locker start", "main/locker lock mutex", "alarm timer"} {
		if !seen[want] {
			t.Errorf("never saw %q, but %v", want, seen)
		}
	}
}

// looking is a strategy that looks at every decision.
type looking func(d *sim.Decision) int

func (f looking) Pick(d *sim.Decision) int  { return f(d) }
func (looking) Draw(_, _ string, n int) int { return n - 1 }

// TestFirstChoicesOfSeedsAreUniform protects short runs: over consecutive seeds
// the first choice of any stream is as good as any other.
func TestFirstChoicesOfSeedsAreUniform(t *testing.T) {
	const seeds, n = 5000, 10
	for _, stream := range []string{"network", "storage", "lottery", "x"} {
		var counts [n]int
		for seed := range uint64(seeds) {
			counts[sim.Random(seed).Draw(stream, "site", n)]++
		}
		statistic := 0.0
		for _, count := range counts {
			statistic += (float64(count) - seeds/n) * (float64(count) - seeds/n) / (seeds / n)
		}
		if statistic > 27.9 { // the 99.9th percentile for 10 outcomes
			t.Errorf("%s: chi-square %.1f, counts %v", stream, statistic, counts)
		}
	}
}

// always configures a run with a strategy that a test has made.
func always(s sim.Strategy) func(uint64) sim.Strategy {
	return func(uint64) sim.Strategy { return s }
}
