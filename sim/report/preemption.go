package report

import (
	"fmt"
	"strings"

	"github.com/tidemarkdb/tidemark/sim/trace"
)

// preemptions picks out of the events of a run, for each preemption, both its sides:
// where a task was stopped, and where another one went on.
type preemptions struct {
	last  map[string]trace.Event // the last operation of each task
	sides []sides
}

// sides are those of one preemption.
type sides struct {
	stopped trace.Stop
	before  trace.Event // the last operation of the stopped task; the zero value if it had done none
	after   trace.Event // the first of the one that went on; its start if it did none
}

// preemptionsMax is how many are told; who has more to read reads the story.
const preemptionsMax = 10

// add takes the next event of the run.
func (p *preemptions) add(e trace.Event) {
	if p.last == nil {
		p.last = make(map[string]trace.Event)
	}
	if e.Stopped != (trace.Stop{}) {
		before := p.last[e.Stopped.Who()]
		p.sides = append(p.sides, sides{stopped: e.Stopped, before: before, after: e})
	}
	if e.Kind != trace.Op && e.Kind != trace.Wait || e.Task == "" {
		return
	}
	if e.Kind == trace.Op {
		p.last[e.Who()] = e
	}
	for i := len(p.sides) - 1; i >= 0; i-- { // its start says less than its first operation
		if s := &p.sides[i]; s.after.Kind == trace.Start && s.after.Who() == e.Who() {
			s.after = e
			break
		}
	}
}

// write writes two lines for each preemption, one for each side.
func (p *preemptions) write(b *strings.Builder) {
	for _, s := range p.sides[:min(len(p.sides), preemptionsMax)] {
		fmt.Fprintf(b, "\n  preempted: %s%s (about to %s)", s.stopped.Who(), at(s.stopped.Location), s.stopped.Text)
		if s.before.Text != "" {
			fmt.Fprintf(b, ", after %s%s", s.before.Text, at(s.before.Location))
		}
		fmt.Fprintf(b, "\n             %s goes on%s (%s)", s.after.Who(), at(s.after.Location), s.after.Text)
	}
	if more := len(p.sides) - preemptionsMax; more > 0 {
		fmt.Fprintf(b, "\n  preempted: %d times more", more)
	}
}

// at says where; nothing for an unknown place.
func at(location string) string {
	if location == "" {
		return ""
	}
	return " at " + location
}
