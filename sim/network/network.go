package network

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// Network carries messages of one type between the nodes of a world. Its ports are used
// by tasks of their nodes; the network itself is made by the harness.
type Network[M any] struct {
	world   *sim.World
	options Options[M]

	mu      sync.Mutex          // guards what follows; native, and nobody waits while it is held
	ports   map[string]*Port[M] // the newest of each node
	links   links[M]
	matched []int // how many messages each rule has matched
	number  uint64
	names   map[string]*runtime.Resource
}

// Options configure a [Network]. The zero value is a network called "network" that
// delivers after a millisecond, mostly.
type Options[M any] struct {
	// Name tells several networks of a world apart; it stands before the kinds of
	// their faults, but for "network".
	Name string
	// Codec encodes messages; nil is Gob.
	Codec Codec[M]
	// Kind names the kind of a message, for rules and stories; nil is the name of its
	// type.
	Kind func(m M) string
	// Latency is how long messages take; nil is from one to ten milliseconds with a
	// long tail.
	Latency Latency
	// Rules let messages go wrong.
	Rules Rules
	// InboxMax bounds the messages that a node has not received yet, 0 is 1,024; what
	// comes then is lost.
	InboxMax int
}

// ErrNetwork is wrapped by the errors of this package.
var ErrNetwork = errors.New("network")

// The faults that rules deliver, by the names under which the runtime counts them, and
// what else becomes of messages.
const (
	faultDrop      = "message-drop"
	faultDuplicate = "message-duplicate"
	faultDelay     = "message-delay"
)

// New adds a network to a world, and its kinds of faults. The error wraps ErrNetwork or
// [sim.ErrFault]; nothing was added then.
func New[M any](w *sim.World, options Options[M]) (*Network[M], error) {
	if options.Name == "" {
		options.Name = defaultName
	}
	if options.Codec == nil {
		codec, err := Gob[M]()
		if err != nil {
			return nil, err
		}
		options.Codec = codec
	}
	if options.Kind == nil {
		options.Kind = func(m M) string { return fmt.Sprintf("%T", m) }
	}
	if options.Latency == nil {
		options.Latency = Tail(time.Millisecond, 10*time.Millisecond, time.Second)
	}
	if options.InboxMax == 0 {
		options.InboxMax = 1024
	}
	if err := errors.Join(options.Latency.Validate(), options.Rules.Validate()); err != nil {
		return nil, err
	}
	if options.InboxMax < 0 {
		return nil, fmt.Errorf("%w: an inbox for %d messages", ErrNetwork, options.InboxMax)
	}
	n := &Network[M]{
		world: w, options: options, ports: make(map[string]*Port[M]), matched: make([]int, len(options.Rules)),
		names: make(map[string]*runtime.Resource),
	}
	n.links.mu = &n.mu
	n.links.released = func(e envelope[M]) { n.world.After(0, func() { n.arrive(e) }) }
	return n, n.handleFaults()
}

const defaultName = "network"

// Port is where an incarnation of a node sends and receives.
type Port[M any] struct {
	network *Network[M]
	rt      *runtime.Runtime
	node    *sim.Node // nil for the harness
	inbox   *runtime.Chan[Message[M]]
}

// Message is one that has arrived.
type Message[M any] struct {
	// From names the node that sent it.
	From string
	// Body is the receiver's own.
	Body M
}

