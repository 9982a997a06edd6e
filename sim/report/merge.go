package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
	"github.com/tidemarkdb/tidemark/sim/sweep"
)

// Part is what one program that sweeps has found, read back from its lines.
type Part struct {
	Start   Start
	Reports []sweep.Report
	// IsWhole says that the program came to its end.
	IsWhole bool
}

// ErrLines is wrapped by the errors about lines that cannot be used.
var ErrLines = errors.New("report: lines")

// lineSizeMax bounds a line.
const lineSizeMax = 16 << 20

// ReadLines reads the sweeps that a sink of [NewLines] has written. Of failures it knows
// what a line says of them, and no tape. Anything else is an ErrLines.
func ReadLines(r io.Reader) (Part, error) {
	var p Part
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, lineSizeMax)
	for number := 1; scanner.Scan(); number++ {
		if err := p.add(scanner.Bytes()); err != nil {
			return Part{}, fmt.Errorf("%w: line %d: %w", ErrLines, number, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return Part{}, fmt.Errorf("%w: %w", ErrLines, err)
	}
	return p, nil
}

// add reads one line. Those that say nothing about sweeps are passed over.
func (p *Part) add(text []byte) error {
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		return err
	}
	if h.Version != formatVersion {
		return fmt.Errorf("version %d, this program reads version %d", h.Version, formatVersion)
	}
	switch h.Event {
	case eventStart:
		var l startLine
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		p.Start = Start{l.Revision, l.Seeds, l.Strategy}
	case eventSweep:
		var l sweepLine
		if err := json.Unmarshal(text, &l); err != nil {
			return err
		}
		r, err := l.report()
		p.Reports = append(p.Reports, r)
		return err
	case eventEnd:
		p.IsWhole = true
	}
	return nil
}

func (l *sweepLine) report() (sweep.Report, error) {
	r := sweep.Report{
		Scenario: l.Scenario, Total: l.Total, Done: l.Done, OK: l.OK, Failed: l.Failed, Inconclusive: l.Inconclusive,
		Checked: l.Checked, Steps: l.Steps, Switches: l.Switches, Virtual: time.Duration(l.Virtual),
		Real: time.Duration(l.Real), Cores: l.Cores, Interrupted: l.Interrupted, MemoryExceeded: l.MemoryExceeded,
		InconclusiveMessage: l.Message,
	}
	var err error
	if l.Shard != "" {
		if r.Shard, err = sweep.ParseShard(l.Shard); err != nil {
			return r, err
		}
	}
	for _, a := range l.Assertions {
		kind, err := runtime.ParseAssertionKind(a.Kind)
		if err != nil {
			return r, fmt.Errorf("assertion %s: %w", a.ID, err)
		}
		r.Assertions = append(r.Assertions, runtime.Assertion{Kind: kind, ID: a.ID, Evaluated: a.Evaluated, Held: a.Held})
	}
	for _, f := range l.Failures {
		kind, err := sim.ParseVerdictKind(f.Verdict)
		if err != nil {
			return r, err
		}
		seed, err := parseHex(f.Seed)
		if err != nil {
			return r, err
		}
		id := f.ID
		if kind != sim.Violation {
			id = ""
		}
		r.Failures = append(r.Failures, sweep.Failure{Count: f.Count, Result: sim.Result{
			Seed: seed, Verdict: sim.Verdict{Kind: kind, ID: id, Message: f.Message},
		}})
	}
	for _, d := range l.Divergences {
		seed, err := parseHex(d.Seed)
		first, err2 := parseHex(d.First)
		second, err3 := parseHex(d.Second)
		if err := errors.Join(err, err2, err3); err != nil {
			return r, err
		}
		r.Divergences = append(r.Divergences, sweep.Divergence{Seed: seed, First: first, Second: second, Where: d.Where})
	}
	return r, nil
}

func parseHex(text string) (uint64, error) {
	return strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 64)
}

// Merge adds up the parts of one sweep. Parts of other seeds, strategies, revisions or
// another number of shards, or the same shard twice, are an ErrLines. Shards that are not
// there, or have not come to their end, are returned as missing.
func Merge(parts ...Part) (all []sweep.Report, missing []string, err error) {
	if len(parts) == 0 {
		return nil, nil, fmt.Errorf("%w: nothing to merge", ErrLines)
	}
	seen := make(map[string]map[int]bool) // shards by scenario
	of := 0
	for _, p := range parts {
		if p.Start != parts[0].Start {
			return nil, nil, fmt.Errorf("%w: parts of different sweeps: %+v and %+v", ErrLines, parts[0].Start, p.Start)
		}
		for _, r := range p.Reports {
			count := max(r.Shard.Of, 1)
			if of == 0 {
				of = count
			}
			if seen[r.Scenario] == nil {
				seen[r.Scenario] = make(map[int]bool)
			}
			index := max(r.Shard.Index, 1)
			if count != of || seen[r.Scenario][index] {
				return nil, nil, fmt.Errorf("%w: %s: shard %d/%d does not fit the others", ErrLines, r.Scenario, index, count)
			}
			seen[r.Scenario][index] = true
			all = mergeInto(all, r)
		}
	}
	for _, r := range all {
		for i := 1; i <= of; i++ {
			if !seen[r.Scenario][i] {
				missing = append(missing, fmt.Sprintf("%s: shard %d/%d", r.Scenario, i, of))
			}
		}
	}
	return all, missing, nil
}

func mergeInto(all []sweep.Report, r sweep.Report) []sweep.Report {
	r.Shard = sweep.Shard{}
	i := slices.IndexFunc(all, func(other sweep.Report) bool { return other.Scenario == r.Scenario })
	if i < 0 {
		return append(all, r)
	}
	all[i].Merge(r)
	return all
}
