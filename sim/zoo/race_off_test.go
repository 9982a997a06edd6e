//go:build !race

package zoo_test

// underRace reports whether the race detector is compiled in.
const underRace = false
