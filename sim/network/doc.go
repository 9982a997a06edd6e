// Package network carries messages between the nodes of a simulated world, late, twice, in
// another order, or not at all.
//
//	net, err := network.New[Message](w, network.Options[Message]{Rules: rules})
//	...
//	port := net.Listen(rt)               // in a node's boot function
//	err = port.Send("n2", Message{...})  // never waits
//	m, err := port.Recv(ctx)             // m.From, m.Body
//
// A [Network] is an object of the world. What it promises is what a network of datagrams
// does, which is nothing: a message that was sent may arrive once, several times, or never.
// A message is encoded when it is sent and decoded before it is delivered, so nodes share
// no memory through it; [Gob] is the default codec, and refuses types that hold channels
// or functions.
//
// # What goes wrong
//
// Each message draws its latency from a table ([Latency]), so messages overtake each
// other. Rules ([Rule], [ParseRules]) drop, duplicate or delay those that match, by sender,
// receiver, kind and number:
//
//	drop 1/20; duplicate 1/50 5s from=n1; delay 1/10 2s kind=vote; drop #3 to=n2
//
// All draws are choices on the stream "network": they are recorded, shrunk, and end with
// [sim.World.Quiesce]. A delivery is an alarm of the world, so that it competes with tasks
// and other deliveries.
//
// A network also teaches its world kinds of planned faults (see [sim.Fault]), which end
// after their duration:
//
//	partition a|b+c at step 70 for 10s     two sides; those not named talk to all
//	partition a+b|b+c at step 70 for 10s   b is in both: a bridge
//	cut a>b+c at step 70 for 10s           one way only
//	clog a>b at step 70 for 10s            messages wait, and then come all at once
//	swizzle a+b+c at step 70 for 10s       clogs one node after the other, and frees
//	                                       them in another order (FoundationDB's way)
//
// [Targets] draws such faults for a [sim.Swarm], in the usual shapes: one node
// alone, halves, a bridge, a ring.
package network
