// Package invariants has the checkers of Tidemark: what has to be true of shards,
// of collections and of histories, under every fault.
//
// A checker sees what a user sees: answers of calls, and what public inspection
// tells about stored bytes. So the same checkers serve in the simulator and, as
// an audit, in production. Each asserts through the runtime it is given, under
// the id that docs/invariants.md explains; in the simulator a broken assertion
// ends the run.
//
// [Log] follows the versions of one key, above all faults. [Journal] keeps what the
// writers and readers of a shard were told, and holds it against the contents. [Ledger]
// watches a store from below, and knows which versions and objects somebody may still ask
// for. [Owners] follows critical capabilities from owner to owner, [Formats] which program
// may change what, and [CheckSecrecy] looks for rows in the clear. [Controllers] and
// [Process] follow the controllers of collections over a ledger, [CheckController] judges
// one moment.
//
// A [Process] is one incarnation of a process. The others belong to the world and not to
// a node: made before the first process, they see all of them, also across crashes. All of
// them are safe for concurrent use.
//
//sim:deterministic
package invariants
