// Not with the race detector: pollers look at what others write.

//go:build !race

package sim_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// strategies are all that there are, by name.
var strategies = []string{
	"random", "sticky:0.9", "sticky:0.999", "pct:1", "pct:3", "pct:3:steps=40", "pct:2:interesting",
	"pct:2:resources", "pct:1000", "pos", "pos:after=0", "pos:after=100", "portfolio",
}

func parsed(t *testing.T, text string) func(uint64) sim.Strategy {
	t.Helper()
	strategy, err := sim.ParseStrategy(text)
	if err != nil {
		t.Fatal(err)
	}
	return strategy
}

// pollers wait for somebody else without giving the processor back for good.
var pollers = map[string]func(ctx context.Context, rt *runtime.Runtime){
	"yield until a task has run": func(ctx context.Context, rt *runtime.Runtime) {
		done := false
		rt.Go(ctx, "other", func(context.Context) error { done = true; return nil })
		for !done {
			rt.Yield()
		}
	},
	"receive until there is a value": func(ctx context.Context, rt *runtime.Runtime) {
		c := runtime.NewChan[int](rt, 1)
		rt.Go(ctx, "sender", func(ctx context.Context) error { return c.Send(ctx, 1) })
		for received := false; !received; {
			_, received, _ = c.TryRecv()
		}
	},
	"lock until the value is there": func(ctx context.Context, rt *runtime.Runtime) {
		mu, v := rt.NewMutex(), 0
		rt.Go(ctx, "writer", func(context.Context) error {
			for range 3 {
				mu.Lock()
				v++
				mu.Unlock()
			}
			return nil
		})
		for got := 0; got < 3; {
			mu.Lock()
			got = v
			mu.Unlock()
		}
	},
	"spin until a timer fires": func(_ context.Context, rt *runtime.Runtime) {
		timer := rt.NewTimer(100 * time.Microsecond)
		for received := false; !received; {
			_, received, _ = timer.C.TryRecv()
		}
	},
	"two pollers in turn": func(ctx context.Context, rt *runtime.Runtime) {
		turn := 0
		player := func(own int) func(context.Context) error {
			return func(context.Context) error {
				for turn < 6 {
					if turn%2 == own {
						turn++
					}
					rt.Yield()
				}
				return nil
			}
		}
		g := rt.NewGroup(ctx)
		g.Go("even", player(0))
		g.Go("odd", player(1))
		must(g.Wait())
	},
}

// TestNoStrategyLivelocks protects programs that poll from strategies that are not
// fair: under each of them they end, long before the limit of steps.
func TestNoStrategyLivelocks(t *testing.T) {
	for _, text := range strategies {
		for name, poller := range pollers {
			t.Run(text+"/"+name, func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(20) {
					config := sim.Config{Seed: seed, Strategy: parsed(t, text), StepsMax: 500_000}
					if r := runWith(t, config, body(poller)); r.Verdict.Kind != sim.OK {
						t.Fatalf("seed %d: %v", seed, r.Verdict)
					}
				}
			})
		}
	}
}

// TestStrategiesAreNamed protects the reproduction line: what a strategy calls itself
// gives the same run again.
func TestStrategiesAreNamed(t *testing.T) {
	for _, text := range strategies {
		for seed := range uint64(12) {
			strategy := parsed(t, text)
			name := fmt.Sprint(strategy(seed))
			if text != "portfolio" && name != text {
				t.Errorf("%s calls itself %s", text, name)
			}
			one := runWith(t, sim.Config{Seed: seed, Strategy: strategy}, checkThenAct(func(string) {}))
			two := runWith(t, sim.Config{Seed: seed, Strategy: parsed(t, name)}, checkThenAct(func(string) {}))
			if one.Hash != two.Hash {
				t.Errorf("seed %d: %s is another run than %s", seed, name, text)
			}
		}
	}
}

// TestPortfolioGoesAround protects the shares of its members.
func TestPortfolioGoesAround(t *testing.T) {
	strategy := parsed(t, "portfolio:pos,pct:2,pos")
	for seed, want := range []string{"pos", "pct:2", "pos", "pos", "pct:2"} {
		if got := fmt.Sprint(strategy(uint64(seed))); got != want {
			t.Errorf("seed %d: %s, want %s", seed, got, want)
		}
	}
}

