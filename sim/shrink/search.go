package shrink

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tidemarkdb/tidemark/sim"
)

// search is the work of one Run.
type search struct {
	ctx      context.Context
	scenario sim.Scenario
	base     sim.Config
	options  Options
	failure  string
	best     sim.Result
	rival    *sim.Result // the best of an earlier attempt, if there was one
	before   int
	runs     atomic.Int64

	isHurried bool // there was not enough time to try all that makes the workload smaller
}

// try runs a script and reports whether that fails in the same way. The script of the
// result is what was really done.
func (s *search) try(script *sim.Script) (sim.Result, bool) {
	s.runs.Add(1)
	config := s.base
	config.Script = script
	r, err := sim.Run(s.ctx, config, s.scenario.Run)
	if err != nil || r.Verdict.FailureID() != s.failure {
		return r, false
	}
	r.Script.Scenario = s.scenario.Name
	return r, true
}

// accept makes a run the best one if it is calmer.
func (s *search) accept(r sim.Result) bool {
	if !isCalmer(r, s.best) {
		return false
	}
	s.best = r
	if s.options.Progress != nil && (s.rival == nil || isCalmer(r, *s.rival)) {
		s.options.Progress(s.result())
	}
	return true
}

// isCalmer reports whether a run is better than another one: fewer deviations, then
// smaller draws, then fewer steps, then fewer limits of numbers.
func isCalmer(r, than sim.Result) bool {
	if a, b := len(r.Script.Deviations), len(than.Script.Deviations); a != b {
		return a < b
	}
	if a, b := drawn(r.Script), drawn(than.Script); a != b {
		return a < b
	}
	if r.Steps != than.Steps {
		return r.Steps < than.Steps
	}
	return len(r.Script.Limits) < len(than.Script.Limits)
}

func drawn(s *sim.Script) (sum int) {
	for _, d := range s.Deviations {
		sum += d.Pick
	}
	return sum
}

func (s *search) result() Result {
	return Result{Script: s.best.Script, Run: s.best, Before: s.before, Runs: int(s.runs.Load())}
}

// reduce takes out what the run can do without, in the order that the package documents.
// A small workload may need more deviations than the whole one, so if more than one is
// left, another attempt takes the switches out first, and the better one of both counts.
func (s *search) reduce() {
	s.withFewerFaults()
	whole := s.best
	s.withLessWorkCoarsely()
	s.withFewerSwitches()
	s.repeat()
	if len(s.best.Script.Deviations) < 2 || s.ctx.Err() != nil {
		return
	}
	first, isHurried := s.best, s.isHurried
	s.best, s.rival = whole, &first
	s.withFewerSwitches()
	s.repeat()
	if !isCalmer(s.best, first) {
		s.best = first
	}
	s.isHurried = s.isHurried || isHurried
}

// repeat makes all passes until none finds anything, or time is up.
func (s *search) repeat() {
	for changed := true; changed && s.ctx.Err() == nil; {
		changed = s.withFewerFaults()
		changed = s.withLessWork() || changed
		changed = s.withFewerSwitches() || changed
		changed = s.smaller() || changed
		if !changed {
			changed = s.replaced()
		}
	}
}

// withFewerFaults tries to do without kinds of faults, without single ones, and without
// draws, which are what goes wrong in a store or a network: whole sites, single ones.
func (s *search) withFewerFaults() bool {
	changed := s.withoutKinds()
	changed = s.without(func(d sim.Deviation) bool { return d.Kind == sim.Delivered }) || changed
	changed = s.withoutSites() || changed
	return s.without(func(d sim.Deviation) bool { return d.Kind == sim.Drawn }) || changed
}

func (s *search) withFewerSwitches() bool { return s.without(isSwitch) }

func isSwitch(d sim.Deviation) bool { return d.Kind == sim.Preemption || d.Kind == sim.Order }

func switches(s *sim.Script) int { return s.Count(sim.Preemption) + s.Count(sim.Order) }

// withoutKinds tries to do without whole kinds of faults.
func (s *search) withoutKinds() bool {
	return s.withoutGroups(func(d sim.Deviation) string {
		if d.Kind != sim.Delivered {
			return ""
		}
		kind, _, _ := strings.Cut(d.Site, " ")
		return kind
	})
}

// withoutSites tries to do without all draws at a site.
func (s *search) withoutSites() bool {
	return s.withoutGroups(func(d sim.Deviation) string {
		if d.Kind != sim.Drawn {
			return ""
		}
		return d.Site
	})
}

