package shrink

import (
	"context"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/sim"
)

// withLessWork tries limits for the numbers that the program draws its work from: 0 for
// chunks of them that get smaller, then each one as small as it can be. What a number
// means only the program knows, so a limit counts only if the run has fewer
// steps with it; in the end those go that are not needed for that. It takes a quarter of
// the time that is left, so that the rest gets its turn.
func (s *search) withLessWork() bool {
	all := s.ctx
	defer func() { s.ctx = all }()
	if deadline, ok := all.Deadline(); ok {
		var cancel context.CancelFunc
		s.ctx, cancel = context.WithTimeout(all, time.Until(deadline)/4)
		defer cancel()
	}
	changed := s.withZeros()
	for i := 0; i < len(s.best.Script.Numbers) && s.ctx.Err() == nil; i++ {
		changed = s.lessOf(i) || changed
	}
	changed = s.withoutLimits() || changed
	s.isHurried = s.ctx.Err() != nil
	return changed
}

// withZeros tries 0 for chunks of numbers.
func (s *search) withZeros() bool {
	changed := false
	for size := len(s.best.Script.Numbers); size > 0; size /= 2 {
		for first := 0; first < len(s.best.Script.Numbers) && s.ctx.Err() == nil; first += size {
			changed = s.tryLimit(first, size, 0) || changed
		}
	}
	return changed
}

// lessOf makes one number as small as it can be, by halving what is in question.
func (s *search) lessOf(i int) bool {
	changed := false
	for low := uint64(1); s.ctx.Err() == nil && i < len(s.best.Script.Numbers); {
		value := s.best.Script.Numbers[i].Value
		if low >= value {
			break
		}
		if middle := low + (value-low)/2; s.tryLimit(i, 1, middle) {
			changed = true
		} else {
			low = middle + 1
		}
	}
	return changed
}

// tryLimit tries a limit for some numbers of the best run, from the first one on.
func (s *search) tryLimit(first, count int, limit uint64) bool {
	script := *s.best.Script
	script.Limits = slices.Clone(script.Limits)
	before := len(script.Limits)
	for _, n := range script.Numbers[first:min(first+count, len(script.Numbers))] {
		if n.Value > limit {
			n.Value = limit
			script.Limits = append(script.Limits, n) // of two for the same number, the later one counts
		}
	}
	return len(script.Limits) > before && s.tryWork(&script, func(r sim.Result) bool { return r.Steps < s.best.Steps })
}

// withoutLimits takes out limits that the run is not longer without.
func (s *search) withoutLimits() bool {
	changed := false
	for size := len(s.best.Script.Limits); size > 0; size /= 2 {
		for first := 0; first < len(s.best.Script.Limits) && s.ctx.Err() == nil; {
			script := *s.best.Script
			script.Limits = slices.Delete(slices.Clone(script.Limits), first, min(first+size, len(script.Limits)))
			if s.tryWork(&script, func(r sim.Result) bool { return r.Steps <= s.best.Steps }) {
				changed = true
			} else {
				first += size
			}
		}
	}
	return changed
}

// tryWork runs a script, and accepts what fails as wanted if it has nothing more out of
// the ordinary than the best run, and is what is asked for.
func (s *search) tryWork(script *sim.Script, isSmaller func(sim.Result) bool) bool {
	r, ok := s.try(script)
	return ok && isSmaller(r) && isCalmer(r, s.best) && s.accept(r)
}
