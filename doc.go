// Package tidemark is the root of Tidemark: a deterministic simulation
// framework for Go, and durable, time-versioned collections built on it. It
// has no code of its own; see ARCHITECTURE.md for the rooms of the house:
//
//   - package runtime: tasks, channels, locks, time and chance, live or under a
//     scheduler
//   - package sim: the deterministic scheduler, with sim/simtest for go test
//     and cmd/simrun for the command line
//   - package frontier: the algebra of logical times
package tidemark