// withoutGroups tries to take out all deviations of a group, for each group.
func (s *search) withoutGroups(group func(sim.Deviation) string) bool {
	var groups []string
	for _, d := range s.best.Script.Deviations {
		if g := group(d); g != "" && !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	changed := false
	for _, g := range groups {
		r, ok := s.try(s.filtered(func(_ int, d sim.Deviation) bool { return group(d) != g }))
		changed = ok && s.accept(r) || changed
	}
	return changed
}

// filtered returns the best script with some of its deviations.
func (s *search) filtered(keep func(int, sim.Deviation) bool) *sim.Script {
	next := *s.best.Script
	next.Deviations = nil
	for i, d := range s.best.Script.Deviations {
		if keep(i, d) {
			next.Deviations = append(next.Deviations, d)
		}
	}
	return &next
}

// without takes out deviations of a kind: all of them, then in chunks that get
// smaller, until no single one can go. Later ones are tried first: what comes after
// the mistake is noise.
func (s *search) without(isCandidate func(sim.Deviation) bool) bool {
	changed := false
	for size := s.candidates(isCandidate); size > 0 && s.ctx.Err() == nil; {
		if s.withoutChunk(isCandidate, size) {
			changed = true
			size = min(size, s.candidates(isCandidate))
			continue
		}
		size /= 2
	}
	return changed
}

func (s *search) candidates(isCandidate func(sim.Deviation) bool) (n int) {
	for _, d := range s.best.Script.Deviations {
		if isCandidate(d) {
			n++
		}
	}
	return n
}

// withoutChunk tries to take out any chunk of some size, several at the same time,
// and reports whether one could go.
func (s *search) withoutChunk(isCandidate func(sim.Deviation) bool, size int) bool {
	var places []int // of the candidates
	for i, d := range s.best.Script.Deviations {
		if isCandidate(d) {
			places = append(places, i)
		}
	}
	var chunks [][]int
	for end := len(places); end > 0; end -= size {
		chunks = append(chunks, places[max(0, end-size):end])
	}
	for batch := range slices.Chunk(chunks, batchSize) {
		if s.ctx.Err() != nil {
			return false
		}
		var scripts []*sim.Script
		for _, chunk := range batch {
			scripts = append(scripts, s.filtered(func(i int, _ sim.Deviation) bool {
				_, isOut := slices.BinarySearch(chunk, i)
				return !isOut
			}))
		}
		if s.tryAll(scripts) {
			return true
		}
	}
	return false
}

// batchSize is how many candidates are tried before the first that fails is taken. It
// does not depend on the number of processors, and so the result does not either.
const batchSize = 4

// tryAll runs scripts at the same time, and accepts the first that fails as wanted.
func (s *search) tryAll(scripts []*sim.Script) bool { return s.tryFor(scripts, s.accept) >= 0 }

// tryFor runs scripts at the same time, and offers those that fail as wanted, in their
// order, until one is accepted. It returns which one that is, -1 for none.
func (s *search) tryFor(scripts []*sim.Script, accept func(sim.Result) bool) int {
	results := make([]sim.Result, len(scripts))
	hits := make([]bool, len(scripts))
	var workers sync.WaitGroup
	jobs := make(chan struct{}, s.options.Jobs)
	for i, script := range scripts {
		workers.Go(func() {
			jobs <- struct{}{}
			results[i], hits[i] = s.try(script)
			<-jobs
		})
	}
	workers.Wait()
	for i, hit := range hits {
		if hit && accept(results[i]) {
			return i
		}
	}
	return -1
}

// smaller tries smaller draws.
func (s *search) smaller() bool {
	changed := false
	for i := 0; i < len(s.best.Script.Deviations) && s.ctx.Err() == nil; i++ {
		for d := s.best.Script.Deviations[i]; d.Kind == sim.Drawn && d.Pick > 1; {
			var scripts []*sim.Script
			for _, pick := range []int{1, d.Pick / 2, d.Pick - 1} {
				next := *s.best.Script
				next.Deviations = slices.Clone(next.Deviations)
				next.Deviations[i].Pick = pick
				scripts = append(scripts, &next)
			}
			if !s.tryAll(scripts) || i >= len(s.best.Script.Deviations) {
				break
			}
			changed = true
			d = s.best.Script.Deviations[i]
		}
	}
	return changed
}

// replacementsMax bounds how many switches are tried in the place of others.
const replacementsMax = 2000

// replaced tries to do with one switch where there are two or more: without any two
// of them, or without all, but with one at any other place. Taking out one after the
// other does not find that.
func (s *search) replaced() bool {
	var switches []int
	for i, d := range s.best.Script.Deviations {
		if isSwitch(d) {
			switches = append(switches, i)
		}
	}
	if len(switches) < 2 || len(switches) > 8 {
		return false
	}
	sets := [][]int{switches}
	for n, i := range switches {
		for _, j := range switches[n+1:] {
			sets = append(sets, []int{i, j})
		}
	}
	for _, set := range sets {
		if s.withOneInstead(set) {
			return true
		}
	}
	return false
}

// withOneInstead tries one switch at any place instead of some others.
func (s *search) withOneInstead(others []int) bool {
	base := s.filtered(func(i int, _ sim.Deviation) bool { return !slices.Contains(others, i) })
	config := s.base
	config.Script, config.Chances = base, replacementsMax
	calm, err := sim.Run(s.ctx, config, s.scenario.Run)
	if err != nil || calm.Script == nil {
		return false
	}
	for batch := range slices.Chunk(calm.Script.Chances, batchSize) {
		if s.ctx.Err() != nil {
			return false
		}
		var scripts []*sim.Script
		for _, chance := range batch {
			next := *base
			next.Deviations = append(slices.Clone(base.Deviations), chance)
			scripts = append(scripts, &next)
		}
		if s.tryAll(scripts) {
			return true
		}
	}
	return false
}

// verify runs the best script twice more: it has to be the same run each time.
func (s *search) verify() error {
	for range 2 {
		r, ok := s.try(s.best.Script)
		if !ok || r.Hash != s.best.Hash {
			return fmt.Errorf("%w: the shrunk run has hash %016x, then %016x", ErrNotRepeated, s.best.Hash, r.Hash)
		}
	}
	return nil
}
