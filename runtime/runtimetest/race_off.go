//go:build !race

package runtimetest

// raceDetector reports whether the race detector is compiled in.
const raceDetector = false
