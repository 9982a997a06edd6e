package report

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/shrink"
	"github.com/tidemarkdb/tidemark/sim/sweep"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// Failure is one failed run, as text. Without Tell it says what the result
// remembers: the last decisions, without lines of the program.
type Failure struct {
	// Title says what broke.
	Title  string
	Result sim.Result
	// Place says which of how many, such as "7 of 100".
	Place string
	// Rerun is the command that repeats the run.
	Rerun string
	// StoryMax is how many of the last events are told; 0 is all of them.
	StoryMax int

	events      []trace.Event
	total       int
	preemptions preemptions
	warn        string
	shrunk      *shrink.Result
}

// eventsMax is how many of the last events are kept for pictures.
const eventsMax = 100_000

// Shrink looks for a smaller run that fails in the same way, of which then is told. It
// does nothing where there is no run to repeat, and warns in the text if the run did
// not repeat.
func (f *Failure) Shrink(ctx context.Context, scenario sim.Scenario, config sim.Config, o shrink.Options) {
	v := f.Result.Verdict
	if f.Result.Tape == nil && f.Result.Followed == nil || !v.Failed() || v.Kind == sim.Escape || v.Kind == sim.Goexit {
		return
	}
	config.Replay, config.Strategy = f.Result.Tape, nil
	if f.Result.Tape == nil {
		config.Script = f.Result.Followed
	}
	r, err := shrink.Run(ctx, scenario, config, o)
	if err != nil {
		f.warn = err.Error()
		return
	}
	f.shrunk = &r
}

// Summary says in a few words what is left of the run; empty if it was not shrunk.
func (f *Failure) Summary() string {
	if f.shrunk == nil {
		return ""
	}
	return f.shrunk.Summary()
}

// Script returns the script of the smaller run; nil if there is none.
func (f *Failure) Script() *sim.Script {
	if f.shrunk == nil {
		return nil
	}
	return f.shrunk.Script
}

// Tell runs the failed run once more, or the smaller one if there is one, with a
// trace, for its story. It warns in the text if the run did not repeat.
func (f *Failure) Tell(ctx context.Context, config sim.Config, main sim.Main) {
	tail := trace.NewTail(max(f.limit(), eventsMax))
	f.preemptions = preemptions{}
	config.Seed, config.Trace = f.Result.Seed, func(e trace.Event) { tail.Add(e); f.preemptions.add(e) }
	switch {
	case f.shrunk != nil:
		config.Script, config.Strategy = f.shrunk.Script, nil
	case f.Result.Tape != nil: // the run may have followed a script
		config.Replay, config.Strategy = f.Result.Tape, nil
	case f.Result.Followed != nil:
		config.Script, config.Strategy = f.Result.Followed, nil
	}
	again, err := sim.Run(ctx, config, main)
	f.events, f.total = tail.Events(), tail.Total()
	first := f.told()
	switch {
	case err != nil:
		f.warn = err.Error()
	case again.Hash != first.Hash:
		f.warn = fmt.Sprintf("this seed does not repeat: hash %016x, then %016x. The program under test uses"+
			" something that is not under the simulator's control.", first.Hash, again.Hash)
		if where := first.Difference(again); where != "" {
			f.warn += "\nThe first difference is at " + where + "."
		}
	}
}

// Events returns what Tell has seen: at least StoryMax and at most the last 100,000
// events, unless StoryMax asks for more.
func (f *Failure) Events() []trace.Event { return f.events }

// told returns the run that is told of.
func (f *Failure) told() sim.Result {
	if f.shrunk != nil {
		return f.shrunk.Run
	}
	return f.Result
}

// limit returns how many events are told at most.
func (f *Failure) limit() int {
	if f.StoryMax == 0 {
		return math.MaxInt
	}
	return f.StoryMax
}

// String returns the text, several lines without a final newline.
func (f *Failure) String() string {
	var b strings.Builder
	r := f.Result
	fmt.Fprintf(&b, "%s\n  seed %s, %s", f.Title, sweep.Format(r.Seed), f.Place)
	if r.Steps > 0 {
		fmt.Fprintf(&b, "; %d steps, %v of virtual time", r.Steps, r.Time)
	}
	if f.shrunk != nil {
		fmt.Fprintf(&b, "\n  shrunk to %s", f.shrunk.Summary())
	}
	f.writeLimits(&b)
	r = f.told()
	if v := r.Verdict; v.Task != "" {
		fmt.Fprintf(&b, "\n  in %s, step %d", trace.Event{Node: v.Node, Task: v.Task}.Who(), v.Step)
	}
	if p := f.Result.Plan; p != nil && f.shrunk == nil {
		writeIndented(&b, p.String())
	}
	writeIndented(&b, f.warn)
	if _, rest, more := strings.Cut(r.Verdict.Message, "\n"); more {
		writeIndented(&b, rest)
	}
	if r.Verdict.Kind == sim.Escape {
		writeIndented(&b, r.Verdict.Stack)
	} else {
		writeIndented(&b, programFrames(r.Verdict.Stack))
	}
	if f.shrunk != nil {
		f.preemptions.write(&b)
	}
	f.writeStory(&b)
	if f.Rerun != "" {
		fmt.Fprintf(&b, "\n  again: %s", f.Rerun)
	}
	return b.String()
}

// limitsMax is how many numbers are told that were made smaller.
const limitsMax = 5

// writeLimits writes which numbers of the workload were made smaller.
func (f *Failure) writeLimits(b *strings.Builder) {
	if f.shrunk == nil {
		return
	}
	limits := f.shrunk.Script.Limits
	for _, n := range limits[:min(len(limits), limitsMax)] {
		fmt.Fprintf(b, "\n  smaller: %s", n)
	}
	if more := len(limits) - limitsMax; more > 0 {
		fmt.Fprintf(b, "\n  smaller: %d more", more)
	}
}

// writeStory writes what was told, or at least what the run itself remembers.
func (f *Failure) writeStory(b *strings.Builder) {
	events := f.events[max(0, len(f.events)-f.limit()):]
	switch n := len(events); {
	case n == 0:
		if events = f.told().Recent(f.limit()); len(events) == 0 {
			return
		}
		fmt.Fprintf(b, "\n  the last %d decisions:\n", len(events))
	case n < f.total:
		fmt.Fprintf(b, "\n  %s, the last %d of %d events:\n", f.storyTitle(), n, f.total)
	default:
		fmt.Fprintf(b, "\n  %s:\n", f.storyTitle())
	}
	story := trace.NewStory(b)
	story.Fit(events...)
	for _, e := range events {
		story.Add(e)
	}
}

func (f *Failure) storyTitle() string {
	if f.shrunk != nil {
		return "story of the smaller run"
	}
	return "story"
}

func writeIndented(b *strings.Builder, text string) {
	if text == "" {
		return
	}
	for line := range strings.Lines(text) {
		b.WriteString("\n  " + strings.TrimRight(line, "\n"))
	}
}
