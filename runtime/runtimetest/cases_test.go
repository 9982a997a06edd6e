package runtimetest_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidemarkdb/tidemark/runtime/runtimetest"
)

// A case says everything that Run has to know: its outcomes, and why plain Go
// is missing if it is.
func TestCasesAreWellFormed(t *testing.T) {
	names := make(map[string]bool)
	for _, c := range runtimetest.Cases() {
		if names[c.Name] {
			t.Errorf("%s: a second case of this name", c.Name)
		}
		names[c.Name] = true
		if c.Body == nil || len(c.Allowed) == 0 {
			t.Errorf("%s: no body, or no allowed outcome", c.Name)
		}
		if excused := c.NoNative != "" || c.SchedulerOnly != ""; excused == (c.Native != nil) {
			t.Errorf("%s: either plain Go or the reason why there is none", c.Name)
		}
		if distinct := slices.Compact(slices.Sorted(slices.Values(c.Allowed))); len(distinct) < len(c.Allowed) {
			t.Errorf("%s: allowed outcomes %q are not distinct", c.Name, c.Allowed)
		}
		ends := slices.Contains(c.Allowed, runtimetest.Deadlock) || slices.Contains(c.Allowed, runtimetest.Misuse)
		if ends && c.SchedulerOnly == "" {
			t.Errorf("%s: ends in a way that only a scheduler survives", c.Name)
		}
	}
}

// The suite is large enough to mean something: at least 150 cases run natively,
// live and under a scheduler, and at least 75 of them have a choice.
func TestSuiteIsLargeEnough(t *testing.T) {
	everywhere, choices := 0, 0
	for _, c := range runtimetest.Cases() {
		if c.Native == nil {
			continue
		}
		everywhere++
		if len(c.Allowed) > 1 {
			choices++
		}
	}
	if everywhere < 150 || choices < 75 {
		t.Errorf("%d cases run everywhere, %d of them with a choice", everywhere, choices)
	}
	t.Logf("%d cases, %d run everywhere, %d of those with a choice", len(runtimetest.Cases()), everywhere, choices)
}

// A case is data: its name says what is claimed, and the outcomes what may
// come of it.
func ExampleCases() {
	for _, c := range runtimetest.Cases() {
		if c.Name == "chan/one-place-takes-one-of-two" {
			fmt.Println(c.Allowed[0])
			fmt.Println(c.Allowed[1])
			fmt.Println(slices.Contains(c.Allowed, c.Native()))
		}
	}
	// Output:
	// true false 1
	// false true 2
	// true
}
