package enginetest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Witness hears what processes say, over all of their lives. It is safe for concurrent use.
type Witness struct {
	mu           sync.Mutex
	tried        map[uint64]map[uint64]bool // bounds of appends that were begun
	acknowledged map[uint64]uint64          // of those that have succeeded
	upper        uint64                     // the greatest acknowledged
	// checks, reads, expired and swept count what processes have done besides: how often a
	// reader was too slow for its lease, and how many orphans were deleted.
	checks, reads, expired, swept int
}

// KillsVariable says how often the tests kill each process, if not a few times.
const KillsVariable = "TIDEMARK_ENGINE_TEST_KILLS"

// NewWitness returns one that has heard nothing.
func NewWitness() *Witness {
	return &Witness{tried: make(map[uint64]map[uint64]bool), acknowledged: make(map[uint64]uint64)}
}

// Instruct returns what a process that is about to start has to know: a seed, and what was
// acknowledged so far.
func (w *Witness) Instruct(random *rand.Rand) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("%d %d", random.Uint64(), w.upper)
}

// Hear takes a line that a process has said. What it does not know, an error for example, fails the test.
func (w *Witness) Hear(t testing.TB, line string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	word, rest, _ := strings.Cut(line, "\t")
	switch word {
	case "checked":
		w.checks++
	case "read":
		w.reads++
	case "expired":
		w.expired++
	case "swept":
		n, err := strconv.Atoi(rest)
		if err != nil {
			t.Errorf("the process says %q", line)
		}
		w.swept += n
	case "try", "acknowledged":
		var lower, upper uint64
		if _, err := fmt.Sscan(rest, &lower, &upper); err != nil {
			t.Errorf("the process says %q", line)
		}
		w.hearAppend(t, lower, upper, word == "acknowledged")
	default:
		t.Errorf("the process says %q", line)
	}
}

func (w *Witness) hearAppend(t testing.TB, lower, upper uint64, isAcknowledged bool) {
	t.Helper()
	if !isAcknowledged {
		if w.tried[lower] == nil {
			w.tried[lower] = make(map[uint64]bool)
		}
		w.tried[lower][upper] = true
		return
	}
	if other, twice := w.acknowledged[lower]; twice {
		t.Errorf("appends from %d to %d and to %d were acknowledged", lower, other, upper)
	}
	w.acknowledged[lower] = upper
	w.upper = max(w.upper, upper)
}

// checkAppends makes sure that the appends that were acknowledged, and at most one that
// was not in each place between them, lead to an upper. It returns how many those were.
func (w *Witness) checkAppends(t testing.TB, upper uint64) (unclear int) {
	t.Helper()
	acknowledged := 0
	var lead func(from uint64) bool
	lead = func(from uint64) bool {
		if to, ok := w.acknowledged[from]; ok {
			if lead(to) {
				acknowledged++
				return true
			}
			return false
		}
		for to := range w.tried[from] {
			if from < upper && !w.hasAcknowledged(from, to) && lead(to) {
				unclear++
				return true
			}
		}
		return from == upper
	}
	if !lead(0) || acknowledged < len(w.acknowledged) {
		t.Errorf("%d acknowledged appends do not lead to %d", len(w.acknowledged), upper)
	}
	return unclear
}

// hasAcknowledged reports whether an append that was acknowledged begins in an interval:
// then none that was not has that interval.
func (w *Witness) hasAcknowledged(lower, upper uint64) bool {
	for time := lower; time < upper; time++ {
		if _, ok := w.acknowledged[time]; ok {
			return true
		}
	}
	return false
}
