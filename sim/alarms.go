package sim

import (
	"math"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
)

// alarm is the kernel's side of a runtime.Alarm, which keeps it in its Slot.
type alarm struct {
	owner    *runtime.Alarm
	life     *life
	at       int64
	sequence uint64 // breaks ties, so that the heap's order is a total one
	index    int    // in the heap, or one of the constants below
	standing
}

const (
	notPending = -1
	isDue      = -2
	isLate     = -3 // its node is paused
)

func (a *alarm) before(b *alarm) bool {
	return a.at < b.at || a.at == b.at && a.sequence < b.sequence
}

// alarms is a heap of fan-out four that knows where each alarm is.
type alarms struct {
	heap     []*alarm
	sequence uint64
}

func (h *alarms) push(a *alarm) {
	h.sequence++
	a.sequence, a.chance = h.sequence, 0
	a.index = len(h.heap)
	h.heap = append(h.heap, a)
	h.up(a)
}

func (h *alarms) remove(a *alarm) {
	i := a.index
	last := len(h.heap) - 1
	moved := h.heap[last]
	h.heap[last] = nil
	h.heap = h.heap[:last]
	a.index = notPending
	if moved == a {
		return
	}
	moved.index = i
	h.heap[i] = moved
	h.up(moved)
	h.down(moved)
}

func (h *alarms) up(a *alarm) {
	for i := a.index; i > 0; {
		parent := h.heap[(i-1)/4]
		if !a.before(parent) {
			return
		}
		h.heap[i], parent.index = parent, i
		i = (i - 1) / 4
		h.heap[i], a.index = a, i
	}
}

func (h *alarms) down(a *alarm) {
	for i := a.index; ; {
		least := a
		for c := 4*i + 1; c <= 4*i+4 && c < len(h.heap); c++ {
			if h.heap[c].before(least) {
				least = h.heap[c]
			}
		}
		if least == a {
			return
		}
		c := least.index
		h.heap[i], least.index = least, i
		h.heap[c], a.index = a, c
		i = c
	}
}

// after returns the time in d from now; one too far away to be counted is as
// good as never.
func (k *kernel) after(d time.Duration) int64 {
	if d > math.MaxInt64-time.Duration(k.now) {
		return math.MaxInt64
	}
	return k.now + int64(d)
}

// advance moves the clock to the next alarm. Without one the world is dead.
func (k *kernel) advance() bool {
	if len(k.pending.heap) == 0 {
		k.end(k.deadlock())
		return false
	}
	next := k.pending.heap[0].at
	if next-epoch >= int64(k.config.TimeMax) {
		k.end(timeLimit)
		return false
	}
	k.now = max(k.now, next)
	return true
}

// collectDue takes the alarms whose time has come off the heap. Those of a
// paused node wait until it resumes.
func (k *kernel) collectDue() {
	for len(k.pending.heap) > 0 && k.pending.heap[0].at <= k.now {
		a := k.pending.heap[0]
		k.pending.remove(a)
		if n := a.life.node; n.paused {
			n.late = append(n.late, a)
			a.index = isLate
			continue
		}
		a.index = isDue
		k.due = append(k.due, a)
	}
}

// fire calls a function in which there is no current task. Its panic is nobody
// else's, least of all that of the task on whose stack it happens to run.
func (k *kernel) fire(f func()) {
	k.firing = true
	defer k.fired()
	k.runAlarm(f)
}

func (k *kernel) fired() {
	if value := recover(); value != nil {
		k.end(panicVerdict(value, k.panicStack()))
	}
	k.firing = false
}
