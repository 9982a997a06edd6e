package head_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// tape is a sequence of choices. After its end everything goes well.
type tape struct {
	choices []int
	widths  []int
	labels  []string
}

func (p *tape) choose(label string, n int) int {
	i := len(p.widths)
	if i == len(p.choices) {
		p.choices = append(p.choices, 0)
	}
	p.widths, p.labels = append(p.widths, n), append(p.labels, label)
	return p.choices[i]
}

// next returns the tape of the next run, in which at most deviations choices are not 0,
// and false if there is none.
func (p *tape) next(deviations int) (*tape, bool) {
	for i := len(p.choices) - 1; i >= 0; i-- {
		used := 0
		for _, choice := range p.choices[:i] {
			if choice != 0 {
				used++
			}
		}
		if used < deviations && p.choices[i]+1 < p.widths[i] {
			return &tape{choices: append(append([]int(nil), p.choices[:i]...), p.choices[i]+1)}, true
		}
	}
	return nil, false
}

func (p *tape) String() string {
	var text strings.Builder
	for i, choice := range p.choices {
		if choice != 0 {
			fmt.Fprintf(&text, "%d:%s=%d/%d ", i, p.labels[min(i, len(p.labels)-1)], choice, p.widths[min(i, len(p.widths)-1)])
		}
	}
	return text.String()
}

// playing is a test that says which choices led where it fails.
type playing struct {
	*testing.T
	tape *tape
}

func (p playing) Fatalf(format string, args ...any) {
	p.T.Helper()
	p.T.Fatalf("%s\nchoices: %v", fmt.Sprintf(format, args...), p.tape)
}

// scenarios are few processes with few calls: small enough to try all that can happen.
var scenarios = []struct {
	name   string
	before func(w *world)
	actors func(w *world) []*actor
	reach  []head.Outcome // by some call in some run
	many   bool           // so many runs that fewer deviations have to do
}{
	{
		name:   "two create",
		before: func(*world) {},
		actors: func(w *world) []*actor { return []*actor{ignorant(commitAt(0)), ignorant(commitAt(0))} },
		reach:  []head.Outcome{head.Committed, head.Mismatched, head.Indeterminate, head.Failed},
	},
	{
		name:   "two append",
		before: func(w *world) { w.commit(2) },
		actors: func(w *world) []*actor {
			return []*actor{remember(w, commitAt(2), commitNext), remember(w, commitAt(2))}
		},
		reach: []head.Outcome{head.Committed, head.Mismatched, head.Indeterminate, head.Failed},
	},
	{
		name:   "append and be overtaken",
		before: func(w *world) { w.commit(2) },
		actors: func(w *world) []*actor { return []*actor{remember(w, commitAt(2)), ignorant(overtake)} },
		reach:  []head.Outcome{head.Committed, head.Indeterminate, head.Failed},
	},
	{
		name:   "expected more than is known",
		before: func(w *world) { w.commit(2) },
		actors: func(w *world) []*actor {
			old := remember(w, commitAt(3))
			w.commit(1)
			return []*actor{old, ignorant(commitAt(9)), ignorant(truncateTo(3))}
		},
		reach: []head.Outcome{head.Committed, head.Mismatched},
	},
	{
		name:   "append while spilling",
		before: func(w *world) { w.commit(4) },
		actors: func(w *world) []*actor { return []*actor{remember(w, commitAt(4)), remember(w, spill)} },
		many:   true,
		reach:  []head.Outcome{head.Committed, head.Indeterminate},
	},
	{
		name:   "two spill",
		before: func(w *world) { w.commit(4) },
		actors: func(w *world) []*actor { return []*actor{remember(w, spill), remember(w, spill)} },
		reach:  []head.Outcome{head.Committed, head.Unneeded},
	},
	{
		name:   "spill while truncating",
		before: spilled,
		actors: func(w *world) []*actor {
			return []*actor{remember(w, spill), remember(w, truncateTo(6)), ignorant(scan)}
		},
		many:  true,
		reach: []head.Outcome{head.Committed},
	},
	{
		name:   "sweep while spilling",
		before: func(w *world) { spilled(w); w.segments[head.SegmentName(1, 1, w.id())] = []byte("left behind") },
		actors: func(w *world) []*actor { return []*actor{ignorant(sweep), ignorant(spill)} },
		many:   true,
		reach:  []head.Outcome{head.Committed, head.Failed},
	},
	{
		name:   "two sweep while one truncates",
		before: spilled,
		actors: func(w *world) []*actor {
			return []*actor{ignorant(sweep), remember(w, truncateTo(4)), ignorant(sweep)}
		},
		reach: []head.Outcome{head.Committed, head.Unneeded},
	},
}

// spilled is a key with segments, over its budget.
func spilled(w *world) {
	w.commit(3)
	w.run(head.NewSpill(shard, w.id(), w.snapshot(), tight))
	w.commit(2)
	w.run(head.NewSpill(shard, w.id(), w.snapshot(), tight))
	w.commit(3)
}

// TestAllThatCanHappenToAFew protects every promise at once: it tries each order of steps
// and each fault, with up to some deviations from a run in which all goes well.
func TestAllThatCanHappenToAFew(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			deviations := 3
			if testing.Short() || s.many {
				deviations = 2
			}
			reached := make(map[head.Outcome]int)
			runs := 0
			for p, ok := new(tape), true; ok; p, ok = p.next(deviations) {
				w := newWorld(playing{T: t, tape: p})
				s.before(w)
				for outcome, n := range w.play(p.choose, s.actors(w)...) {
					reached[outcome] += n
				}
				runs++
			}
			t.Logf("%d runs: %v", runs, reached)
			for _, outcome := range s.reach {
				if reached[outcome] == 0 {
					t.Errorf("in no run a call was %v", outcome)
				}
			}
		})
	}
}
