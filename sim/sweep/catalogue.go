package sweep

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// Catalogue lists the assertions of a program, as "simvet catalogue" collects them. Its
// text has a line each: kind, id, function, file, and the names of the scenarios that may
// come to it, with tabs in between. Lines that begin with # are comments.
type Catalogue []Entry

// Entry is one assertion, and the scenarios that may come to it.
type Entry struct {
	sim.Assertion
	Scenarios []string
}

// ErrCatalogue is wrapped by the errors about a catalogue that cannot be read.
var ErrCatalogue = errors.New("sweep: catalogue")

// ParseCatalogue reads the text of a catalogue.
func ParseCatalogue(text string) (Catalogue, error) {
	var c Catalogue
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 5 {
			return nil, fmt.Errorf("%w: line %d has %d fields, not 5", ErrCatalogue, n, len(fields))
		}
		kind, err := runtime.ParseAssertionKind(fields[0])
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrCatalogue, n, err)
		}
		c = append(c, Entry{
			sim.Assertion{Kind: kind, ID: fields[1], Function: fields[2], File: fields[3]}, strings.Fields(fields[4]),
		})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCatalogue, err)
	}
	return c, nil
}

// String returns the text of the catalogue, without comments.
func (c Catalogue) String() string {
	var b strings.Builder
	for _, e := range c {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\n", e.Kind, e.ID, e.Function, e.File, strings.Join(e.Scenarios, " "))
	}
	return b.String()
}

// Attach returns the scenarios with their assertions.
func (c Catalogue) Attach(scenarios []sim.Scenario) []sim.Scenario {
	all := slices.Clone(scenarios)
	for i := range all {
		for _, e := range c {
			if slices.Contains(e.Scenarios, all[i].Name) {
				all[i].Assertions = append(all[i].Assertions, e.Assertion)
			}
		}
	}
	return all
}

// promise is what a program asserts, wherever it does.
type promise struct {
	kind runtime.AssertionKind
	id   string
}

// NeverEvaluated returns the places of assertions that no run of the sweeps has evaluated,
// ordered by id. An assertion counts only if every scenario that may come to it was swept
// with enough seeds; scenarios that have to be named count only if no other one comes to
// it. Unreachable and AlwaysOrUnreachable need no evaluation. Assertions of one kind and
// id cannot be told apart: one evaluation does for all their places.
func NeverEvaluated(scenarios []sim.Scenario, reports []Report) []sim.Assertion {
	swept, evaluated := make(map[string]bool), make(map[promise]bool)
	for _, r := range reports {
		swept[r.Scenario] = swept[r.Scenario] || r.OwesObligations()
		for _, a := range r.Assertions {
			evaluated[promise{a.Kind, a.ID}] = evaluated[promise{a.Kind, a.ID}] || a.Evaluated > 0
		}
	}
	reached := make(map[promise][]sim.Scenario) // by whom it may be
	for _, s := range scenarios {
		for _, a := range s.Assertions {
			reached[promise{a.Kind, a.ID}] = append(reached[promise{a.Kind, a.ID}], s)
		}
	}
	var all []sim.Assertion
	for _, s := range scenarios {
		for _, a := range s.Assertions {
			p := promise{a.Kind, a.ID}
			if mustBeEvaluated(a.Kind) && !evaluated[p] && allSwept(reached[p], swept) {
				all = append(all, a)
			}
		}
	}
	slices.SortFunc(all, CompareAssertions)
	return slices.Compact(all)
}

// allSwept reports whether all scenarios were swept but those that have to be named; if
// there are no others, all of those.
func allSwept(scenarios []sim.Scenario, swept map[string]bool) bool {
	isUnnamed := func(s sim.Scenario) bool { return !s.Named }
	for _, s := range scenarios {
		if !swept[s.Name] && (isUnnamed(s) || !slices.ContainsFunc(scenarios, isUnnamed)) {
			return false
		}
	}
	return true
}

// mustBeEvaluated reports whether an assertion of the kind proves nothing without.
func mustBeEvaluated(kind runtime.AssertionKind) bool {
	switch kind {
	case runtime.KindAlways, runtime.KindSometimes, runtime.KindReachable:
		return true
	}
	return false
}

// CompareAssertions orders by id, kind and place.
func CompareAssertions(a, b sim.Assertion) int {
	return cmp.Or(strings.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind), strings.Compare(a.File, b.File),
		strings.Compare(a.Function, b.Function))
}
