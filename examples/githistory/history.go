package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// commit is one commit of the history.
type commit struct {
	hash, tree string
	// seconds is the commit time since the Unix epoch. It may be earlier than that
	// of the commit before: clocks differ, and so do people.
	seconds int64
}

// short is the hash as people write it.
func (c commit) short() string { return c.hash[:min(len(c.hash), 9)] }

// parseHistory reads what git rev-list prints with the format "%H %T %ct": for
// each commit a line of its own, and before it one that begins with "commit".
func parseHistory(out []byte) ([]commit, error) {
	var commits []commit
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "commit ") {
			continue
		}
		fields := strings.Split(line, " ")
		if len(fields) != 3 || fields[0] == "" || fields[1] == "" {
			return nil, fmt.Errorf("git rev-list: a line that is none of a commit: %q", line)
		}
		seconds, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			seconds = 0 // a damaged commit without a time
		}
		commits = append(commits, commit{hash: fields[0], tree: fields[1], seconds: seconds})
	}
	return commits, nil
}

// step is what becomes visible at one time: the changes of one commit, or of
// several in a row that have the same time.
type step struct {
	// time is in milliseconds since the Unix epoch.
	time uint64
	// first and last are the places of its commits in the history.
	first, last int
}

// schedule gives each commit its time, the latest commit time so far, and puts
// those with equal times together. Times of steps strictly increase.
func schedule(commits []commit) []step {
	var steps []step
	for i, c := range commits {
		t := milliseconds(c.seconds)
		if n := len(steps); n > 0 && t <= steps[n-1].time {
			steps[n-1].last = i
			continue
		}
		steps = append(steps, step{time: t, first: i, last: i})
	}
	return steps
}

// milliseconds returns seconds as a time of the collection. What is out of range
// becomes the nearest that is not.
func milliseconds(seconds int64) uint64 {
	return uint64(min(max(seconds, 0), math.MaxInt64/1000) * 1000)
}

// plan says what is loaded, and what is read from it when.
type plan struct {
	commits []commit
	steps   []step
	// asOf is the time to read as of, target the step that is visible then.
	asOf   uint64
	target int
	// isClipped says that a later time was asked for than there is.
	isClipped bool
	// lag is how many milliseconds of history the policy keeps, at least; since
	// moves in multiples of the granularity.
	lag, granularity uint64
}

// newPlan makes the plan. There has to be a commit. The error is a [*usageError]
// if the date is before the first one.
func newPlan(commits []commit, o options) (plan, error) {
	p := plan{commits: commits, steps: schedule(commits)}
	first, last := p.steps[0].time, p.steps[len(p.steps)-1].time
	if p.lag = uint64(o.lag.Milliseconds()); p.lag == 0 {
		p.lag = max(1, (last-first)/10)
	}
	p.granularity = max(1, p.lag/10)
	if o.asOf.IsZero() {
		p.target = middle(p.steps, len(commits))
		p.asOf = p.steps[p.target].time
		return p, nil
	}
	p.asOf = uint64(o.asOf.UnixMilli())
	if p.isClipped = p.asOf > last; p.isClipped {
		p.asOf = last
	}
	if p.asOf < first {
		return p, misuse("--as-of %s is before the first commit loaded, %s of %s",
			o.asOf.UTC().Format(time.DateTime), commits[0].short(), formatTime(first))
	}
	for p.target+1 < len(p.steps) && p.steps[p.target+1].time <= p.asOf {
		p.target++
	}
	return p, nil
}

// middle returns the step of the commit in the middle; not the last one, if that
// can be helped, so that something is left to load.
func middle(steps []step, commits int) int {
	target := 0
	for target+2 < len(steps) && steps[target].last < (commits-1)/2 {
		target++
	}
	return target
}

// upper returns the time up to which the history is complete after a step: the
// next one's, or just beyond the last.
func (p plan) upper(n int) uint64 {
	if n+1 < len(p.steps) {
		return p.steps[n+1].time
	}
	return p.steps[n].time + 1
}

// lower returns the time up to which it was complete before.
func (p plan) lower(n int) uint64 {
	if n == 0 {
		return 0
	}
	return p.steps[n].time
}
