package simtest

import (
	"fmt"
	"regexp"
	goruntime "runtime"
	"strings"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/report"
	"github.com/tidemarkdb/tidemark/sim/shrink"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// telling is what is said about a failure besides the run itself.
type telling struct {
	place  string // which of how many
	again  string // the command that repeats it; empty if somebody else tells
	corpus string // where it can be kept; empty if it is
}

// describe tells a failure: what, the seed, the story, the command, the files. For the
// story the run is shrunk and repeated, with whatever the test body logs.
func (r *runner) describe(config sim.Config, result sim.Result, about telling) string {
	r.t.Helper()
	text := report.Failure{
		Title: result.Verdict.String(), Result: result, Place: about.place, StoryMax: r.settings.story, Rerun: about.again,
	}
	switch {
	case result.Verdict.Kind != sim.OK:
	case result.Races > 0:
		text.Title = "data race, as reported above"
	default:
		text.Title = "the test failed in this run"
	}
	result.Tape.SetScenario(r.scenario.Name)
	if result.Tape != nil {
		result.Tape.Revision = sweep.Revision()
	}
	config = r.scenario.Config(config)
	config.Script = nil                             // what is repeated is the tape
	if r.settings.shrink > 0 && result.Races == 0 { // a race is reported once only
		text.Shrink(r.t.Context(), r.scenario, config, shrink.Options{TimeMax: r.settings.shrink, Jobs: r.jobs})
	}
	if result.Verdict.Kind != sim.Escape && r.settings.trace != "never" {
		text.Tell(r.t.Context(), config, r.scenario.Run)
	}
	return text.String() + saveFailure(r.t, &text, about.corpus)
}

// again returns the command that repeats a seed.
func (r *runner) again(result sim.Result) string {
	return command(result, testPackage(), r.t.Name()) + " -sim.seed=" + sweep.Format(result.Seed) + r.settings.again
}

// command returns what runs one test of a package, as it ran for a result.
func command(result sim.Result, in, test string) string {
	race := ""
	if result.Races > 0 {
		race = "-race "
	}
	return fmt.Sprintf("go test %s%s -run '%s'", race, in, pattern(test))
}

// pattern turns the name of a test into a regular expression for -run, to
// stand between apostrophes.
func pattern(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + strings.ReplaceAll(regexp.QuoteMeta(part), "'", ".") + "$"
	}
	return strings.Join(parts, "/")
}

// testPackage returns the import path of the package of the running test.
func testPackage() string {
	var callers [32]uintptr
	frames := goruntime.CallersFrames(callers[:goruntime.Callers(1, callers[:])])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.File, "_test.go") {
			return packageOf(frame.Function)
		}
		if !more {
			return "."
		}
	}
}

// packageOf cuts a function's name down to the import path, without the suffix
// of an external test package.
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	name, _, _ := strings.Cut(function[slash:], ".")
	return function[:slash] + strings.TrimSuffix(name, "_test")
}
