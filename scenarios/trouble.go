package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/persist/faulty"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/network"
)

// trouble says what may go wrong in a world, at most. What does is drawn by a swarm: each
// run has some of it, and some runs have nothing.
type trouble struct {
	nodes  int // p1, p2 and so on
	faults int // of nodes and stores
	steps  uint64
	kinds  []sim.FaultKind
	// storage holds rules of package faulty, with %d in the place of how often, catalog
	// those of catalog.FaultPlan, and hub those of package network.
	storage, catalog, hub []string
	// always is what the storage does in every run.
	always string
}

// nodeFaults are what may happen to processes.
var nodeFaults = []sim.FaultKind{sim.FaultCrash, sim.FaultPause, sim.FaultStop, sim.FaultJump, sim.FaultDrift}

// storeFaults are what may happen to processes and to the store that they use.
var storeFaults = append(slices.Clone(nodeFaults), faultOutage)

// storageRules are what may happen to calls of a store.
var storageRules = []string{
	"cas fail-after 1/%d", "cas late 1/%d", "any fail-before 1/%d", "cas refuse 1/%d", "any stall 1/%d 2s",
	"any throttle 1/%d", "cas duplicate 1/%d",
}

// faultOutage makes a store unavailable: "blob", "consensus", or both to one process, "p1".
const faultOutage sim.FaultKind = "outage"

// plan draws what goes wrong, unless the configuration of the run says it.
func (t trouble) plan(w stage) sim.Plan {
	return w.Plan(func() sim.Plan {
		rand := w.Runtime().Rand("trouble")
		s := sim.Swarm{
			Kinds: t.kinds, Faults: t.faults, Steps: t.steps, Lease: 2 * time.Second, Rules: make(map[string][]string),
			Targets: network.Targets(""),
		}
		s.Targets[faultOutage] = func(rand *runtime.Rand, nodes []string) (string, string) {
			return append([]string{"blob", "consensus"}, nodes...)[rand.IntN(2+len(nodes))], ""
		}
		for i := range t.nodes {
			s.Nodes = append(s.Nodes, nodeName(i))
		}
		for _, rule := range t.storage {
			often := runtime.Between(rand, 4, 30)
			if strings.HasPrefix(rule, "any") {
				often *= 2
			}
			s.Rules["storage"] = append(s.Rules["storage"], fmt.Sprintf(rule, often))
		}
		for _, rule := range t.catalog {
			s.Rules["catalog"] = append(s.Rules["catalog"], fmt.Sprintf(rule, runtime.Between(rand, 3, 12)))
		}
		for _, rule := range t.hub {
			s.Rules["hub"] = append(s.Rules["hub"], fmt.Sprintf(rule, runtime.Between(rand, 2, 8)))
		}
		p := s.Draw(rand)
		if t.always != "" {
			p.Rules["storage"] = t.always
		}
		return p
	})
}

// strike lets the faults of a plan begin, and returns some seconds later.
func strike(ctx context.Context, w stage, plan sim.Plan, seconds int) error {
	if err := w.Inject(plan.Faults...); err != nil {
		return err
	}
	return w.Runtime().Sleep(ctx, time.Duration(seconds)*time.Second)
}

// drawCalm draws for how long processes go on once the faults are over: in two runs of three
// shortly, because that is what the time of a run goes into, and little is found there.
func drawCalm(rand *runtime.Rand) time.Duration {
	if rand.IntN(3) == 0 {
		return time.Duration(runtime.Between(rand, 3, 10)) * time.Second
	}
	return time.Duration(runtime.Between(rand, 1, 2)) * time.Second
}

// kindNames returns what a sweep has to deliver: the kinds, and the effects of rules.
func kindNames(kinds []sim.FaultKind, rules ...string) []string {
	var names []string
	for _, k := range kinds {
		names = append(names, string(k))
	}
	for _, rule := range rules {
		names = append(names, strings.Fields(rule)[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var (
	blobOps      = []faulty.Op{faulty.Get, faulty.Set, faulty.Delete, faulty.List, faulty.Restore}
	consensusOps = []faulty.Op{faulty.Head, faulty.CAS, faulty.Scan, faulty.Truncate, faulty.ListKeys}
)

// handleOutages teaches a world the outages of a store.
func handleOutages(w stage, faults *faulty.Faults) error {
	return w.Handle(faultOutage, sim.Handler{
		Check: func(f sim.Fault) error {
			if f.By != "" || strings.Contains(f.Target, "+") {
				return errors.New("an outage is of blob, of consensus, or of both for one process")
			}
			return nil
		},
		Deliver: func(f sim.Fault) (func(), bool) {
			switch f.Target {
			case "blob":
				return faults.Outage("", blobOps...), true
			case "consensus":
				return faults.Outage("", consensusOps...), true
			}
			return faults.Outage(f.Target), true
		},
	})
}
