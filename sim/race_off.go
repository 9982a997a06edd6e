//go:build !race

package sim

// raceDetector reports whether the program is built with -race.
const raceDetector = false

func raceReports() int { return 0 }