// TestParseStrategyRefusesNonsense protects people from a strategy that they did not
// mean.
func TestParseStrategyRefusesNonsense(t *testing.T) {
	for _, text := range []string{
		"", "fair", "random:1", "pos:2", "pos:", "pos:after=", "pos:after=-1", "pos:after=1:after=2", "sticky:", "sticky:1", "sticky:-0.1", "sticky:NaN", "pct:", "pct:0",
		"pct:1001", "pct:-1", "pct:3:4", "pct:steps=0", "pct:steps=1:steps=2", "pct:interesting:resources",
		"portfolio:", "portfolio:pos,", "portfolio:portfolio", "portfolio:pct:0",
	} {
		_, err := sim.ParseStrategy(text)
		var refused *sim.StrategyError
		if !errors.As(err, &refused) || !errors.Is(err, sim.ErrStrategy) || refused.Text != text {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestPrioritiesChangeAtPoints protects the choice of points: without a change, or with
// all of them at operations that the program does not have, tasks take turns only when
// one of them waits.
func TestPrioritiesChangeAtPoints(t *testing.T) {
	for text, preempts := range map[string]bool{
		"pct:1": false, "pct:20:resources:steps=10": false,
		"pct:20:steps=10": true, "pct:20:interesting:steps=10": true,
	} {
		found := false
		for seed := range uint64(50) {
			config := sim.Config{Seed: seed, Strategy: parsed(t, text)}
			found = found || runWith(t, config, checkThenAct(func(string) {})).Verdict.Failed()
		}
		if found != preempts { // the overdraft needs a preemption
			t.Errorf("%s: %v", text, found)
		}
	}
}

// naivePOS is POS word for word, on what everybody can see of a decision, with our two
// departures from it. It knows of no selects.
type naivePOS struct {
	sim.Strategy     // draws
	left         int // decisions at random
	random       *runtime.Rand
	chances      map[*runtime.Task]chance
	last         map[*runtime.Task]chance // of what went on
	uses         map[*runtime.Object]map[*runtime.Task]int
}

type chance struct {
	op    runtime.Op
	value uint64
}

func newNaivePOS(seed uint64) sim.Strategy {
	return &naivePOS{
		sim.Random(seed), 12, runtime.NewRand(seed), make(map[*runtime.Task]chance),
		make(map[*runtime.Task]chance), make(map[*runtime.Object]map[*runtime.Task]int),
	}
}

func (p *naivePOS) Pick(d *sim.Decision) int {
	if p.left > 0 {
		p.left--
		return p.random.IntN(d.Len())
	}
	best := 0
	for i := range d.Len() {
		t := d.Task(i)
		if c, ok := p.chances[t]; !ok || c.op != d.Op(i) { // it went on without a rival
			p.chances[t] = chance{d.Op(i), p.random.Uint64()}
			if last, ok := p.last[t]; p.racesWithNone(t, d.Op(i)) && ok {
				p.chances[t] = chance{d.Op(i), last.value}
			}
		}
		if p.chances[t].value > p.chances[d.Task(best)].value {
			best = i
		}
	}
	ran := d.Op(best)
	for i := range d.Len() {
		other := d.Op(i)
		if ran.Object != nil && ran.Object == other.Object && (ran.Kind.Writes() || other.Kind.Writes()) && i != best {
			p.chances[d.Task(i)] = chance{other, p.random.Uint64()}
		}
	}
	p.last[d.Task(best)] = p.chances[d.Task(best)]
	delete(p.chances, d.Task(best))
	return best
}

// racesWithNone is one departure: these operations do not draw.
func (p *naivePOS) racesWithNone(t *runtime.Task, op runtime.Op) bool {
	isFirst := p.last[t].op.Kind == runtime.OpStart
	if op.Object == nil {
		return isFirst || op.Kind == runtime.OpSpawn
	}
	users := p.uses[op.Object]
	if users == nil {
		users = make(map[*runtime.Task]int)
		p.uses[op.Object] = users
	}
	users[t]++
	return isFirst || len(users) == 1 && users[t] > 4 && users[t]%100 != 0
}

// naivePCT is PCT word for word: tasks have priorities, and at each change point the
// task that is about to go on gets one that is lower than all others.
type naivePCT struct {
	sim.Strategy // draws
	random       *runtime.Rand
	points       map[int]int // decisions, and the priorities that they give
	count        int
	priorities   map[*runtime.Task]int
}

func (p *naivePCT) Pick(d *sim.Decision) int {
	p.count++
	for {
		best := 0
		for i := range d.Len() {
			if t := d.Task(i); p.priorities[t] == 0 {
				p.priorities[t] = 1000 + p.random.IntN(1<<30)
			}
			if p.priorities[d.Task(i)] > p.priorities[d.Task(best)] {
				best = i
			}
		}
		low, ok := p.points[p.count]
		if !ok {
			return best
		}
		delete(p.points, p.count)
		p.priorities[d.Task(best)] = low
	}
}

// TestStrategiesAreWhatThePapersSay protects POS and PCT, the clever ones, against slow
// and obvious ones: they find the bugs of all programs equally often, bare and with other
// work.
func TestStrategiesAreWhatThePapersSay(t *testing.T) {
	seeds := uint64(1000)
	if testing.Short() || sim.RaceDetector {
		seeds = 300
	}
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.isAsObvious(t, seeds)
		})
		p.hasWork = true
		t.Run(p.name+" with other work", func(t *testing.T) {
			t.Parallel()
			p.isAsObvious(t, seeds)
		})
	}
}

// isAsObvious asserts that the clever strategies find the bug as often as the obvious ones.
func (p program) isAsObvious(t *testing.T, seeds uint64) {
	t.Helper()
	k := p.k()
	for name, naive := range map[string]func(seed uint64) sim.Strategy{
		"pos": newNaivePOS,
		fmt.Sprint("pct:3:steps=", k): func(seed uint64) sim.Strategy {
			r := runtime.NewRand(seed)
			points := map[int]int{1 + r.IntN(k): 1, 1 + r.IntN(k): 2}
			return &naivePCT{sim.Random(seed), r, points, 0, make(map[*runtime.Task]int)}
		},
	} {
		got, want := p.share(t, seeds, parsed(t, name)), p.share(t, seeds, naive)
		pooled := (got + want) / 2
		if math.Abs(got-want) > 4.5*math.Sqrt(2*pooled*(1-pooled)/float64(seeds)) {
			t.Errorf("%s finds it in %.4f of the runs, the obvious one in %.4f", name, got, want)
		}
	}
}

// share returns in how many of the runs a strategy finds the bug.
func (p program) share(t *testing.T, seeds uint64, strategy func(uint64) sim.Strategy) float64 {
	t.Helper()
	hits := 0
	for seed := range seeds {
		found, _, err := p.finds(t.Context(), seed, strategy)
		if err != nil {
			t.Fatal(err)
		}
		if found {
			hits++
		}
	}
	return float64(hits) / float64(seeds)
}
