package report

import (
	"encoding/json"
	"io"
	"strconv"

	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// formatVersion is that of the lines; readers refuse others.
const formatVersion = 1

// header begins each line, which is one JSON object. The order and meaning of its fields
// never change within a version; new ones come last.
type header struct {
	Version  int    `json:"v"`
	Event    string `json:"event"`
	Scenario string `json:"scenario,omitempty"`
}

func newHeader(event, scenario string) header { return header{formatVersion, event, scenario} }

// The events, in order.
const (
	eventStart     = "run.start"
	eventSeed      = "seed.done"
	eventViolation = "violation"
	eventSweep     = "sweep.end"
	eventEnd       = "run.end"
)

type startLine struct {
	header
	Revision string `json:"revision"`
	Seeds    string `json:"seeds"`
	Strategy string `json:"strategy"`
}

type seedLine struct {
	header
	Seed    string `json:"seed"`
	Verdict string `json:"verdict"`
	ID      string `json:"id"`
	Steps   uint64 `json:"steps"`
	Virtual int64  `json:"virtual_ns"`
	Hash    string `json:"hash"`
}

type violationLine struct {
	header
	Seed    string   `json:"seed"`
	ID      string   `json:"id"`
	Message string   `json:"message"`
	Node    string   `json:"node"`
	Task    string   `json:"task"`
	Step    uint64   `json:"step"`
	Count   uint64   `json:"count"`
	Shrunk  string   `json:"shrunk"`
	Rerun   string   `json:"rerun"`
	Files   []string `json:"files"`
	Text    string   `json:"text"`
}

type sweepLine struct {
	header
	Shard          string           `json:"shard"`
	Total          uint64           `json:"total"`
	Done           uint64           `json:"done"`
	OK             uint64           `json:"ok"`
	Failed         uint64           `json:"failed"`
	Inconclusive   uint64           `json:"inconclusive"`
	Checked        uint64           `json:"checked"`
	Steps          uint64           `json:"steps"`
	Switches       uint64           `json:"switches"`
	Virtual        int64            `json:"virtual_ns"`
	Real           int64            `json:"real_ns"`
	Cores          int              `json:"cores"`
	Interrupted    bool             `json:"interrupted"`
	MemoryExceeded uint64           `json:"memory_exceeded_bytes"`
	Message        string           `json:"inconclusive_message"`
	Assertions     []assertionLine  `json:"assertions"`
	Failures       []failureLine    `json:"failures"`
	Divergences    []divergenceLine `json:"divergences"`
}

type endLine struct {
	header
	Code int `json:"code"`
}

type assertionLine struct {
	Kind      string `json:"kind"`
	ID        string `json:"id"`
	Evaluated uint64 `json:"evaluated"`
	Held      uint64 `json:"held"`
}

type failureLine struct {
	Verdict string `json:"verdict"`
	ID      string `json:"id"`
	Seed    string `json:"seed"`
	Message string `json:"message"`
	Count   uint64 `json:"count"`
}

type divergenceLine struct {
	Seed   string `json:"seed"`
	First  string `json:"first"`
	Second string `json:"second"`
	Where  string `json:"where"`
}

// lines is the sink that writes one JSON object a line.
type lines struct {
	encoder *json.Encoder
	err     error
}

// NewLines returns a sink that writes one JSON object a line: run.start, seed.done,
// violation, sweep.end and run.end, each with its version "v". Seeds and hashes are
// strings, because JSON's numbers do not hold 64 bits. [ReadLines] reads the sweeps back.
func NewLines(w io.Writer) Sink {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &lines{encoder: e}
}

func (s *lines) write(line any) error {
	if s.err == nil {
		s.err = s.encoder.Encode(line)
	}
	return s.err
}

// Start implements [Sink].
func (s *lines) Start(start Start) error {
	return s.write(startLine{newHeader(eventStart, ""), start.Revision, start.Seeds, start.Strategy})
}

// Seed implements [Sink].
func (s *lines) Seed(scenario string, r sim.Result) error {
	return s.write(seedLine{
		newHeader(eventSeed, scenario), formatSeed(r.Seed), r.Verdict.Kind.String(), r.Verdict.FailureID(), r.Steps,
		int64(r.Time), formatHash(r.Hash),
	})
}

// Sweep implements [Sink].
func (s *lines) Sweep(r *sweep.Report, failures []Told) error {
	for _, f := range failures {
		v := f.Result.Verdict
		if err := s.write(violationLine{
			newHeader(eventViolation, r.Scenario), formatSeed(f.Result.Seed), v.FailureID(), v.String(), v.Node, v.Task,
			v.Step, f.Count, f.Shrunk, f.Rerun, orNone(f.Files), f.Text,
		}); err != nil {
			return err
		}
	}
	return s.write(newSweepLine(r))
}

// End implements [Sink].
func (s *lines) End(code sweep.Code) error {
	return s.write(endLine{newHeader(eventEnd, ""), int(code)})
}

func newSweepLine(r *sweep.Report) *sweepLine {
	l := &sweepLine{
		header: newHeader(eventSweep, r.Scenario),
		Shard:  r.Shard.String(), Total: r.Total, Done: r.Done, OK: r.OK, Failed: r.Failed, Inconclusive: r.Inconclusive,
		Checked: r.Checked, Steps: r.Steps, Switches: r.Switches, Virtual: int64(r.Virtual), Real: int64(r.Real),
		Cores: r.Cores, Interrupted: r.Interrupted, MemoryExceeded: r.MemoryExceeded, Message: r.InconclusiveMessage,
		Assertions: []assertionLine{}, Failures: []failureLine{}, Divergences: []divergenceLine{},
	}
	for _, a := range r.Assertions {
		l.Assertions = append(l.Assertions, assertionLine{a.Kind.String(), a.ID, a.Evaluated, a.Held})
	}
	for _, f := range r.Failures {
		v := f.Result.Verdict
		l.Failures = append(l.Failures, failureLine{v.Kind.String(), v.FailureID(), formatSeed(f.Result.Seed), v.Message, f.Count})
	}
	for _, d := range r.Divergences {
		l.Divergences = append(l.Divergences,
			divergenceLine{formatSeed(d.Seed), formatHash(d.First), formatHash(d.Second), d.Where})
	}
	return l
}

func orNone(files []string) []string {
	if files == nil {
		return []string{}
	}
	return files
}

func formatSeed(seed uint64) string { return "0x" + strconv.FormatUint(seed, 16) }

func formatHash(hash uint64) string { return strconv.FormatUint(hash, 16) }
