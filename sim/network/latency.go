package network

import (
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// Latency is a distribution: its elements, in ascending order, are equally probable. The
// first is what happens when nothing bad does.
type Latency []time.Duration

// Validate returns the first thing that is wrong with the distribution. The error wraps
// ErrNetwork.
func (l Latency) Validate() error {
	if len(l) == 0 || l[0] < 0 || !slices.IsSorted(l) {
		return fmt.Errorf("%w: latencies %v, which have to be ascending", ErrNetwork, []time.Duration(l))
	}
	return nil
}

func (l Latency) draw(rt *runtime.Runtime) time.Duration {
	return l[rt.Choose(stream, "latency", len(l))]
}

// Fixed is always the same, so that messages of one link arrive in their order.
func Fixed(d time.Duration) Latency { return Latency{d} }

// Uniform is anything between two latencies.
func Uniform(low, high time.Duration) Latency {
	const steps = 16
	l := make(Latency, steps)
	for i := range l {
		l[i] = low + (high-low)*time.Duration(i)/(steps-1)
	}
	return l
}

// Tail is mostly between low and usual, as Uniform is, and once in 64 messages up to high:
// the tail of a network in trouble.
func Tail(low, usual, high time.Duration) Latency {
	l := make(Latency, 0, 64)
	for range 63 / 16 {
		l = append(l, Uniform(low, usual)...)
	}
	for len(l) < 63 {
		l = append(l, usual)
	}
	slices.Sort(l)
	return append(l, high)
}
