package memory

import (
	"context"
	"slices"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Hub carries hints among the clients of one process that use the same store. It is safe
// for concurrent use.
type Hub struct {
	rt    *runtime.Runtime
	mu    *runtime.Mutex // guards what follows
	ports []*Port
}

// NewHub returns a hub without ports.
func NewHub(rt *runtime.Runtime) *Hub { return &Hub{rt: rt, mu: rt.NewMutex()} }

// Connect returns the hub as one client uses it, for [persist.Config]. Close ends it.
func (h *Hub) Connect() *Port {
	p := &Port{hub: h, inbox: runtime.NewChan[persist.Hint](h.rt, inboxMax)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ports = append(h.ports, p)
	return p
}

// inboxMax is how many hints a client may be behind. Those that come then are dropped.
const inboxMax = 256

// Port implements [persist.Hub] on a [Hub].
type Port struct {
	hub   *Hub
	inbox *runtime.Chan[persist.Hint]
}

var _ persist.Hub = (*Port)(nil)

// Send implements [persist.Hub].
func (p *Port) Send(hint persist.Hint) {
	p.hub.mu.Lock()
	others := slices.DeleteFunc(slices.Clone(p.hub.ports), func(other *Port) bool { return other == p })
	p.hub.mu.Unlock()
	for _, other := range others {
		other.inbox.TrySend(hint)
	}
}

// Receive implements [persist.Hub].
func (p *Port) Receive(ctx context.Context) (persist.Hint, error) { return p.inbox.Recv(ctx) }

// Close takes the client off the hub. Its Receive waits for what does not come.
func (p *Port) Close() {
	p.hub.mu.Lock()
	defer p.hub.mu.Unlock()
	p.hub.ports = slices.DeleteFunc(p.hub.ports, func(other *Port) bool { return other == p })
}
