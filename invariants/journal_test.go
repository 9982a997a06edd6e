package invariants_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/invariants"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// TestAJournalSeesWrongAnswers protects the checker itself: what it says holds is
// found out when it does not.
func TestAJournalSeesWrongAnswers(t *testing.T) {
	row := func(name string, at uint64) []persist.Update {
		return []persist.Update{{Row: []byte(name), Time: at, Diff: 1}}
	}
	mismatch := func(current uint64) error { return &persist.UpperMismatchError{Current: frontier.At(current)} }
	for name, c := range map[string]struct {
		want string // the invariant that is broken; none if empty
		run  func(rt *runtime.Runtime, j *invariants.Journal)
	}{
		"a right history": {"", func(rt *runtime.Runtime, j *invariants.Journal) {
			j.Begin(row("a", 3), frontier.At(0), frontier.At(5)).End(rt, nil)
			j.Begin(row("b", 3), frontier.At(0), frontier.At(6)).End(rt, mismatch(5))
			j.Read(rt, 4, row("a", 4))
			j.Audit(rt, 4, row("a", 4))
		}},
		"an upper that nobody asked for": {"P-27", func(rt *runtime.Runtime, j *invariants.Journal) {
			j.Begin(nil, frontier.At(0), frontier.At(5)).End(rt, mismatch(9))
		}},
		"an upper from before the call": {"P-27", func(rt *runtime.Runtime, j *invariants.Journal) {
			j.Begin(nil, frontier.At(0), frontier.At(5)).End(rt, nil)
			j.Begin(nil, frontier.At(5), frontier.At(6)).End(rt, mismatch(3))
		}},
		"a read of what was denied": {"P-25", func(rt *runtime.Runtime, j *invariants.Journal) {
			j.Begin(row("a", 3), frontier.At(0), frontier.At(5)).End(rt, mismatch(4))
			j.Read(rt, 4, row("a", 4))
		}},
		"a read of what nobody wrote": {"P-25", func(rt *runtime.Runtime, j *invariants.Journal) {
			j.Read(rt, 4, row("a", 4))
		}},
		"two reads that differ": {"P-28", func(rt *runtime.Runtime, j *invariants.Journal) {
			j.Begin(row("a", 3), frontier.At(0), frontier.At(5)).End(rt, nil)
			j.Read(rt, 4, row("a", 4))
			j.Read(rt, 4, nil)
		}},
		"an append that is lost": {"P-25", func(rt *runtime.Runtime, j *invariants.Journal) {
			j.Begin(row("a", 3), frontier.At(0), frontier.At(5)).End(rt, nil)
			j.Audit(rt, 4, nil)
		}},
		"appends that overlap": {"P-26", func(rt *runtime.Runtime, j *invariants.Journal) {
			first := j.Begin(nil, frontier.At(0), frontier.At(5))
			j.Begin(nil, frontier.At(3), frontier.At(8)).End(rt, nil)
			first.End(rt, nil)
			j.Audit(rt, 7, nil)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			rt := runtime.New(runtime.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			c.run(rt, invariants.NewJournal())
			if c.want == "" && log.Len() > 0 || !strings.Contains(log.String(), c.want) {
				t.Errorf("want %q, got %s", c.want, log.String())
			}
		})
	}
}
