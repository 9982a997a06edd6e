// Package testfiles has tests.
//
//sim:deterministic
package testfiles

import "time"

var start = time.Now // want `time.Now`
