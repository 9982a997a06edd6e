package cli

import (
	"errors"
	"io"
	"os"
	"strings"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/report"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// sinks are the reports in other forms that were asked for. Their first error ends the
// program, when the summary is out.
type sinks struct {
	all   []report.Sink
	files []*os.File
	err   error
}

// newSink returns the sink of a form.
func newSink(form string, w io.Writer) (report.Sink, error) {
	switch form {
	case "jsonl":
		return report.NewLines(w), nil
	case "junit":
		return report.NewJUnit(w), nil
	}
	return nil, usagef("unknown form of report %q: there are jsonl and junit", form)
}

// openSinks opens the reports, KIND=FILE each. With a form other than human, that one goes
// to standard output, and what is for people to standard error.
func (e *environment) openSinks(form string, reports []string) (*sinks, error) {
	s := &sinks{}
	if form != "human" {
		if form != "jsonl" && form != "junit" {
			return nil, usagef("--format %q is neither human, jsonl nor junit", form)
		}
		sink, err := newSink(form, e.out)
		if err != nil {
			return nil, err
		}
		s.all = append(s.all, sink)
		e.out = e.err
	}
	for _, r := range reports {
		kind, path, ok := strings.Cut(r, "=")
		if !ok || path == "" {
			return nil, usagef("--report %q is not FORM=FILE", r)
		}
		if _, err := newSink(kind, io.Discard); err != nil {
			return nil, err
		}
		file, err := os.Create(path)
		if err != nil {
			return nil, err
		}
		sink, _ := newSink(kind, file)
		s.all, s.files = append(s.all, sink), append(s.files, file)
	}
	return s, nil
}

func (s *sinks) each(call func(report.Sink) error) {
	for _, sink := range s.all {
		s.err = errors.Join(s.err, call(sink))
	}
}

// seed returns what a sweep of a scenario calls after each seed; nil if nobody listens.
func (s *sinks) seed(scenario string) func(sim.Result) {
	if len(s.all) == 0 {
		return nil
	}
	return func(r sim.Result) {
		s.each(func(sink report.Sink) error { return sink.Seed(scenario, r) })
	}
}

// end ends the reports, and closes their files.
func (s *sinks) end(code sweep.Code) error {
	s.each(func(sink report.Sink) error { return sink.End(code) })
	for _, f := range s.files {
		s.err = errors.Join(s.err, f.Close())
	}
	return s.err
}
