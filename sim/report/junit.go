package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// junit is the sink that writes one JUnit file at the end.
type junit struct {
	w      io.Writer
	suites junitSuites
}

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure,omitempty"`
	Error   *junitFailure `xml:"error,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// NewJUnit returns a sink that writes a JUnit file when it ends: a suite for each
// scenario, and in it a case for each way to fail, for determinism and for the
// obligations. The command that repeats a run stands in the body of its failure, which is
// the part that every reader of such files shows.
func NewJUnit(w io.Writer) Sink { return &junit{w: w} }

// Start implements [Sink].
func (*junit) Start(Start) error { return nil }

// Seed implements [Sink].
func (*junit) Seed(string, sim.Result) error { return nil }

// Sweep implements [Sink].
func (j *junit) Sweep(r *sweep.Report, failures []Told) error {
	s := junitSuite{Name: r.Scenario, Time: fmt.Sprintf("%.3f", r.Real.Seconds())}
	name := fmt.Sprintf("%d seeds", r.Done)
	if r.Shard.IsPart() {
		name += " of shard " + r.Shard.String()
	}
	whole := s.add(name)
	whole.Time = s.Time
	if r.Code() == sweep.CodeInconclusive && len(r.Unmet()) == 0 || r.Interrupted {
		whole.Error = &junitFailure{Message: "inconclusive", Type: "inconclusive", Text: r.InconclusiveMessage}
	}
	for _, f := range failures {
		v := f.Result.Verdict
		c := s.add(v.FailureID())
		c.Failure = &junitFailure{Message: v.String(), Type: v.Kind.String(), Text: f.Rerun + "\n" + f.Text}
	}
	if r.Checked > 0 {
		c := s.add("seeds repeat")
		for _, d := range r.Divergences {
			text := fmt.Sprintf("simrun check %s --seeds %s\nhash %016x, then %016x %s",
				r.Scenario, sweep.Format(d.Seed), d.First, d.Second, d.Where)
			c.Failure = &junitFailure{Message: "a seed does not repeat", Type: "nondeterminism", Text: text}
		}
	}
	if r.OwesObligations() {
		c := s.add("obligations")
		var unmet []string
		for _, a := range r.Unmet() {
			unmet = append(unmet, a.Kind.String()+" "+a.ID)
		}
		if len(unmet) > 0 {
			c.Failure = &junitFailure{Message: "never met: " + strings.Join(unmet, ", "), Type: "obligation"}
		}
	}
	for _, c := range s.Cases {
		s.Tests++
		if c.Failure != nil {
			s.Failures++
		}
		if c.Error != nil {
			s.Errors++
		}
	}
	j.suites.Suites = append(j.suites.Suites, s)
	return nil
}

// add adds a case; what it returns is good until the next one.
func (s *junitSuite) add(name string) *junitCase {
	s.Cases = append(s.Cases, junitCase{Class: s.Name, Name: name, Time: "0"})
	return &s.Cases[len(s.Cases)-1]
}

// End implements [Sink].
func (j *junit) End(sweep.Code) error {
	if _, err := io.WriteString(j.w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(j.w)
	e.Indent("", "\t")
	if err := e.Encode(j.suites); err != nil {
		return err
	}
	_, err := io.WriteString(j.w, "\n")
	return err
}
