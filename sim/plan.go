package sim

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Plan is what goes wrong in a run: faults that the world delivers, and rules by which
// objects of the world, such as stores and networks, misbehave. Its text form has a line
// for each:
//
//	crash p1+p2 at step 120 for 2s
//	jump p1 by -1h when elected#2 for 10s
//	storage: cas fail-after 1/20; set late 1/50
type Plan struct {
	Faults []Fault
	// Rules holds, under the name of an object, the text form of its rules.
	Rules map[string]string
}

// planLinesMax bounds what is read from a file.
const planLinesMax = 100_000

// String returns the text form, which ParsePlan reads; it is empty for a calm run.
func (p Plan) String() string {
	var text strings.Builder
	for _, f := range p.Faults {
		text.WriteString(f.String() + "\n")
	}
	for _, object := range slices.Sorted(maps.Keys(p.Rules)) {
		text.WriteString(object + ": " + p.Rules[object] + "\n")
	}
	return text.String()
}

// MarshalText implements [encoding.TextMarshaler].
func (p Plan) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. An error leaves the plan as it was.
func (p *Plan) UnmarshalText(text []byte) error {
	next, err := ParsePlan(string(text))
	if err == nil {
		*p = next
	}
	return err
}

// ParsePlan reads the text form of a plan. Empty lines and those that begin with "#" mean
// nothing. The error wraps ErrFault and names the line; whether the targets exist shows
// when the plan is injected.
func ParsePlan(text string) (Plan, error) {
	var p Plan
	number := 0
	for line := range strings.Lines(text) {
		number++
		if number > planLinesMax {
			return Plan{}, fmt.Errorf("%w: a plan of more than %d lines", ErrFault, planLinesMax)
		}
		if err := p.parseLine(strings.TrimSpace(line)); err != nil {
			return Plan{}, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return p, nil
}

func (p *Plan) parseLine(line string) error {
	if line == "" || line[0] == '#' {
		return nil
	}
	if object, rules, ok := strings.Cut(line, ":"); ok && !strings.Contains(object, " ") {
		if _, twice := p.Rules[object]; twice || object == "" {
			return fmt.Errorf("%w: a second line of rules for %q", ErrFault, object)
		}
		if p.Rules == nil {
			p.Rules = make(map[string]string)
		}
		p.Rules[object] = strings.TrimSpace(rules)
		return nil
	}
	f, err := ParseFault(line)
	if err == nil {
		p.Faults = append(p.Faults, f)
	}
	return err
}

// ReadPlan reads a plan from a file.
func ReadPlan(path string) (Plan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Plan{}, fmt.Errorf("%w: %w", ErrFault, err)
	}
	p, err := ParsePlan(string(data))
	if err != nil {
		return Plan{}, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// ParseFault reads what [Fault.String] prints. The error wraps ErrFault.
func ParseFault(text string) (Fault, error) {
	f, err := parseFault(strings.Fields(text))
	if err != nil {
		return Fault{}, fmt.Errorf("%w: %q: %w", ErrFault, text, err)
	}
	return f, nil
}

var errFaultForm = errors.New("a fault is KIND TARGET [by AMOUNT] at step N|when ID[#N] for DURATION")

func parseFault(words []string) (f Fault, err error) {
	if len(words) < 2 {
		return f, errFaultForm
	}
	f.Kind, f.Target, words = FaultKind(words[0]), words[1], words[2:]
	if len(words) > 1 && words[0] == "by" {
		f.By, words = words[1], words[2:]
	}
	switch {
	case len(words) == 5 && words[0] == "at" && words[1] == "step" && words[3] == "for":
		f.Step, err = strconv.ParseUint(words[2], 10, 64)
	case len(words) == 4 && words[0] == "when" && words[2] == "for":
		f.When = words[1]
	default:
		return f, errFaultForm
	}
	if err != nil {
		return f, err
	}
	f.Duration, err = time.ParseDuration(words[len(words)-1])
	if err == nil && f.Duration < 0 {
		err = fmt.Errorf("it takes %v", f.Duration)
	}
	return f, err
}

// Plan returns what is to go wrong in this run: what the configuration says or, without
// that, what draw returns. The caller injects the faults and gives the rules to its
// objects; the plan is told, and stands in [Result.Plan].
func (w *World) Plan(draw func() Plan) Plan {
	var p Plan
	if given := w.kernel.config.Plan; given != nil {
		p = *given
	} else {
		p = draw()
	}
	w.kernel.join(func() {
		w.kernel.planned = &p
		for _, object := range slices.Sorted(maps.Keys(p.Rules)) {
			w.tell("plan: " + object + ": " + p.Rules[object])
		}
	})
	return p
}
