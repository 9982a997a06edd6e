//go:build race

package sim

import goruntime "runtime"

// raceDetector reports whether the program is built with -race.
const raceDetector = true

// raceReports returns how many races were reported so far in this process.
func raceReports() int { return goruntime.RaceErrors() }
