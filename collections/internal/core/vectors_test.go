package core_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

// The vectors were computed by an independent program: they guard against a
// mistake that the core and its twin have in common.

type vectors struct {
	Policy []struct {
		Policy   policyVector
		Upper    frontierVector
		Frontier frontierVector
	}
	CoreScripts [][]stepVector `json:"core_scripts"`
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Policy) != 30 || len(v.CoreScripts) != 30 {
		t.Fatalf("got %d and %d vectors, want 30 and 30", len(v.Policy), len(v.CoreScripts))
	}
	return v
}

// frontierVector is a frontier as JSON has it: a list of at most one time.
type frontierVector []uint64

func (f frontierVector) antichain() frontier.Antichain {
	return frontier.Empty().Insert(f...)
}

type policyVector struct {
	Kind             string
	Frontier         frontierVector
	Lag, Granularity uint64
	Policies         []policyVector
}

func (p *policyVector) policy(t *testing.T) core.ReadPolicy {
	t.Helper()
	switch p.Kind {
	case "none":
		return core.NoPolicy(p.Frontier.antichain())
	case "valid_from":
		return core.ValidFrom(p.Frontier.antichain())
	case "step_back":
		return core.StepBack()
	case "lag":
		return must(core.LagBy(p.Lag, p.Granularity))(t)
	case "multiple":
		var members []core.ReadPolicy
		for i := range p.Policies {
			members = append(members, p.Policies[i].policy(t))
		}
		return must(core.Multiple(members...))(t)
	}
	t.Fatalf("policy of kind %q", p.Kind)
	return core.ReadPolicy{}
}

// failer is what tests, benchmarks and tests of rapid have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
}

// must returns the value, or fails the test if there was an error.
func must[V any](value V, err error) func(failer) V {
	return func(t failer) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestVectorsOfPolicies(t *testing.T) {
	for i, v := range readVectors(t).Policy {
		policy := v.Policy.policy(t)
		if got, _ := policy.Frontier(v.Upper.antichain()); got != v.Frontier.antichain() {
			t.Errorf("%d: %v at %v: got %v, want %v", i, policy, v.Upper.antichain(), got, v.Frontier.antichain())
		}
	}
}

// stepVector is one step of a script, with what it leads to.
type stepVector struct {
	Op         string
	ID         uint64
	IDs        []uint64
	Deps       []uint64
	ShardSince frontierVector `json:"shard_since"`
	Upper      frontierVector
	Initial    frontierVector `json:"initial_since"`
	Existing   uint64
	New        uint64
	Reports    []pair[frontierVector]
	Policies   []pair[policyVector]
	Hold       uint64
	Other      uint64
	NewHold    uint64 `json:"new_hold"`
	Since      *frontierVector
	To         frontierVector
	OK         *bool
	Holds      []struct {
		Hold, ID uint64
		Since    frontierVector
	}
	Downgrades []pair[frontierVector]
	After      map[uint64]struct {
		Counts  [][2]int64
		Read    frontierVector `json:"read_frontier"`
		Implied frontierVector
		Upper   frontierVector
	}
}

// pair is an id and something about it, as JSON has them in a list of two.
type pair[V any] struct {
	id    core.GlobalID
	value V
}

func (p *pair[V]) UnmarshalJSON(data []byte) error {
	p.id.Kind = core.User
	return json.Unmarshal(data, &[]any{&p.id.Number, &p.value})
}

func TestVectorsOfScripts(t *testing.T) {
	for i, steps := range readVectors(t).CoreScripts {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			s := &scriptRun{T: t, core: core.New(), holds: map[uint64]*core.Hold{}}
			for j := range steps {
				s.play(&steps[j])
				if t.Failed() {
					t.Fatalf("at step %d, %s", j, steps[j].Op)
				}
			}
			if got := s.core.Len(); got != 0 {
				t.Errorf("%d collections are left", got)
			}
		})
	}
}

// scriptRun plays one script. Changes of holds are applied at once.
type scriptRun struct {
	*testing.T
	core  *core.Core
	holds map[uint64]*core.Hold
}

func users(numbers ...uint64) (ids []core.GlobalID) {
	for _, number := range numbers {
		ids = append(ids, core.UserID(number))
	}
	return ids
}

func (s *scriptRun) play(v *stepVector) {
	s.Helper()
	effects := s.perform(v)
	var downgrades []core.Downgrade
	for _, d := range v.Downgrades {
		downgrades = append(downgrades, core.Downgrade{ID: d.id, Since: d.value.antichain()})
	}
	if diff := cmp.Diff(downgrades, effects.Downgrades); diff != "" && v.Op != "close_all_holds_then_drop_all" {
		s.Errorf("downgrades (-want +got):\n%s", diff)
	}
	if err := s.core.Check(); err != nil {
		s.Error(err)
	}
	s.compare(v)
}

