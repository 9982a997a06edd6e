// Package optout does not say //sim:deterministic above its package clause.
package optout

import "time"

//sim:deterministic
func now() time.Time { return time.Now() }
