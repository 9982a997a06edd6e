package trace_test

import (
	"errors"
	"math"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/sim/trace"
)

// events are one of each kind.
var events = []trace.Event{
	{Step: 1, Task: "main", Kind: trace.Start, Text: "starts"},
	{Step: 2, Time: 2000, Task: "main", Kind: trace.Op, Text: "lock bank.mutex#0", Location: "bank/account.go:31"},
	{Step: 2, Time: 2000, Task: "main", Kind: trace.Wait, Text: "lock bank.mutex#0", Location: "bank/account.go:31"},
	{Step: 3, Time: time.Millisecond, Node: "world", Kind: trace.World, Text: "crash n1"},
	{Step: 3, Time: time.Millisecond, Node: "world", Kind: trace.Fault, Text: "crash"},
	{
		Step: 40, Time: time.Second, Node: "n2", Task: "main/worker#12", Kind: trace.Choice, Text: "storage put: 3 of 0..7",
		Location: "store/put.go:7", Preempted: true,
	},
	{Step: 41, Time: 90 * time.Minute, Node: "n2", Task: "main", Kind: trace.Log, Text: "INFO hello"},
	{Step: 1_000_000, Time: 90 * time.Minute, Node: "n2", Task: "main", Kind: trace.End, Text: "ends"},
	{Step: 1_000_001, Time: 90 * time.Minute, Node: "n2", Task: "main", Kind: trace.Verdict, Text: "violation id"},
}

// tell returns the story of events, the columns fitted to those given first.
func tell(fit []trace.Event, all ...trace.Event) string {
	var b strings.Builder
	story := trace.NewStory(&b)
	story.Fit(fit...)
	for _, e := range all {
		story.Add(e)
	}
	return b.String()
}

// TestStoryIsAligned protects what people read, to the letter.
func TestStoryIsAligned(t *testing.T) {
	want := strings.Join([]string{
		"      1   +0.000000s  main                                       starts",
		"      2   +0.000002s  main               bank/account.go:31      lock bank.mutex#0",
		"      2   +0.000002s  main               bank/account.go:31      waits: lock bank.mutex#0",
		"      3   +0.001000s  world                                      crash n1",
		"      3   +0.001000s  world                                      FAULT crash",
		">    40   +1.000000s  n2/main/worker#12  store/put.go:7          CHOICE storage put: 3 of 0..7",
		"     41 +5400.000000s  n2/main                                    INFO hello",
		" 1000000 +5400.000000s  n2/main                                    ends",
		" 1000001 +5400.000000s  n2/main                                    VERDICT violation id",
		"",
	}, "\n")
	if diff := cmp.Diff(want, tell(events, events...)); diff != "" {
		t.Errorf("story (-want +got):\n%s", diff)
	}
}

// TestStoryWidensItsColumns protects stories that are told while they happen:
// from the first long name on all lines are aligned again.
func TestStoryWidensItsColumns(t *testing.T) {
	long := trace.Event{Node: "a-node-with-a-long-name", Task: "main", Text: "x", Location: "file.go:1"}
	short := trace.Event{Task: "main", Text: "x"}
	lines := strings.Split(tell(nil, short, long, short), "\n")
	if len(lines[1]) != len(lines[2]) || len(lines[0]) >= len(lines[1]) {
		t.Errorf("lines of %d, %d and %d columns", len(lines[0]), len(lines[1]), len(lines[2]))
	}
}

// TestStoryCountsLetters protects alignment where names are not plain ASCII.
func TestStoryCountsLetters(t *testing.T) {
	umlauts := trace.Event{Node: "zürich-größe-übung", Task: "main", Text: "x"}
	plain := trace.Event{Node: "zurich-grosse-ubun", Task: "main", Text: "x"}
	lines := strings.Split(tell(nil, umlauts, plain), "\n")
	if a, b := len([]rune(lines[0])), len([]rune(lines[1])); a != b {
		t.Errorf("%d and %d columns", a, b)
	}
}

// full is a writer without room.
type full struct{ writes int }

var errFull = errors.New("disk full")

func (f *full) Write([]byte) (int, error) { f.writes++; return 0, errFull }

// TestStoryKeepsTheFirstError protects people from half a story that looks
// whole.
func TestStoryKeepsTheFirstError(t *testing.T) {
	w := &full{}
	story := trace.NewStory(w)
	if story.Err() != nil {
		t.Errorf("error %v before the first line", story.Err())
	}
	story.Add(events[0])
	story.Add(events[1])
	if !errors.Is(story.Err(), errFull) || w.writes != 1 {
		t.Errorf("error %v after %d writes", story.Err(), w.writes)
	}
}

// TestKindsHaveNames protects filters.
func TestKindsHaveNames(t *testing.T) {
	var got []string
	for k := trace.Op; k <= trace.Verdict; k++ {
		got = append(got, k.String())
	}
	want := []string{"op", "wait", "start", "end", "choice", "log", "fault", "world", "verdict"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// TestTailKeepsTheLastEvents protects the end of stories, in order, whatever
// their length. The slow twin is a slice that keeps all.
func TestTailKeepsTheLastEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(-1, 20).Draw(t, "limit")
		tail, all := trace.NewTail(limit), []trace.Event{}
		for i := range rapid.IntRange(0, 50).Draw(t, "events") {
			e := trace.Event{Step: uint64(i)}
			tail.Add(e)
			all = append(all, e)
		}
		want := all[max(0, len(all)-max(limit, 1)):]
		if diff := cmp.Diff(want, tail.Events()); diff != "" || tail.Total() != len(all) {
			t.Fatalf("total %d, events (-want +got):\n%s", tail.Total(), diff)
		}
	})
}

// TestTailWithoutLimitCostsWhatItKeeps protects memory: the limit may be huge. The least
// of some tries counts, because what the rest of the process allocates is counted too.
func TestTailWithoutLimitCostsWhatItKeeps(t *testing.T) {
	least := uint64(math.MaxUint64)
	for range 10 {
		var before, after goruntime.MemStats
		goruntime.ReadMemStats(&before)
		tail := trace.NewTail(1 << 30)
		tail.Add(events[0])
		goruntime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if least > 4096 {
		t.Errorf("a tail of one event takes %d bytes", least)
	}
}
