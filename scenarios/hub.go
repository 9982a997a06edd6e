package scenarios

import (
	"context"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/network"
)

// networkFaults are what may happen to the hints between processes, beside hintRules.
var networkFaults = []sim.FaultKind{network.FaultPartition, network.FaultClog}

// hintRules are what may happen to single hints.
var hintRules = []string{"drop 1/%d", "duplicate 1/%d 5s", "delay 1/%d 4s"}

// hintEffects are those of hintRules, as they are counted.
var hintEffects = []sim.FaultKind{"message-drop", "message-duplicate", "message-delay"}

// hub carries hints between the nodes of a world.
type hub struct {
	network *network.Network[persist.Hint]
	nodes   int
}

// newHub makes the hub of a world whose nodes are p1, p2 and so on.
func newHub(w simulated, nodes int, plan sim.Plan) (*hub, error) {
	rules, err := network.ParseRules(plan.Rules["hub"])
	if err != nil {
		return nil, err
	}
	carrier, err := network.New(w.World, network.Options[persist.Hint]{Rules: rules, InboxMax: 8})
	return &hub{carrier, nodes}, err
}

// connect returns the hub as a process uses it.
func (h *hub) connect(rt *runtime.Runtime) persist.Hub {
	return &hubPort{h.network.Listen(rt), rt, h.nodes}
}

// hubPort implements [persist.Hub].
type hubPort struct {
	port  *network.Port[persist.Hint]
	rt    *runtime.Runtime
	nodes int
}

// Send implements [persist.Hub].
func (p *hubPort) Send(hint persist.Hint) {
	for i := range p.nodes {
		if to := nodeName(i); to != p.rt.Node() {
			_ = p.port.Send(to, hint) // a hint can be lost
		}
	}
}

// Receive implements [persist.Hub].
func (p *hubPort) Receive(ctx context.Context) (persist.Hint, error) {
	m, err := p.port.Recv(ctx)
	return m.Body, err
}