// Listen opens the port of the node that rt belongs to. A later one, such as that of the
// next incarnation, takes its place: messages that are on their way go there.
func (n *Network[M]) Listen(rt *runtime.Runtime) *Port[M] {
	rt.Write(n.resource(rt.Node()))
	p := &Port[M]{network: n, rt: rt, inbox: runtime.NewChan[Message[M]](rt, n.options.InboxMax)}
	nodes := n.world.Nodes()
	if i := slices.IndexFunc(nodes, func(node *sim.Node) bool { return node.Name() == rt.Node() }); i >= 0 {
		p.node = nodes[i]
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ports[rt.Node()] = p
	return p
}

// resource is what tasks that send to a node, or listen there, operate on.
func (n *Network[M]) resource(node string) *runtime.Resource {
	n.mu.Lock()
	defer n.mu.Unlock()
	r, ok := n.names[node]
	if !ok {
		r = runtime.NewResource(n.options.Name, node)
		n.names[node] = r
	}
	return r
}

// Inbox returns the channel of the messages that have arrived, for selects. It is never
// closed.
func (p *Port[M]) Inbox() *runtime.Chan[Message[M]] { return p.inbox }

// Recv waits for a message, or returns ctx's error.
func (p *Port[M]) Recv(ctx context.Context) (Message[M], error) { return p.inbox.Recv(ctx) }

// Send sends a message to the node of a name, and does not wait: that it is lost, or that
// there is no such node, nobody says. The error is that of the codec; nothing was sent
// then. The message stays the caller's.
func (p *Port[M]) Send(to string, m M) error {
	n := p.network
	p.rt.Write(n.resource(to))
	n.mu.Lock()
	defer n.mu.Unlock()
	sent := envelope[M]{link: link{p.rt.Node(), to}, kind: n.options.Kind(m)}
	n.number++
	sent.number = n.number
	data, err := n.options.Codec.Encode(m)
	if err == nil {
		sent.message, err = n.decode(sent, data)
	}
	if err != nil {
		return fmt.Errorf("%w: %s to %s: %w", ErrNetwork, sent.kind, to, err)
	}
	n.world.Note(trace.Event{
		Kind: trace.Send, Text: fmt.Sprintf("sends %s to %s", sent, to), Message: sent.number, Peer: to,
	})
	return n.transmit(p.rt, sent, data)
}

// envelope is a message on its way.
type envelope[M any] struct {
	link
	number  uint64
	kind    string
	message Message[M]
}

func (e envelope[M]) String() string { return fmt.Sprintf("%s #%d", e.kind, e.number) }

func (n *Network[M]) decode(e envelope[M], data []byte) (Message[M], error) {
	body, err := n.options.Codec.Decode(data)
	return Message[M]{From: e.from, Body: body}, err
}

// transmit draws what becomes of a message.
func (n *Network[M]) transmit(rt *runtime.Runtime, e envelope[M], data []byte) error {
	latency := n.options.Latency.draw(rt)
	n.count(e)
	for i, r := range n.options.Rules {
		if !n.fires(rt, i, r, e) {
			continue
		}
		switch r.Effect {
		case Drop:
			rt.FaultDelivered(faultDrop)
			n.lose(e, "by chance")
			return nil
		case Delay:
			rt.FaultDelivered(faultDelay)
			latency += drawTime(rt, "delay", r.Max)
		case Duplicate:
			again := e
			var err error
			if again.message, err = n.decode(e, data); err != nil {
				return fmt.Errorf("%w: %v: %w", ErrNetwork, e, err)
			}
			rt.FaultDelivered(faultDuplicate)
			n.travel(again, n.options.Latency.draw(rt)+drawTime(rt, "duplicate", r.Max))
		}
	}
	n.travel(e, latency)
	return nil
}

// count lets each rule count the messages that it matches, hit or not.
func (n *Network[M]) count(e envelope[M]) {
	for i, r := range n.options.Rules {
		if r.matches(e.from, e.to, e.kind) {
			n.matched[i]++
		}
	}
}

// fires reports whether a rule hits a message.
func (n *Network[M]) fires(rt *runtime.Runtime, i int, r Rule, e envelope[M]) bool {
	if !r.matches(e.from, e.to, e.kind) {
		return false
	}
	if r.Nth != 0 {
		return n.matched[i] == r.Nth && !n.world.IsQuiet()
	}
	return rt.Choose(stream, string(r.Effect), r.OneIn) == r.OneIn-1
}

// stream is that of the choices of networks.
const stream = "network"

// drawTime draws a time up to a maximum, in a hundred steps.
func drawTime(rt *runtime.Runtime, site string, most time.Duration) time.Duration {
	return most * time.Duration(rt.Choose(stream, site, 101)) / 100
}

// travel lets a message arrive after some time, unless its link is cut now.
func (n *Network[M]) travel(e envelope[M], latency time.Duration) {
	if n.links.isCut(e.link) {
		n.lose(e, "by the partition")
		return
	}
	n.world.After(latency, func() { n.arrive(e) })
}

// arrive delivers a message, outside any task, unless its link is cut or clogged now.
func (n *Network[M]) arrive(e envelope[M]) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch p := n.ports[e.to]; {
	case n.links.isCut(e.link):
		n.lose(e, "by the partition")
	case n.links.hold(e):
	case p == nil || !p.isOpen():
		n.lose(e, "nobody listens")
	case !p.inbox.Deliver(e.message):
		n.lose(e, "the inbox is full")
	default:
		n.world.Note(trace.Event{
			Kind: trace.Deliver, Node: e.to, Text: fmt.Sprintf("%v arrives from %s", e, e.from),
			Message: e.number, Peer: e.from,
		})
	}
}

// isOpen reports whether the incarnation that has opened the port still runs.
func (p *Port[M]) isOpen() bool {
	if p.node == nil {
		return true
	}
	s := p.node.State()
	return (s == sim.Up || s == sim.Paused) && p.node.Incarnation() == p.rt.Incarnation()
}

func (n *Network[M]) lose(e envelope[M], why string) {
	n.world.Note(trace.Event{
		Kind: trace.Drop, Node: e.to, Text: fmt.Sprintf("%v from %s is lost: %s", e, e.from, why),
		Message: e.number, Peer: e.from,
	})
}
