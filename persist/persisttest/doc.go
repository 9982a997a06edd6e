// Package persisttest is the conformance suite of package persist: what every
// backend of [persist.Blob] and [persist.Consensus], and every wrapper around
// one, has to do.
//
// A backend calls [Blob] and [Consensus] from its tests with an [Open]. The
// cases run on the live runtime, with real concurrency; concurrent histories of
// compare-and-set are judged by porcupine against [LogModel], which scenarios
// use as well.
package persisttest
