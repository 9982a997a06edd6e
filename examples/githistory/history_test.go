package main

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var allowUnexported = cmp.AllowUnexported(
	commit{}, step{}, row{}, version{}, change{}, part{}, total{}, options{},
)

func TestParseHistory(t *testing.T) {
	got, err := parseHistory([]byte("commit aa\naa bb 12\ncommit cc\ncc dd -3\ncommit ee\nee ff \n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []commit{{"aa", "bb", 12}, {"cc", "dd", -3}, {"ee", "ff", 0}}
	if diff := cmp.Diff(want, got, allowUnexported); diff != "" {
		t.Errorf("wrong commits (-want +got):\n%s", diff)
	}
	for _, wrong := range []string{"aa bb\n", "aa bb 1 2\n", "\n", "aa  1\n"} {
		if _, err := parseHistory([]byte(wrong)); err == nil {
			t.Errorf("%q is taken for a commit", wrong)
		}
	}
}

func commitsAt(seconds ...int64) (commits []commit) {
	for _, s := range seconds {
		commits = append(commits, commit{hash: "0123456789abcdef", tree: "t", seconds: s})
	}
	return commits
}

// Times of appends have to increase: a commit that is not later than the one before
// shares its time, also if its own is far earlier or no time at all.
func TestScheduleGivesTheLatestTimeSoFar(t *testing.T) {
	for _, test := range []struct {
		name    string
		seconds []int64
		want    []step
	}{
		{"increasing", []int64{1, 2, 5}, []step{{1000, 0, 0}, {2000, 1, 1}, {5000, 2, 2}}},
		{"equal", []int64{3, 3, 3}, []step{{3000, 0, 2}}},
		{"backwards", []int64{5, 2, 4, 6}, []step{{5000, 0, 2}, {6000, 3, 3}}},
		{"before 1970", []int64{-7, -1, 0, 1}, []step{{0, 0, 2}, {1000, 3, 3}}},
		{"far away", []int64{math.MaxInt64, 1}, []step{{math.MaxInt64 / 1000 * 1000, 0, 1}}},
	} {
		if diff := cmp.Diff(test.want, schedule(commitsAt(test.seconds...)), allowUnexported); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// The intervals of the appends meet each other, begin at 0, and contain their time.
func TestPlanCoversAllTimes(t *testing.T) {
	p, err := newPlan(commitsAt(5, 7, 7, 2, 9), options{})
	if err != nil {
		t.Fatal(err)
	}
	end := uint64(0)
	for n, s := range p.steps {
		if p.lower(n) != end || s.time < p.lower(n) || s.time >= p.upper(n) {
			t.Errorf("step %d at %d appends [%d, %d) after %d", n, s.time, p.lower(n), p.upper(n), end)
		}
		end = p.upper(n)
	}
	if end != 9001 {
		t.Errorf("the last upper is %d, want 9001", end)
	}
}

func TestPlanFindsTheDate(t *testing.T) {
	history := commitsAt(100, 200, 200, 150, 300, 400)
	for _, test := range []struct {
		name      string
		asOf      time.Time
		want      uint64
		target    int
		isClipped bool
	}{
		{"the middle", time.Time{}, 200_000, 1, false},
		{"at a commit", time.Unix(300, 0), 300_000, 2, false},
		{"between commits", time.Unix(399, 0), 399_000, 2, false},
		{"at the first", time.Unix(100, 0), 100_000, 0, false},
		{"at the last", time.Unix(400, 0), 400_000, 3, false},
		{"after the last", time.Unix(401, 0), 400_000, 3, true},
	} {
		p, err := newPlan(history, options{asOf: test.asOf})
		if err != nil || p.asOf != test.want || p.target != test.target || p.isClipped != test.isClipped {
			t.Errorf("%s: as of %d at step %d, clipped %t, error %v; want %d, %d, %t",
				test.name, p.asOf, p.target, p.isClipped, err, test.want, test.target, test.isClipped)
		}
	}
	var wrongUse *usageError
	if _, err := newPlan(history, options{asOf: time.Unix(99, 0)}); !errors.As(err, &wrongUse) {
		t.Errorf("before the first commit: error %v, want one of usage", err)
	}
}

// By default something is left to load when the date is read, if there are two times.
func TestPlanLeavesSomethingToLoad(t *testing.T) {
	for _, test := range []struct {
		seconds []int64
		target  int
	}{
		{[]int64{1}, 0},
		{[]int64{1, 1, 1}, 0},
		{[]int64{1, 2}, 0},
		{[]int64{1, 2, 3}, 1},
		{[]int64{1, 2, 2, 2, 2, 2}, 0},
		{[]int64{1, 1, 1, 1, 2, 3}, 0},
		{[]int64{1, 2, 3, 4, 5, 6, 7}, 3},
	} {
		p, err := newPlan(commitsAt(test.seconds...), options{})
		if err != nil || p.target != test.target {
			t.Errorf("%v: step %d, error %v; want %d", test.seconds, p.target, err, test.target)
		}
	}
}

func TestPlanLag(t *testing.T) {
	for _, test := range []struct {
		seconds          []int64
		lag              time.Duration
		want, wantedStep uint64
	}{
		{[]int64{0, 1000}, 0, 100_000, 10_000},
		{[]int64{7}, 0, 1, 1},
		{[]int64{0, 1000}, 5 * time.Millisecond, 5, 1},
		{[]int64{0, 1000}, time.Hour, 3_600_000, 360_000},
	} {
		p, err := newPlan(commitsAt(test.seconds...), options{lag: test.lag})
		if err != nil || p.lag != test.want || p.granularity != test.wantedStep {
			t.Errorf("%v, lag %v: %d by %d, error %v", test.seconds, test.lag, p.lag, p.granularity, err)
		}
	}
}
