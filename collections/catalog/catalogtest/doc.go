// Package catalogtest is the conformance suite of package catalog: what every
// [catalog.Catalog], and every wrapper around one, has to do.
//
// An implementation calls [Test] from its tests with an [Open]. The cases run on
// the live runtime, with real concurrency.
//
// [Race] lets processes fence and overtake each other, on any runtime; tests call it
// in the simulator as well, with and without faults. A [History] records what they
// saw, and has it judged by porcupine against [CounterModel]: whether each call can
// have happened at one moment between its beginning and its end.
//
// What a transaction does with ids that are not valid, and after an error, is left
// open: callers do neither.
//
// Since a catalog must let others commit while a change runs, some cases do so
// inside of one; a catalog that holds a lock meanwhile blocks there.
package catalogtest
