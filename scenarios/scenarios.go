package scenarios

import "github.com/tidemarkdb/tidemark/sim"

// All returns every scenario, in the order in which they run.
func All() []sim.Scenario {
	return []sim.Scenario{
		Transfer(),
		Pipeline(),
		Failover(),
		Appends(),
		Capability(),
		Sources(),
		Holds(),
		HoldStorm(),
		HoldStorm10000(),
		Drops(),
		Takeover(),
		Indeterminate(),
		Canary(),
	}
}
