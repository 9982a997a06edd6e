package sim

import (
	"strconv"

	"github.com/tidemarkdb/tidemark/runtime"
)

// StickyMax is the most that [Sticky] takes: with it a task goes on for a
// thousand decisions on average, and the others get their turn all the same.
const StickyMax = 0.999

// Sticky returns the strategy that goes on with the current task with a
// probability of stay, and otherwise gives every candidate the same chance. Long
// stretches of one task are what most programs are not tested with, and few
// switches make a short story. Stay is taken as 0 below 0, where Sticky is
// [Random], and as StickyMax above that.
func Sticky(stay float64) func(seed uint64) Strategy {
	if !(stay > 0) { // not a number either
		stay = 0
	}
	stay = min(stay, StickyMax)
	return func(seed uint64) Strategy {
		return &sticky{
			draws: newDraws(seed), schedule: runtime.NewRand(streamSeed(seed, "sticky")),
			stay: stay, threshold: uint64(stay*(1<<53)) << 11,
		}
	}
}

type sticky struct {
	draws
	schedule  *runtime.Rand
	stay      float64
	threshold uint64 // stay of all 64-bit numbers are below it
}

func (s *sticky) Pick(d *Decision) int {
	if d.stay && s.schedule.Uint64() < s.threshold {
		return 0
	}
	return below(s.schedule, d.n)
}

func (s *sticky) String() string { return "sticky:" + strconv.FormatFloat(s.stay, 'g', -1, 64) }
