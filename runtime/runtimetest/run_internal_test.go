package runtimetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The suite has to be able to fail: an outcome that is not allowed, and with
// Complete one that was never reached.
func TestJudgeFindsWhatIsWrong(t *testing.T) {
	c := Case{Name: "test", Allowed: []string{"a", "b"}}
	tests := []struct {
		name     string
		tally    map[string]int
		complete bool
		want     []string
	}{
		{"all reached", map[string]int{"a": 1, "b": 2}, true, nil},
		{"not all needed", map[string]int{"a": 1}, false, nil},
		{"not all reached", map[string]int{"a": 1}, true, []string{
			`allowed outcome "b" was never reached; tally: map[a:1]`,
		}},
		{"not allowed", map[string]int{"a": 1, "x": 2}, false, []string{
			`outcome "x" (2 times) is not among the allowed: a | b`,
		}},
		{"nothing ran", nil, true, []string{
			`allowed outcome "a" was never reached; tally: map[]`, `allowed outcome "b" was never reached; tally: map[]`,
		}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, judge(c, test.tally, test.complete)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// A case that cannot run somewhere is left out there, and only there.
func TestCasesAreLeftOutForAReason(t *testing.T) {
	tests := []struct {
		name                    string
		c                       Case
		plain, live, underSched string
	}{
		{"ordinary", Case{Native: func() string { return "" }}, "", "", ""},
		{"no plain Go", Case{NoNative: "new"}, "new", "", ""},
		{"scheduler only", Case{SchedulerOnly: "blocks"}, "blocks", "blocks", ""},
	}
	for _, test := range tests {
		got := []string{
			Native(1).leavesOut(test.c), Live(1).leavesOut(test.c), Implementation{Scheduler: true}.leavesOut(test.c),
		}
		if diff := cmp.Diff([]string{test.plain, test.live, test.underSched}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	racy := Case{Native: func() string { return "" }, Racy: "races"}
	if left := Live(1).leavesOut(racy) != ""; left != raceDetector {
		t.Errorf("racy case left out: %v, under the race detector: %v", left, raceDetector)
	}
}

// Every repetition is run, each with a number of its own, however many run at
// the same time.
func TestEveryRepetitionRuns(t *testing.T) {
	for _, parallel := range []int{0, 1, 8} {
		m := Implementation{
			Execute:     func(_ *testing.T, _ Case, repetition int) string { return show(repetition) },
			Repetitions: 100,
			Parallel:    parallel,
		}
		tally := m.repeat(t, Case{})
		if len(tally) != 100 || tally["0"] != 1 || tally["99"] != 1 {
			t.Errorf("parallel %d: tally %v", parallel, tally)
		}
	}
}
