// Package conflict means two things by one id.
package conflict

import "github.com/tidemarkdb/tidemark/runtime"

func assert(rt *runtime.Runtime) {
	rt.Always(true, "both")
	rt.Sometimes(true, "both")
	rt.Always(true, "other")
}

var _ = assert
