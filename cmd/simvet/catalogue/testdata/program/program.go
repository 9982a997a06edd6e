// Package program asserts in every way that a catalogue has to find.
package program

import (
	"context"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

const named = "named-id"

// Plain reaches its assertions by calls.
func Plain() sim.Scenario { return sim.Scenario{Name: "plain", Doc: "calls", Run: plain} }

func plain(_ context.Context, w *sim.World) error {
	rt := w.Runtime()
	rt.Always(true, named)
	rt.Sometimes(true, "sometimes"+"-joined")
	w.Eventually("eventually", 1, func() bool { return true })
	var on stage = w
	on.Eventually("eventually-on-a-stage", 1, func() bool { return true })
	assertElsewhere(rt)
	return nil
}

// Large is another scenario with the name assigned, and all that Plain has.
func Large() sim.Scenario {
	s := Plain()
	s.Name, s.Named = "large", true
	s.Run = func(_ context.Context, w *sim.World) error {
		w.Runtime().Reachable("in-a-closure")
		var c checker = &book{w.Runtime()}
		c.check()
		hook()
		return nil
	}
	return s
}

// stage is what a scenario needs of a world.
type stage interface {
	Eventually(id string, within time.Duration, condition func() bool, kv ...any)
}

func assertElsewhere(rt *runtime.Runtime) {
	rt.Always(true, "two-places")
	rt.Always(true, "two-places")
}

type checker interface{ check() }

type book struct{ rt *runtime.Runtime }

func (b *book) check() {
	b.rt.AlwaysOrUnreachable(true, "through-an-interface")
	b.rt.Always(true, "two-places")
}

// hook is reached by a variable.
var hook = func() { (&book{}).rt.Unreachable("in-a-variable") }

func nobody(rt *runtime.Runtime, id string) {
	rt.Reachable("reached-by-nobody")
	rt.Always(true, id)
}

var _ = nobody
