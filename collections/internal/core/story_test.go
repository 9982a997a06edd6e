package core_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

// Each file under testdata/stories tells one story about a core, in the words
// below. Run with -rewrite to write down what happens now, and only keep it if
// you understand why.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := &story{
			core: core.New(), holds: map[string]*core.Hold{}, reservations: map[string]*core.Reservation{},
		}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.t, s.d, s.visitsBefore = t, d, s.core.Visits()
			answer := s.run()
			if err := s.core.Check(); err != nil {
				answer += err.Error() + "\n"
			}
			return answer
		})
	})
}

type story struct {
	core         *core.Core
	holds        map[string]*core.Hold
	reservations map[string]*core.Reservation
	queue        []core.HoldChange
	t            *testing.T
	d            *datadriven.TestData
	visitsBefore uint64
}

func (s *story) run() string {
	switch s.d.Cmd {
	case "create": // lines: ID since=F upper=F [primary=ID] [deps=ID,ID]
		plans, openings := s.plans()
		r, err := s.core.Reserve(plans...)
		if err != nil {
			return "error: " + err.Error() + "\n"
		}
		return s.result(s.core.Install(r, openings...))
	case "reserve": // NAME, lines as for create
		return s.reserve()
	case "install": // NAME, lines as for create
		_, openings := s.plans()
		return s.result(s.core.Install(s.reservations[s.name()], openings...))
	case "abandon": // NAME
		return s.result(s.core.Abandon(s.reservations[s.name()]))
	case "alter": // ID ID
		ids := s.ids(s.d.CmdArgs)
		return s.result(s.core.Alter(ids[0], ids[1]))
	case "drop": // ID...
		return s.result(s.core.Drop(s.ids(s.d.CmdArgs)...))
	case "policies": // lines: ID POLICY
		return s.result(s.core.SetPolicies(s.policies()...))
	case "uppers": // ID=F...
		var reports []core.UpperReport
		for _, arg := range s.d.CmdArgs {
			reports = append(reports, core.UpperReport{ID: s.id(arg.Key), Upper: s.frontier(arg.Vals[0])})
		}
		return s.result(s.core.ReportUppers(reports...))
	case "state":
		return s.state()
	default:
		return s.runHold()
	}
}

// runHold runs the words about holds. Their changes are applied at once, unless
// the word "later" is there: then they wait for "deliver".
func (s *story) runHold() string {
	switch s.d.Cmd {
	case "acquire": // NAME ID [at=F]
		return s.acquire()
	case "downgrade": // NAME to=F [later]
		return s.send(s.holds[s.name()].Downgrade(s.argument("to")))
	case "clone": // NAME as=NAME [later]
		clone, change, err := s.holds[s.name()].Clone()
		if err == nil {
			s.holds[s.text("as")] = clone
		}
		return s.send(change, err)
	case "merge": // NAME with=NAME [later]
		return s.send(s.holds[s.name()].Merge(s.holds[s.text("with")]))
	case "close": // NAME [later]
		return s.send(s.holds[s.name()].Close(), nil)
	case "forge": // ID at=TIME diff=N: a change that no hold has made
		var change core.HoldChange
		change.ID = s.id(s.name())
		diff := must(strconv.ParseInt(s.text("diff"), 10, 64))(s.t)
		must(0, change.Changes.Update(must(strconv.ParseUint(s.text("at"), 10, 64))(s.t), diff))(s.t)
		return s.send(change, nil)
	case "deliver":
		changes := s.queue
		s.queue = nil
		return s.result(s.core.ApplyHoldChanges(changes...))
	}
	s.d.Fatalf(s.t, "unknown word %q", s.d.Cmd)
	return ""
}

func (s *story) reserve() string {
	plans, _ := s.plans()
	r, err := s.core.Reserve(plans...)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	s.reservations[s.name()] = r
	return fmt.Sprintf("order %v\n", r.Order())
}

func (s *story) acquire() string {
	id := s.id(s.d.CmdArgs[1].Key)
	var hold *core.Hold
	var err error
	if s.d.HasArg("at") {
		hold, err = s.core.AcquireAt(id, s.argument("at"))
	} else if holds, failure := s.core.Acquire(id); failure != nil {
		err = failure
	} else {
		hold = holds[0]
	}
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	s.holds[s.name()] = hold
	return fmt.Sprintf("%s holds %v from %v\n", s.name(), hold.ID(), hold.Since())
}

