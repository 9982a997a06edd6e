package sim

// RaceDetector shortens tests that would take minutes under the race detector.
const RaceDetector = raceDetector
