package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim/trace"
)

// ring keeps the last decisions. It is always on, for runs that cannot be
// replayed to tell their story.
type ring struct {
	entries []decided
	next    int // the oldest entry, once the ring is full
}

// decided is one decision: who went on, and with what. It is packed into four
// words, because every decision writes one.
type decided struct {
	task   *task
	object *runtime.Object
	now    int64
	packed uint64 // the step, and in the last eight bits the kind of operation
}

func newDecided(t *task, step uint64, now int64) decided {
	return decided{t, t.op.Object, now, step<<8 | uint64(t.op.Kind)}
}

func (d decided) step() uint64 { return d.packed >> 8 }

func (d decided) op() runtime.Op { return runtime.Op{Kind: runtime.OpKind(d.packed), Object: d.object} }

const ringSize = 1 << 12

func (r *ring) add(d decided) {
	if len(r.entries) < ringSize {
		r.entries = append(r.entries, d)
		return
	}
	r.entries[r.next] = d
	r.next = (r.next + 1) & (ringSize - 1)
}

// ordered returns the entries, oldest first.
func (r *ring) ordered() []decided {
	return slices.Concat(r.entries[r.next:], r.entries[:r.next])
}

func (d decided) event() trace.Event {
	return trace.Event{
		Step: d.step(), Time: time.Duration(d.now - epoch), Kind: trace.Op,
		Node: d.task.life.node.name, Task: d.task.runtime.Path(), Text: describeWait(d.op()),
	}
}

// equal compares decisions of two runs.
func (d decided) equal(other decided) bool {
	return d.packed == other.packed && d.now == other.now &&
		d.task.runtime.Hash() == other.task.runtime.Hash() && objectID(d.op()) == objectID(other.op())
}

// Recent returns the last decisions of the run, at most n of them and at most
// 4096, oldest first: which task went on, and with what operation. They are
// there in every result, and stand in for the story of a run that cannot be
// told by running it again because it hangs or does not repeat.
func (r Result) Recent(n int) []trace.Event {
	all := r.ring.ordered()
	all = all[len(all)-min(max(n, 0), len(all)):]
	events := make([]trace.Event, len(all))
	for i, d := range all {
		events[i] = d.event()
	}
	return events
}

// Difference says where two runs of one seed parted: the first decision that
// differs, as far back as both remember. It is empty if they agree so far.
func (r Result) Difference(other Result) string {
	a, b := r.ring.ordered(), other.ring.ordered()
	if len(a) == 0 || len(b) == 0 {
		return ""
	}
	oldest := max(a[0].step(), b[0].step())
	before := func(d decided) bool { return d.step() < oldest }
	a, b = slices.DeleteFunc(a, before), slices.DeleteFunc(b, before)
	for i := range min(len(a), len(b)) {
		if !a[i].equal(b[i]) {
			return fmt.Sprintf("step %d: %s, then %s", a[i].step(), a[i], b[i])
		}
	}
	if len(a) != len(b) {
		return fmt.Sprintf("one run ended after step %d", r.Steps)
	}
	return ""
}

func (d decided) String() string {
	e := d.event()
	return fmt.Sprintf("%s (%s) at %v", e.Who(), e.Text, e.Time)
}
