package divergence

import (
	"context"
	"slices"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// Options limit the work. The zero value of each field is its default.
type Options struct {
	// Attempts is how often the run is repeated at most; the default is 20. What does
	// not repeat every time may still do so many times in a row.
	Attempts int
	// Before is how many events that both runs had are told; the default is 5.
	Before int
}

// Place is where two runs of one seed part.
type Place struct {
	// Before are the last events that both runs had.
	Before []trace.Event
	// First and Second are the next event of each run; nil if a run was over.
	First, Second *trace.Event
	// Attempts is how many runs it took.
	Attempts int
}

// Locate runs a seed again and again until a run differs from the first one, and
// returns where; nil if all were the same. The error is one of [sim.Run].
func Locate(ctx context.Context, scenario sim.Scenario, config sim.Config, o Options) (*Place, error) {
	if o.Attempts <= 0 {
		o.Attempts = 20
	}
	if o.Before <= 0 {
		o.Before = 5
	}
	var first []trace.Event
	config.Trace = func(e trace.Event) { first = append(first, e) }
	if _, err := sim.Run(ctx, config, scenario.Run); err != nil {
		return nil, err
	}
	for attempt := 2; attempt <= o.Attempts && ctx.Err() == nil; attempt++ {
		c := comparison{first: first}
		config.Trace = c.add
		if _, err := sim.Run(ctx, config, scenario.Run); err != nil {
			return nil, err
		}
		if place := c.place(o.Before); place != nil {
			place.Attempts = attempt
			return place, nil
		}
	}
	return nil, ctx.Err()
}

// comparison holds a run against the events of an earlier one.
type comparison struct {
	first  []trace.Event
	same   int // events that both had
	second *trace.Event
}

func (c *comparison) add(e trace.Event) {
	switch {
	case c.second != nil:
	case c.same < len(c.first) && c.first[c.same] == e:
		c.same++
	default:
		c.second = &e
	}
}

// place returns where the runs part; nil if they do not.
func (c *comparison) place(before int) *Place {
	if c.second == nil && c.same == len(c.first) {
		return nil
	}
	p := &Place{Before: slices.Clone(c.first[max(0, c.same-before):c.same]), Second: c.second}
	if c.same < len(c.first) {
		p.First = &c.first[c.same]
	}
	return p
}