func (s *scriptRun) perform(v *stepVector) core.Effects {
	s.Helper()
	switch v.Op {
	case "create":
		return s.create(v)
	case "alter":
		return must(s.core.Alter(core.UserID(v.Existing), core.UserID(v.New)))(s)
	case "drop":
		return must(s.core.Drop(users(v.IDs...)...))(s)
	case "uppers":
		var reports []core.UpperReport
		for _, r := range v.Reports {
			reports = append(reports, core.UpperReport{ID: r.id, Upper: r.value.antichain()})
		}
		return must(s.core.ReportUppers(reports...))(s)
	case "set_policies":
		var changes []core.PolicyChange
		for _, p := range v.Policies {
			changes = append(changes, core.PolicyChange{ID: p.id, Policy: p.value.policy(s.T)})
		}
		return must(s.core.SetPolicies(changes...))(s)
	case "acquire":
		s.acquire(v)
		return core.Effects{}
	case "close_all_holds_then_drop_all":
		for _, number := range slices.Sorted(maps.Keys(s.holds)) {
			s.apply(s.holds[number].Close())
		}
		return must(s.core.Drop(s.core.IDs()...))(s)
	}
	return s.performOnHold(v)
}

func (s *scriptRun) create(v *stepVector) core.Effects {
	s.Helper()
	id := core.UserID(v.ID)
	r := must(s.core.Reserve(core.Plan{ID: id, Dependencies: users(v.Deps...)}))(s)
	opening := core.Opening{ID: id, Since: v.ShardSince.antichain(), Upper: v.Upper.antichain()}
	effects := must(s.core.Install(r, opening))(s)
	if got := must(s.core.Frontiers(id))(s)[0].Implied; got != v.Initial.antichain() {
		s.Errorf("got initial since %v, want %v", got, v.Initial.antichain())
	}
	return effects
}

func (s *scriptRun) acquire(v *stepVector) {
	s.Helper()
	for i, hold := range must(s.core.Acquire(users(v.IDs...)...))(s) {
		want := v.Holds[i]
		s.holds[want.Hold] = hold
		if hold.ID() != core.UserID(want.ID) || hold.Since() != want.Since.antichain() {
			s.Errorf("hold %d on %v at %v, want %d at %v", want.Hold, hold.ID(), hold.Since(), want.ID, want.Since)
		}
	}
}

func (s *scriptRun) performOnHold(v *stepVector) core.Effects {
	s.Helper()
	hold := s.holds[v.Hold]
	var change core.HoldChange
	var err error
	switch v.Op {
	case "hold_close":
		change = hold.Close()
	case "hold_clone":
		s.holds[v.NewHold], change, err = hold.Clone()
	case "hold_merge":
		change, err = hold.Merge(s.holds[v.Other])
		if v.Since == nil || hold.Since() != v.Since.antichain() {
			s.Errorf("merged at %v, want %v", hold.Since(), v.Since)
		}
	case "hold_downgrade":
		change, err = hold.Downgrade(v.To.antichain())
		if refusal := new(core.SinceViolationError); !*v.OK && errors.As(err, &refusal) {
			return core.Effects{}
		}
	default:
		s.Fatalf("unknown operation %q", v.Op)
	}
	if err != nil {
		s.Fatal(err)
	}
	return s.apply(change)
}

func (s *scriptRun) apply(change core.HoldChange) core.Effects {
	s.Helper()
	return must(s.core.ApplyHoldChanges(change))(s)
}

// compare compares all collections with those after the step.
func (s *scriptRun) compare(v *stepVector) {
	s.Helper()
	if s.core.Len() != len(v.After) {
		s.Errorf("got collections %v, want %d", s.core.IDs(), len(v.After))
	}
	for number, after := range v.After {
		got := must(s.core.Inspect(core.UserID(number)))(s)
		want := core.Frontiers{
			ID: core.UserID(number), Upper: after.Upper.antichain(),
			Implied: after.Implied.antichain(), Read: after.Read.antichain(),
		}
		if diff := cmp.Diff(want, got.Frontiers); diff != "" {
			s.Errorf("frontiers (-want +got):\n%s", diff)
		}
		var counts []frontier.Change
		for _, count := range after.Counts {
			counts = append(counts, frontier.Change{Time: uint64(count[0]), Diff: count[1]})
		}
		if diff := cmp.Diff(counts, got.Capabilities); diff != "" {
			s.Errorf("counts of %d (-want +got):\n%s", number, diff)
		}
	}
}
