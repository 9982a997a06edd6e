package testfiles

import "time"

var exempt = time.Now
