// Package invariants has the checkers of Tidemark: what has to be true of shards,
// of collections and of histories, under every fault.
//
// A checker sees what a user sees: answers of calls, and what public inspection
// tells about stored bytes. So the same checkers serve in the simulator and, as
// an audit, in production. Each asserts through the runtime it is given, under
// the id that docs/invariants.md explains; in the simulator a broken assertion
// ends the run.
//
// [Journal] keeps what the writers and readers of a shard were told, and holds it
// against the contents. [Ledger] watches a store from below, and knows
// which versions and objects somebody may still ask for.
//
//sim:deterministic
package invariants
