package sweep

import (
	"context"
	"errors"
	"fmt"
	"iter"
	goruntime "runtime"
	"slices"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/sim"
)

// Options say which seeds to run, and how.
type Options struct {
	// First are runs that come before the seeds, such as those that have failed before.
	First []sim.Config
	// Seeds are run in order.
	Seeds Seeds
	// For ends the sweep after this much real time; 0 means when all seeds are
	// done.
	For time.Duration
	// Jobs is the number of seeds run at once; 0 is GOMAXPROCS.
	Jobs int
	// Shard restricts the sweep to a part of the seeds; the zero value is all of them.
	Shard Shard
	// MemoryMax ends the sweep when the heap, after a collection, has more bytes; 0
	// never does. It is looked at between runs.
	MemoryMax uint64
	// Check runs every n-th seed a second time and compares the hashes; 0 is
	// never, 1 is every seed.
	Check int
	// FailuresMax ends the sweep when so many distinct failure ids were found;
	// 0 never does.
	FailuresMax int
	// Config carries limits for each run. Its seed is not used, and it holds
	// nothing that runs would share: no strategy, tape or trace.
	Config sim.Config
	// Each, if not nil, is called by one worker at a time with each result that counts.
	// It must be quick, and not keep the result's tape.
	Each func(sim.Result)
	// Progress, if not nil, is called by one worker at a time after each seed.
	// It must be quick.
	Progress func(Progress)
}

// Progress is how far a sweep has come.
type Progress struct {
	Done     uint64
	Total    uint64 // 0 if time is the limit
	Failures int
	Steps    uint64
	Virtual  time.Duration
	Real     time.Duration
}

// ErrOptions is wrapped by the errors about options.
var ErrOptions = errors.New("sweep: options")

// Run sweeps one scenario. When ctx ends it stops handing out seeds, interrupts
// the runs under way, and reports what is done. Its errors are ErrOptions and
// those of [sim.Config] and of the scenario's description.
func Run(ctx context.Context, scenario sim.Scenario, options Options) (Report, error) {
	if err := scenario.Validate(); err != nil {
		return Report{}, err
	}
	if c := options.Config; c.Replay != nil || c.Trace != nil {
		return Report{}, fmt.Errorf("%w: a tape or trace shared by all runs", ErrOptions)
	}
	if err := options.Shard.Validate(); err != nil {
		return Report{}, err
	}
	s := newSweep(scenario, options)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var workers sync.WaitGroup
	for range s.jobs() {
		workers.Go(func() {
			if err := s.work(ctx); err != nil {
				s.stop(err)
				cancel()
			}
		})
	}
	workers.Wait()
	s.finish(ctx)
	return s.report, s.err
}

// sweep is the state that the workers share.
type sweep struct {
	scenario sim.Scenario
	options  Options
	start    time.Time
	revision string
	first    []sim.Config
	next     func() (uint64, bool)
	end      func()

	mu      sync.Mutex // guards what follows
	stopped bool
	err     error
	failed  map[string]int // index into report.Failures by failure id
	report  Report
}

func newSweep(scenario sim.Scenario, options Options) *sweep {
	s := &sweep{scenario: scenario, options: options, start: time.Now(), revision: Revision(), failed: make(map[string]int)}
	s.report = Report{Scenario: scenario.Name, Shard: options.Shard, Cores: s.jobs()}
	if options.For == 0 {
		s.report.Total = options.Shard.count(options.Seeds.Count())
	}
	if options.Shard.Index <= 1 {
		s.first = options.First
	}
	if options.For == 0 {
		s.report.Total += uint64(len(s.first))
	}
	s.next, s.end = iter.Pull(options.Seeds.All())
	return s
}

func (s *sweep) jobs() int {
	jobs := s.options.Jobs
	if jobs <= 0 {
		jobs = goruntime.GOMAXPROCS(0)
	}
	return int(min(uint64(jobs), max(s.options.Seeds.Count(), 1)))
}

