package scenarios

import "github.com/tidemarkdb/tidemark/sim"

// All returns every scenario, in the order in which they run, with its assertions.
func All() []sim.Scenario {
	return catalogue().Attach([]sim.Scenario{
		Transfer(),
		Pipeline(),
		Failover(),
		Log(),
		Appends(),
		Capability(),
		Leases(),
		Replicas(),
		Farewell(),
		Evolution(),
		Settings(),
		Formats(),
		Clocks(),
		Damage(),
		Closing(),
		Shipping(),
		Sources(),
		Holds(),
		HoldStorm(),
		HoldStorm10000(),
		Drops(),
		Takeover(),
		Indeterminate(),
		Bucket(),
		Canary(),
	})
}
