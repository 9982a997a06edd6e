// Package collections keeps durable, time-versioned collections: multisets of rows
// that change over logical time, each in a shard of package persist, and readable as
// of any time between its since and its upper.
//
//	c, err := collections.Open(ctx, rt, client, collections.Config{})
//	defer c.Close(ctx)
//	err = c.Create(ctx, collections.Description{ID: orders})
//	w, err := c.Writer(ctx, orders)
//	err = w.CompareAndAppend(ctx, updates, frontier.At(0), frontier.At(10))
//	for u, err := range c.Snapshot(ctx, orders, 9) { ... }
//
// Writers push the upper. How far the since may go is decided here, by the
// [Controller], which makes it durable:
//
//   - a [ReadPolicy] says what a collection wants to keep, given its upper;
//   - a [Hold] keeps more, for as long as somebody needs to read;
//   - a collection on which others depend keeps what they need.
//
// The earliest of these is the read frontier, and the durable since follows it,
// never ahead. Inspection tells all of it without waiting.
//
// # Processes
//
// Each process has an epoch, beyond those of all before. Opening a shard stores it
// there, beside the since; from then on an older process can not move that since any
// more, and learns that it is fenced when it tries. This ends it: all its calls fail,
// and [Config.Supervisor] is told. Holds and policies are in memory, and end with
// their process.
//
// # Creating and dropping
//
// What is created or dropped has to be durable in a catalog before any effect, so
// that no shard is ever lost. [Controller.Create] and [Controller.Drop] do it all in
// the controller's own catalog, see package collections/catalog. Programs that have
// a catalog call [Controller.Prepare] within a transaction of theirs, commit it
// together with what they have to say themselves, and then call [Controller.Install]
// or [Controller.Remove].
//
// # At this storey
//
// The only catalog here is [catalog.Memory], which ends with its process, and is what a
// controller has unless it is told otherwise. Whoever creates collections in it finds none
// of them after a restart, though their shards are there. A program whose collections
// outlive it sets Config.Epoch, remembers the shard of each collection, and calls
// [Controller.Install] at each start, as examples/orders does.
//
// There are plain collections. Tables that commit together, versions with other
// schemas, read-only processes, and the last steps of giving a shard up come with
// later ones.
//
//sim:deterministic
package collections
