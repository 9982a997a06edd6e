package sim

import (
	"strconv"
	"strings"
)

// trigger is a fault that waits for the program to announce something.
type trigger struct {
	fault Fault
	id    string
	left  int // how often it has to be announced yet
}

// newTrigger reads the When of a fault, "elected#2".
func newTrigger(f Fault) *trigger {
	t := &trigger{fault: f, id: f.When, left: 1}
	if id, number, ok := cutLast(f.When, "#"); ok {
		if n, err := strconv.Atoi(number); err == nil && n > 0 {
			t.id, t.left = id, n
		}
	}
	return t
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

// trigger plans the faults that waited for an announcement, for the next decision.
func (k *kernel) trigger(id string) {
	if len(k.triggers) == 0 || k.quiet || k.reaping {
		return
	}
	waiting := k.triggers[:0]
	for _, t := range k.triggers {
		if t.id == id {
			t.left--
		}
		if t.left > 0 {
			waiting = append(waiting, t)
			continue
		}
		k.faults = append(k.faults, t.fault) // its step is 0: it is first
	}
	k.triggers = waiting
	k.sortFaults()
}
