package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/report"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// found is a report with something of everything.
func found() sweep.Report {
	return sweep.Report{
		Scenario: "fixture", Shard: sweep.Shard{Index: 1, Of: 2}, Total: 4, Done: 4, OK: 1, Failed: 2, Inconclusive: 1, Checked: 2,
		Failures: []sweep.Failure{
			{Count: 1, Result: sim.Result{Seed: 1 << 63, Verdict: sim.Verdict{Kind: sim.Deadlock, Message: "stuck <&>\nfor ever"}}},
			{Count: 1, Result: sim.Result{Seed: 7, Verdict: sim.Verdict{Kind: sim.Violation, ID: "no-overdraft", Message: "it was"}}},
		},
		Divergences:         []sweep.Divergence{{Seed: 3, First: 1 << 63, Second: 2, Where: "step 5"}},
		InconclusiveMessage: "seed 9: step limit reached",
		Assertions:          []runtime.Assertion{{Kind: runtime.KindSometimes, ID: "met", Evaluated: 5, Held: 2}, {Kind: runtime.KindFault, ID: "crash"}},
		Steps:               100, Switches: 50, Virtual: time.Hour, Real: time.Second, Cores: 2, MemoryExceeded: 5,
	}
}

func told(r sweep.Report) []report.Told {
	var all []report.Told
	for _, f := range r.Failures {
		all = append(all, report.Told{Failure: f, Text: "the story", Rerun: "simrun run fixture --seed 7", Files: []string{"a.tape"}})
	}
	return all
}

// write sends reports through a sink.
func write(t *testing.T, s report.Sink, all ...sweep.Report) {
	t.Helper()
	err := s.Start(report.Start{Revision: "abc", Seeds: "1-8", Strategy: "random"})
	for _, r := range all {
		err = errors.Join(err, s.Seed(r.Scenario, sim.Result{Seed: 7, Hash: 1 << 63}), s.Sweep(&r, told(r)))
	}
	if err := errors.Join(err, s.End(sweep.CodeViolation)); err != nil {
		t.Fatal(err)
	}
}

// TestLinesAreReadBack protects merges: what a machine writes is what another one reads.
func TestLinesAreReadBack(t *testing.T) {
	var b bytes.Buffer
	write(t, report.NewLines(&b), found())
	p, err := report.ReadLines(&b)
	if err != nil || !p.IsWhole || p.Start != (report.Start{Revision: "abc", Seeds: "1-8", Strategy: "random"}) {
		t.Fatalf("%+v, %v", p, err)
	}
	if diff := cmp.Diff([]sweep.Report{found()}, p.Reports, cmpopts.IgnoreUnexported(sweep.Report{}, sim.Result{})); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

// TestMergeAddsUp protects the verdict on a sweep that ran in parts.
func TestMergeAddsUp(t *testing.T) {
	one, two := found(), found()
	two.Shard.Index = 2
	two.Failures = two.Failures[1:]
	two.Failures[0].Result.Seed = 4
	part := func(r sweep.Report) report.Part { return report.Part{Reports: []sweep.Report{r}, IsWhole: true} }
	all, missing, err := report.Merge(part(one), part(two))
	if err != nil || len(missing) != 0 || len(all) != 1 {
		t.Fatal(all, missing, err)
	}
	r := all[0]
	if r.Done != 8 || len(r.Failures) != 2 || r.Failures[0].Result.Seed != 4 || r.Failures[0].Count != 2 || r.Shard.IsPart() {
		t.Errorf("%+v", r)
	}
	if _, missing, err := report.Merge(part(two)); err != nil || len(missing) != 1 || missing[0] != "fixture: shard 1/2" {
		t.Error(missing, err)
	}
	for name, parts := range map[string][]report.Part{
		"nothing":         nil,
		"twice":           {part(one), part(one)},
		"another sweep":   {part(one), {Start: report.Start{Seeds: "9"}}},
		"another number":  {part(one), part(sweep.Report{Scenario: "fixture", Shard: sweep.Shard{Index: 2, Of: 3}})},
		"a whole as well": {part(one), part(sweep.Report{Scenario: "fixture"})},
	} {
		if _, _, err := report.Merge(parts...); !errors.Is(err, report.ErrLines) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestForeignLinesAreRefused protects merges from files of something else, or of later
// versions.
func TestForeignLinesAreRefused(t *testing.T) {
	for _, text := range []string{
		"x", "{}", `{"v":2,"event":"run.start"}`, `{"v":1,"event":"sweep.end","shard":"3/2"}`, `[]`, `{"v":1,"event":5}`,
		`{"v":1,"event":"sweep.end","assertions":[{"kind":"hope"}]}`, `{"v":1,"event":"sweep.end","failures":[{"verdict":"bad"}]}`,
		`{"v":1,"event":"sweep.end","failures":[{"verdict":"panic","seed":"x"}]}`,
		`{"v":1,"event":"sweep.end","divergences":[{"seed":"1","first":"x"}]}`,
	} {
		if _, err := report.ReadLines(strings.NewReader(text)); !errors.Is(err, report.ErrLines) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if p, err := report.ReadLines(strings.NewReader(`{"v":1,"event":"news"}`)); err != nil || p.IsWhole {
		t.Errorf("an event of later programs: %v", err)
	}
}

func FuzzReadLines(f *testing.F) {
	f.Add([]byte(`{"v":1,"event":"sweep.end","scenario":"x","shard":"1/2"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := report.ReadLines(bytes.NewReader(data)); err != nil && !errors.Is(err, report.ErrLines) {
			t.Error(err)
		}
	})
}

// TestJUnitIsWellFormed protects continuous integration: text of any kind stands in the
// file as it was, and the counts are right.
func TestJUnitIsWellFormed(t *testing.T) {
	var b bytes.Buffer
	green := sweep.Report{Scenario: "green", Total: 200, Done: 200, OK: 200, Assertions: []runtime.Assertion{{Kind: runtime.KindSometimes, ID: "met", Held: 1}}}
	owing := green
	owing.Scenario, owing.Assertions = "owing", []runtime.Assertion{{Kind: runtime.KindFault, ID: "crash"}}
	write(t, report.NewJUnit(&b), found(), green, owing)
	var suites struct {
		Suites []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Cases    []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
					Text    string `xml:",chardata"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b.Bytes(), &suites); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range suites.Suites {
		failures := 0
		for _, c := range s.Cases {
			if c.Failure != nil {
				failures++
				got = append(got, s.Name+": "+c.Name+": "+strings.Split(c.Failure.Message, "\n")[0])
			}
		}
		if len(s.Cases) != s.Tests || failures != s.Failures {
			t.Errorf("%s: %d cases and %d failures, %d and %d announced", s.Name, len(s.Cases), failures, s.Tests, s.Failures)
		}
	}
	want := []string{
		"fixture: deadlock: deadlock: stuck <&>", "fixture: no-overdraft: no-overdraft: it was",
		"fixture: seeds repeat: a seed does not repeat", "owing: obligations: never met: fault crash",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}
