package zoo

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
	"slices"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/sim"
)

// Effort says how much to run.
type Effort struct {
	// Trials is how often the search for a bug is repeated, each time over seeds of
	// its own.
	Trials int
	// SeedsMax is the number of seeds after which a trial gives up.
	SeedsMax int
}

// Measurement is how many seeds a strategy needed for a bug.
type Measurement struct {
	Program Program
	Effort  Effort
	// Seeds are those that each trial needed, in ascending order. A trial that gave up
	// counts as one more than Effort.SeedsMax.
	Seeds []int
	// Missed counts the trials that gave up.
	Missed int
	// Strange is the verdict of a run that failed in another way than the program
	// does, or that proved nothing; OK if there was none.
	Strange sim.Verdict
}

// ErrEffort is wrapped by the errors about an effort.
var ErrEffort = errors.New("zoo: effort")

// ErrNeedsRace is wrapped by the errors about a program that only a race detector
// can judge.
var ErrNeedsRace = errors.New("zoo: needs a race detector")

// Median returns the seeds that half of the trials were content with.
func (m Measurement) Median() int { return m.quantile(50) }

// P95 returns the seeds that 95 % of the trials were content with.
func (m Measurement) P95() int { return m.quantile(95) }

// Mean returns the seeds of an average trial.
func (m Measurement) Mean() float64 {
	total := 0
	for _, n := range m.Seeds {
		total += n
	}
	return float64(total) / float64(len(m.Seeds))
}

// quantile returns the smallest number that is enough for so many of a hundred trials.
func (m Measurement) quantile(percent int) int {
	return m.Seeds[(len(m.Seeds)*percent+99)/100-1]
}

// Run executes a body once. Tasks that it leaves behind are leaks. A program that
// does not end is inconclusive after 20,000 steps. The error is [sim.ErrConfig].
func Run(ctx context.Context, body Body, config sim.Config) (sim.Result, error) {
	config.LeaksAfter = time.Minute
	config.StepsMax = 20_000
	return sim.Run(ctx, config, func(ctx context.Context, w *sim.World) error {
		body(ctx, w.Runtime())
		return nil
	})
}

// Measure looks for the bug of a program with a strategy: trial t uses the seeds from
// t times SeedsMax on, in order. Trials run on all processors at once. The error is
// ErrEffort, ErrNeedsRace, or that of ctx.
func Measure(
	ctx context.Context, p Program, strategy func(seed uint64) sim.Strategy, effort Effort,
) (Measurement, error) {
	m := Measurement{Program: p, Effort: effort}
	switch {
	case effort.Trials < 1 || effort.SeedsMax < 1:
		return m, fmt.Errorf("%w: %d trials of at most %d seeds", ErrEffort, effort.Trials, effort.SeedsMax)
	case p.NeedsRace:
		return m, fmt.Errorf("%w: %s", ErrNeedsRace, p.Name)
	}
	m.Seeds = make([]int, effort.Trials)
	strange := make([]sim.Verdict, effort.Trials)
	err := parallel(ctx, effort.Trials, func(ctx context.Context, t int) error {
		var err error
		m.Seeds[t], strange[t], err = trial(ctx, p, strategy, uint64(t)*uint64(effort.SeedsMax), effort.SeedsMax)
		return err
	})
	if err != nil {
		return m, err
	}
	slices.Sort(m.Seeds)
	for t, n := range m.Seeds {
		if n > effort.SeedsMax {
			m.Missed++
		}
		if strange[t].Kind != sim.OK && m.Strange.Kind == sim.OK {
			m.Strange = strange[t]
		}
	}
	return m, nil
}

// trial returns the number of seeds until the bug shows, and the first verdict that is
// neither that of the bug nor OK.
func trial(
	ctx context.Context, p Program, strategy func(uint64) sim.Strategy, first uint64, seedsMax int,
) (needed int, strange sim.Verdict, err error) {
	for i := range seedsMax {
		r, err := Run(ctx, p.Bug, sim.Config{Seed: first + uint64(i), Strategy: strategy})
		switch {
		case err != nil:
			return 0, strange, err
		case ctx.Err() != nil:
			return 0, strange, ctx.Err()
		case r.Verdict.Kind == p.Verdict:
			return i + 1, strange, nil
		case r.Verdict.Kind != sim.OK && strange.Kind == sim.OK:
			strange = r.Verdict
		}
	}
	return seedsMax + 1, strange, nil
}

// CheckTwin runs the fixed twin of a program over the seeds from 0 on, and returns the
// results that are not OK, in order of their seeds. The error is that of ctx.
func CheckTwin(
	ctx context.Context, p Program, strategy func(seed uint64) sim.Strategy, seeds int,
) ([]sim.Result, error) {
	var mu sync.Mutex // guards reports
	var reports []sim.Result
	err := parallel(ctx, seeds, func(ctx context.Context, seed int) error {
		r, err := Run(ctx, p.Fixed, sim.Config{Seed: uint64(seed), Strategy: strategy})
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if r.Verdict.Kind != sim.OK {
			mu.Lock()
			defer mu.Unlock()
			reports = append(reports, r)
		}
		return nil
	})
	slices.SortFunc(reports, func(a, b sim.Result) int { return int(a.Seed) - int(b.Seed) })
	return reports, err
}

// parallel calls f for 0 to n-1 on all processors, until one of them fails.
func parallel(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex // guards next
	next := 0
	var workers sync.WaitGroup
	for range min(n, goruntime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= n || ctx.Err() != nil {
					return
				}
				if err := f(ctx, i); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}
