//go:build race

package runtime

import (
	goruntime "runtime"
	"unsafe"
)

// Under the race detector the kernel of a scheduler runs one task after the
// other without ordering them, as far as the detector can see. The order that a
// primitive promises is made by stamps, and by nothing else; and what a
// primitive remembers itself, which tasks share without any such order, is
// written only in functions that the detector leaves out (go:norace). Those hold
// no map, append or copy and no closure, because these are reported all the same.

// stamp holds what tasks had done at some moment. Whoever observes it comes
// after that.
type stamp struct{ clock *[16]byte }

// set makes the stamp that of the current task, now.
//
//go:norace
func (s *stamp) set() {
	s.clock = new([16]byte)
	goruntime.RaceRelease(unsafe.Pointer(s.clock))
}

// add adds the current task to the stamp.
//
//go:norace
func (s *stamp) add() {
	if s.clock == nil {
		s.clock = new([16]byte)
	}
	goruntime.RaceReleaseMerge(unsafe.Pointer(s.clock))
}

// observe lets the current task come after the stamp.
//
//go:norace
func (s stamp) observe() {
	if s.clock != nil {
		goruntime.RaceAcquire(unsafe.Pointer(s.clock))
	}
}

// detached returns a string whose bytes nobody is known to have written, which a
// scheduler may therefore read. Strings are constants to the detector, but not the
// buffer in which a strings.Builder made one.
//
//go:norace
func detached(s string) string { return string([]byte(s)) }

// aside calls f, which touches state that tasks share and that orders none of
// them. A scheduler that keeps its tasks apart for the race detector has to call
// it outside of them.
//
//go:norace
func (rt *Runtime) aside(f func()) {
	if s, ok := rt.sched.(interface{ Aside(f func()) }); ok {
		s.Aside(f)
		return
	}
	f()
}
