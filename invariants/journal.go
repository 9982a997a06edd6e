package invariants

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Journal is a record of what the clients of one shard were told, kept outside
// the shard. Every row is appended at most once, so that a row is a name. It is
// safe for concurrent use.
type Journal struct {
	mu    sync.Mutex //sim:allow native-lock because nothing parks while it is held
	rows  map[string]*entry
	acked frontier.Antichain // the greatest upper of an acknowledged append
	asked frontier.Antichain // the greatest upper of any append
	spans []span             // of acknowledged appends
	reads map[uint64]string  // the contents that were read as of a time
	// contents and definite are the invariants about what is read.
	contents, definite string
}

// span is the interval of an append.
type span struct{ lower, upper frontier.Antichain }

// entry is one row and what is known about it.
type entry struct {
	time    uint64
	outcome outcome
}

type outcome uint8

const (
	pending   outcome = iota // no answer: maybe there
	succeeded                // there
	denied                   // not there, and never will be
	unknown                  // nobody can tell
)

// NewJournal returns an empty journal.
func NewJournal() *Journal {
	return &Journal{
		rows: make(map[string]*entry), reads: make(map[uint64]string), contents: "P-25", definite: "P-28",
	}
}

// NewCollectionJournal returns an empty journal of a collection: what is read from
// it has to be what was written (I-47).
func NewCollectionJournal() *Journal {
	j := NewJournal()
	j.contents, j.definite = "I-47", "I-47"
	return j
}

// Call is one append that is under way.
type Call struct {
	journal  *Journal
	entries  []*entry
	expected frontier.Antichain
	upper    frontier.Antichain
	before   frontier.Antichain // acknowledged when the call began
}

// Begin notes that an append starts.
func (j *Journal) Begin(updates []persist.Update, expected, upper frontier.Antichain) *Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked = j.asked.Join(upper)
	c := &Call{journal: j, expected: expected, upper: upper, before: j.acked}
	for _, u := range updates {
		e := &entry{time: u.Time}
		j.rows[string(u.Row)] = e
		c.entries = append(c.entries, e)
	}
	return c
}

// End notes the answer. It asserts that a mismatch names an upper that the shard can
// have had during the call: not the expected one, not one from before the call, not
// one that nobody asked for (P-27); and that a success did not begin before what was
// acknowledged when the call began (P-26).
func (c *Call) End(rt *runtime.Runtime, err error) {
	var mismatch *persist.UpperMismatchError
	result := unknown
	switch {
	case err == nil:
		result = succeeded
	case errors.As(err, &mismatch):
		result = denied
		rt.Always(mismatch.Current != c.expected, "P-27", "expected", c.expected)
		rt.Always(c.before.LessEqual(mismatch.Current), "P-27", "acknowledged", c.before, "current", mismatch.Current)
	case errors.Is(err, persist.ErrUsage):
		result = denied
	}
	j := c.journal
	j.mu.Lock()
	asked := j.asked
	for _, e := range c.entries {
		e.outcome = result
	}
	if result == succeeded {
		j.acked = j.acked.Join(c.upper)
		j.spans = append(j.spans, span{c.expected, c.upper})
	}
	j.mu.Unlock()
	rt.Always(mismatch == nil || mismatch.Current.LessEqual(asked), "P-27", "asked", asked)
	rt.Always(result != succeeded || c.before.LessEqual(c.expected), "P-26",
		"acknowledged", c.before, "expected", c.expected)
}

// Succeeded returns the number of acknowledged appends.
func (j *Journal) Succeeded() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.spans)
}

// Rows returns all rows that were to be appended, in order.
func (j *Journal) Rows() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return sortedKeys(j.rows)
}

// UpperAtLeast returns the greatest upper that a writer was told.
func (j *Journal) UpperAtLeast() frontier.Antichain {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.acked
}

// Read asserts definiteness (P-28): everybody who reads as of a time sees the
// same; rows are consolidated and at that time. It also asserts that somebody has
// appended each of them, at a time up to that, and was not denied, and that none
// of the acknowledged ones is missing (P-25).
func (j *Journal) Read(rt *runtime.Runtime, asOf uint64, updates []persist.Update) {
	text, wrong := render(asOf, updates)
	rt.Always(wrong == "", j.definite, "asOf", asOf, "wrong", wrong)
	j.mu.Lock()
	before, again := j.reads[asOf]
	j.reads[asOf] = text
	foreign, missing := 0, 0
	for _, e := range j.rows {
		if e.outcome == succeeded && e.time <= asOf {
			missing++
		}
	}
	for _, u := range updates {
		if e := j.rows[string(u.Row)]; e == nil || e.outcome == denied || e.time > asOf {
			foreign++
		} else if e.outcome == succeeded {
			missing--
		}
	}
	j.mu.Unlock()
	rt.Always(foreign == 0, j.contents, "asOf", asOf, "rows that should not be there", foreign)
	rt.Always(missing == 0, j.contents, "asOf", asOf, "acknowledged rows that are missing", missing)
	rt.Always(!again || before == text, j.definite, "asOf", asOf, "before", before, "now", text)
}

// Audit asserts that each append is in the contents as it was answered (P-25).
func (j *Journal) Audit(rt *runtime.Runtime, asOf uint64, updates []persist.Update) {
	j.mu.Lock()
	defer j.mu.Unlock()
	present := make(map[string]int64, len(updates))
	for _, u := range updates {
		present[string(u.Row)] = u.Diff
	}
	for _, row := range sortedKeys(j.rows) {
		e, count := j.rows[row], present[row]
		switch {
		case e.time > asOf:
			rt.Always(count == 0, j.contents, "row", row, "count", count, "time", e.time)
		case e.outcome == succeeded:
			rt.Always(count == 1, j.contents, "row", row, "count", count, "answer", "success")
		case e.outcome == denied:
			rt.Always(count == 0, j.contents, "row", row, "count", count, "answer", "mismatch")
		default:
			rt.Always(count == 0 || count == 1, j.contents, "row", row, "count", count, "answer", "none")
		}
	}
	for _, row := range sortedKeys(present) {
		rt.Always(j.rows[row] != nil, j.contents, "row", row, "written", "by nobody")
	}
	j.auditSpans(rt)
}

// auditSpans asserts that acknowledged appends did not overlap (P-26).
func (j *Journal) auditSpans(rt *runtime.Runtime) {
	slices.SortFunc(j.spans, func(a, b span) int {
		if a.lower.LessThan(b.lower) || a.lower == b.lower && a.upper.LessThan(b.upper) {
			return -1
		}
		return 1
	})
	for i := 1; i < len(j.spans); i++ {
		before, next := j.spans[i-1], j.spans[i]
		rt.Always(before.upper.LessEqual(next.lower), "P-26", "upper", before.upper, "lower", next.lower)
	}
}

// render returns contents as text, and what is wrong with their form.
func render(asOf uint64, updates []persist.Update) (text, wrong string) {
	var b strings.Builder
	for i, u := range updates {
		if u.Time != asOf || u.Diff == 0 || i > 0 && string(updates[i-1].Row) >= string(u.Row) {
			wrong = fmt.Sprintf("update %d of %d: time %d, diff %d", i, len(updates), u.Time, u.Diff)
		}
		fmt.Fprintf(&b, "%s %+d\n", u.Row, u.Diff)
	}
	return b.String(), wrong
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
