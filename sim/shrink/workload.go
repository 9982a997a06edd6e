package shrink

import (
	"context"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/sim"
)

// chunksMax is into how many chunks numbers are divided while there are many switches.
const chunksMax = 8

// withLessWorkCoarsely tries 0, then half, for large chunks of numbers, with the switches
// of the best run and without any. It comes before the switches are taken out: as long as
// there are many, a single number changes little.
func (s *search) withLessWorkCoarsely() {
	sizeMin := 1 + len(s.best.Script.Numbers)/chunksMax
	s.withChunks(sizeMin, zero, calmToo)
	s.withChunks(sizeMin, half, calmToo)
}

func zero(uint64) uint64 { return 0 }

func half(value uint64) uint64 { return value / 2 }

// calmToo returns a script, and before it the one without switches if it has any.
func calmToo(script *sim.Script) []*sim.Script {
	if switches(script) == 0 {
		return []*sim.Script{script}
	}
	calm := *script
	calm.Deviations = slices.DeleteFunc(slices.Clone(script.Deviations), isSwitch)
	return []*sim.Script{&calm, script}
}

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
	changed := s.withChunks(1, zero, func(script *sim.Script) []*sim.Script { return []*sim.Script{script} })
	for i := 0; i < len(s.best.Script.Numbers) && s.ctx.Err() == nil; i++ {
		changed = s.lessOf(i) || changed
	}
	changed = s.withoutLimits() || changed
	s.isHurried = s.ctx.Err() != nil
	return changed
}

// withChunks tries limits for chunks of numbers that get smaller, several at the same time,
// each in some variants.
func (s *search) withChunks(
	sizeMin int, limit func(uint64) uint64, variants func(*sim.Script) []*sim.Script,
) bool {
	changed := false
	for size := len(s.best.Script.Numbers); size >= sizeMin; size /= 2 {
		for first := 0; first < len(s.best.Script.Numbers) && s.ctx.Err() == nil; {
			var scripts []*sim.Script
			var ends []int // of the chunks of these scripts
			for ; first < len(s.best.Script.Numbers) && len(scripts) < batchSize; first += size {
				if script := s.limited(first, size, limit); script != nil {
					scripts = append(scripts, variants(script)...)
					ends = append(ends, slices.Repeat([]int{first + size}, len(scripts)-len(ends))...)
				}
			}
			if hit := s.tryLess(scripts); hit >= 0 {
				changed, first = true, ends[hit]
			}
		}
	}
	return changed
}

// lessOf makes one number as small as it can be, but for 0.
func (s *search) lessOf(i int) bool {
	changed := false
	for s.ctx.Err() == nil && i < len(s.best.Script.Numbers) {
		var scripts []*sim.Script
		value := s.best.Script.Numbers[i].Value
		for _, less := range []uint64{value / 2, value / 4, value / 8, 1} {
			if less > 0 && less < value {
				scripts = append(scripts, s.limited(i, 1, func(uint64) uint64 { return value - less }))
			}
		}
		if s.tryLess(scripts) < 0 {
			break
		}
		changed = true
	}
	return changed
}

// limited returns the best script with limits for some numbers, from the first one on; nil
// if none is larger than its limit.
func (s *search) limited(first, count int, limit func(uint64) uint64) *sim.Script {
	script := *s.best.Script
	script.Limits = slices.Clone(script.Limits)
	before := len(script.Limits)
	for _, n := range script.Numbers[first:min(first+count, len(script.Numbers))] {
		if most := limit(n.Value); n.Value > most {
			n.Value = most
			script.Limits = append(script.Limits, n) // of two for the same number, the later one counts
		}
	}
	if len(script.Limits) == before {
		return nil
	}
	return &script
}

// tryLess runs scripts at the same time, and accepts the first that fails as wanted in
// fewer steps. It returns which one that is, -1 for none.
func (s *search) tryLess(scripts []*sim.Script) int {
	return s.tryFor(scripts, func(r sim.Result) bool { return r.Steps < s.best.Steps && s.accept(r) })
}

// withoutLimits takes out limits that the run is not longer without.
func (s *search) withoutLimits() bool {
	changed := false
	for size := len(s.best.Script.Limits); size > 0; size /= 2 {
		for first := 0; first < len(s.best.Script.Limits) && s.ctx.Err() == nil; {
			script := *s.best.Script
			script.Limits = slices.Delete(slices.Clone(script.Limits), first, min(first+size, len(script.Limits)))
			if s.tryFor([]*sim.Script{&script}, func(r sim.Result) bool { return r.Steps <= s.best.Steps && s.accept(r) }) >= 0 {
				changed = true
			} else {
				first += size
			}
		}
	}
	return changed
}
