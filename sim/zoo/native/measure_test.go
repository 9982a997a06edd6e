package native_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	trials  = 5
	runsMax = 1000
)

// TestMeasure prints how many runs of "go test -count" it takes until each bug shows:
// the median and the largest of some trials. Each trial is a process of its own.
func TestMeasure(t *testing.T) {
	if os.Getenv("ZOO_NATIVE") != "measure" {
		t.Skip("takes long: set ZOO_NATIVE=measure to run it")
	}
	t.Logf("%-22s %7s %7s  %s", "program", "median", "worst", "how")
	for _, p := range programs() {
		var needed []int
		how := ""
		for range trials {
			n, reason := runsUntilFailure(p.name)
			needed = append(needed, n)
			if n <= runsMax {
				how = reason
			}
		}
		slices.Sort(needed)
		t.Logf("%-22s %7s %7s  %s", p.name, count(needed[trials/2]), count(needed[trials-1]), how)
	}
}

func count(n int) string {
	if n > runsMax {
		return fmt.Sprintf(">%d", runsMax)
	}
	return fmt.Sprint(n)
}

var firstReport = regexp.MustCompile(`(?m)WARNING: DATA RACE|^panic: [^\n]*|^fatal error: [^\n]*|_test\.go:\d+: [^\n]*`)

// runsUntilFailure runs the bug in this very test binary again, and returns the number of
// the run that failed, one more than the most if none did, and how.
func runsUntilFailure(name string) (int, string) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestBug$/^"+name+"$", "-test.failfast", "-test.v",
		fmt.Sprintf("-test.count=%d", runsMax))
	cmd.Env = append(os.Environ(), "ZOO_NATIVE=1")
	out, err := cmd.CombinedOutput()
	passed := strings.Count(string(out), "    --- PASS: TestBug/"+name)
	if err == nil {
		return runsMax + 1, ""
	}
	return passed + 1, firstReport.FindString(string(out))
}
