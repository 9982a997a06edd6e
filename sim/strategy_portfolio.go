package sim

import "slices"

// Portfolio returns the strategy that is another one for each seed: seed modulo
// their number says which of the members, so that consecutive seeds go around. A
// member that is given twice gets twice as many seeds. The run is the one of the
// member under the same seed, and the strategy of a run says which that is. Without
// members it is a mixture that suits most programs.
func Portfolio(members ...func(seed uint64) Strategy) func(seed uint64) Strategy {
	members = slices.Clone(members)
	if len(members) == 0 {
		members = []func(uint64) Strategy{
			Random, POSAfter(0), PCT(2, PCTConfig{}),
			Sticky(0.9), POSAfter(0), PCT(3, PCTConfig{Points: InterestingPoints}),
		}
	}
	return func(seed uint64) Strategy { return members[seed%uint64(len(members))](seed) }
}
