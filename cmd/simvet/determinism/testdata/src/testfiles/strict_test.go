//sim:deterministic
package testfiles

import "time"

var strict = time.Now // want `time.Now`
