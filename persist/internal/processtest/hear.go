package processtest

import (
	"bufio"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Span is how long a process lives.
type Span struct {
	// Lines is after how many of them it is killed at most.
	Lines int
	// Time is after how long it is killed at most, in a third of the cases.
	Time time.Duration
	// Latest is after how long it is killed in all others, if it is slow; 0 is never.
	Latest time.Duration
}

// HearUntilKilled starts a process and kills it when its span has passed. It calls hear with each whole
// line: what is not whole was not said. A process that ends before it is killed fails the test. Tasks of a
// test may call it, each for its own processes.
func HearUntilKilled(t *testing.T, random *rand.Rand, command *exec.Cmd, span Span, hear func(line string)) {
	t.Helper()
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Error(err)
		return
	}
	child, err := Start(command)
	if err != nil {
		t.Error(err)
		return
	}
	var isKilled atomic.Bool
	kill := func() { isKilled.Store(true); child.Kill() }
	last := 1 + random.IntN(span.Lines)
	latest := span.Latest
	if random.IntN(3) == 0 {
		latest = 1 + time.Duration(random.Int64N(int64(span.Time)))
	}
	if latest > 0 {
		timer := time.AfterFunc(latest, kill)
		defer timer.Stop()
	}
	lines := bufio.NewReader(stdout)
	for n := 0; ; n++ {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		hear(strings.TrimSuffix(line, "\n"))
		if n == last {
			kill()
		}
	}
	if err := child.Wait(); !isKilled.Load() {
		t.Errorf("the process has ended before it was killed: %v", err)
	}
}
