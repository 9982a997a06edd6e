package scenarios

import (
	"fmt"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// bootNodes adds nodes p1, p2 and so on, and boots them.
func bootNodes(w *sim.World, count int, boot sim.Boot) error {
	for i := range count {
		n, err := w.Node(fmt.Sprintf("p%d", i+1), boot)
		if err != nil {
			return err
		}
		if err := n.Boot(); err != nil {
			return err
		}
	}
	return nil
}

// injectFaults plans crashes and pauses of any nodes within some steps.
func injectFaults(w *sim.World, rand *runtime.Rand, count int, steps uint64) error {
	var faults []sim.Fault
	for range count {
		faults = append(faults, sim.Fault{
			Kind:     []sim.FaultKind{sim.FaultCrash, sim.FaultPause}[rand.IntN(2)],
			Target:   w.Nodes()[rand.IntN(len(w.Nodes()))].Name(),
			Step:     runtime.Between(rand, 20, steps),
			Duration: time.Duration(runtime.Between(rand, 1, 8000)) * time.Millisecond,
		})
	}
	return w.Inject(faults...)
}