// send delivers a change of a hold, now or later.
func (s *story) send(change core.HoldChange, err error) string {
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	if s.d.HasArg("later") {
		s.queue = append(s.queue, change)
		return fmt.Sprintf("sent %v %v\n", change.ID, change.Changes)
	}
	return s.result(s.core.ApplyHoldChanges(change))
}

// result prints what a step has led to and what it cost.
func (s *story) result(effects core.Effects, err error) string {
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, d := range effects.Downgrades {
		fmt.Fprintf(&b, "downgrade %v to %v\n", d.ID, d.Since)
	}
	for _, id := range effects.Removed {
		fmt.Fprintf(&b, "removed %v\n", id)
	}
	for _, w := range effects.Withheld {
		fmt.Fprintf(&b, "withheld %v: wants %v, gave up what is before %v\n", w.ID, w.Wanted, w.Implied)
	}
	for _, p := range effects.Broken {
		fmt.Fprintf(&b, "broken promise: %v at %v to %v depends on %v at %v\n",
			p.ID, p.Since, p.Upper, p.Dependency, p.Implied)
	}
	fmt.Fprintf(&b, "visited %d\n", s.core.Visits()-s.visitsBefore)
	return b.String()
}

func (s *story) state() string {
	var b strings.Builder
	for _, id := range s.core.IDs() {
		i := must(s.core.Inspect(id))(s.t)
		fmt.Fprintf(&b, "%v: read %v implied %v upper %v capabilities %v", id, i.Read, i.Implied, i.Upper, i.Capabilities)
		if len(i.Dependencies) > 0 {
			fmt.Fprintf(&b, " depends on %v", i.Dependencies)
		}
		if i.Primary.IsValid() {
			fmt.Fprintf(&b, " alias of %v", i.Primary)
		}
		b.WriteString("\n")
	}
	for _, name := range slices.Sorted(maps.Keys(s.holds)) {
		if hold := s.holds[name]; !hold.IsClosed() {
			fmt.Fprintf(&b, "%s holds %v from %v\n", name, hold.ID(), hold.Since())
		}
	}
	return b.String()
}

// plans reads what create, reserve and install are about.
func (s *story) plans() (plans []core.Plan, openings []core.Opening) {
	for line := range strings.Lines(s.d.Input) {
		words := strings.Fields(line)
		plan, opening := core.Plan{ID: s.id(words[0])}, core.Opening{ID: s.id(words[0])}
		for _, word := range words[1:] {
			key, value, _ := strings.Cut(word, "=")
			switch key {
			case "since":
				opening.Since = s.frontier(value)
			case "upper":
				opening.Upper = s.frontier(value)
			case "primary":
				plan.Primary = s.id(value)
			case "deps":
				for dependency := range strings.SplitSeq(value, ",") {
					plan.Dependencies = append(plan.Dependencies, s.id(dependency))
				}
			default:
				s.d.Fatalf(s.t, "unknown argument %q", word)
			}
		}
		plans, openings = append(plans, plan), append(openings, opening)
	}
	return plans, openings
}

func (s *story) policies() (changes []core.PolicyChange) {
	for line := range strings.Lines(s.d.Input) {
		words := strings.Fields(line)
		var policy core.ReadPolicy
		switch words[1] {
		case "step-back":
			policy = core.StepBack()
		case "valid-from":
			policy = core.ValidFrom(s.frontier(words[2]))
		case "lag":
			policy = must(core.LagBy(must(strconv.ParseUint(words[2], 10, 64))(s.t),
				must(strconv.ParseUint(words[3], 10, 64))(s.t)))(s.t)
		default:
			s.d.Fatalf(s.t, "unknown policy %q", words[1])
		}
		changes = append(changes, core.PolicyChange{ID: s.id(words[0]), Policy: policy})
	}
	return changes
}

func (s *story) name() string { return s.d.CmdArgs[0].Key }

func (s *story) text(key string) string {
	var value string
	s.d.ScanArgs(s.t, key, &value)
	return value
}

func (s *story) argument(key string) frontier.Antichain { return s.frontier(s.text(key)) }

func (s *story) frontier(text string) frontier.Antichain { return must(frontier.Parse(text))(s.t) }

func (s *story) id(text string) core.GlobalID { return must(core.ParseGlobalID(text))(s.t) }

func (s *story) ids(args []datadriven.CmdArg) (ids []core.GlobalID) {
	for _, arg := range args {
		ids = append(ids, s.id(arg.Key))
	}
	return ids
}