// work runs seeds until there are no more.
func (s *sweep) work(ctx context.Context) error {
	for {
		config, index, ok := s.take(ctx)
		if !ok {
			return nil
		}
		if err := s.one(ctx, config, index); err != nil {
			return err
		}
	}
}

// take hands out the next run and its place in the list.
func (s *sweep) take(ctx context.Context) (config sim.Config, index uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || ctx.Err() != nil || s.options.For > 0 && time.Since(s.start) >= s.options.For {
		return config, 0, false
	}
	if len(s.first) > 0 {
		config, s.first = s.first[0], s.first[1:]
		return config, 0, true
	}
	config = s.scenario.Config(s.options.Config)
	for {
		config.Seed, ok = s.next()
		index = s.report.handedOut
		if !ok {
			return config, 0, false
		}
		s.report.handedOut++
		if s.options.Shard.has(index) {
			return config, s.options.Shard.place(index), true
		}
	}
}

// one does a run, and a second time if its turn has come.
func (s *sweep) one(ctx context.Context, config sim.Config, index uint64) error {
	result, err := sim.Run(ctx, config, s.scenario.Run)
	if err != nil {
		return err
	}
	if result.Tape != nil {
		result.Tape.Scenario, result.Tape.Revision = s.scenario.Name, s.revision
	}
	var second *sim.Result
	if s.checks(index) && result.Verdict.Kind != sim.Escape && ctx.Err() == nil {
		again, err := sim.Run(ctx, config, s.scenario.Run)
		if err != nil {
			return err
		}
		second = &again
	}
	s.add(ctx, result, second)
	return nil
}

// checks reports whether the seed at a place in the list is run twice.
func (s *sweep) checks(index uint64) bool {
	return s.options.Check > 0 && index%uint64(s.options.Check) == 0
}

func (s *sweep) stop(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.err == nil {
		s.err = err
	}
}

// add takes a result into the report. A run that was interrupted does not
// count.
func (s *sweep) add(ctx context.Context, r sim.Result, second *sim.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	interrupted := ctx.Err() != nil
	if interrupted && r.Verdict.Kind == sim.Inconclusive {
		return
	}
	s.report.add(r)
	if s.options.Each != nil {
		s.options.Each(r)
	}
	s.lookAtMemory()
	if second != nil && !(interrupted && second.Verdict.Kind == sim.Inconclusive) {
		s.report.Checked++
		if second.Hash != r.Hash {
			s.report.Divergences = append(s.report.Divergences,
				Divergence{r.Seed, r.Hash, second.Hash, r.Difference(*second)})
		}
	}
	if r.Verdict.Failed() {
		s.fail(r)
	}
	if s.options.Progress != nil {
		s.options.Progress(Progress{
			Done: s.report.Done, Total: s.report.Total, Failures: len(s.report.Failures), Steps: s.report.Steps,
			Virtual: s.report.Virtual, Real: time.Since(s.start),
		})
	}
}

// fail keeps the lowest seed of each failure id.
func (s *sweep) fail(r sim.Result) {
	id := r.Verdict.FailureID()
	i, known := s.failed[id]
	if !known {
		i = len(s.report.Failures)
		s.failed[id] = i
		s.report.Failures = append(s.report.Failures, Failure{Result: r})
		if n := s.options.FailuresMax; n > 0 && len(s.report.Failures) >= n {
			s.stopped = true
		}
	}
	f := &s.report.Failures[i]
	f.Count++
	if r.Seed < f.Result.Seed {
		f.Result = r
	}
}

func (s *sweep) finish(ctx context.Context) {
	s.end()
	s.report.Real = time.Since(s.start)
	s.report.Interrupted = ctx.Err() != nil && s.err == nil
	s.report.missing(s.scenario)
	slices.Sort(s.report.Races)
	s.report.sort()
}
