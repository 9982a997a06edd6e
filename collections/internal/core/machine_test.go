package core_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

// This protects everything at once: whatever happens in whatever order, the core
// is where the definitions say, tells of exactly what has changed, refuses what it
// must, and then changes nothing.
func TestCoreEqualsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{T: t, twin: newTwin(), core: core.New(), literal: core.New()}
		t.Repeat(map[string]func(*rapid.T){
			"create":    with(m, (*machine).create),
			"reserve":   with(m, (*machine).reserve),
			"install":   with(m, (*machine).install),
			"abandon":   with(m, (*machine).abandon),
			"alter":     with(m, (*machine).alter),
			"drop":      with(m, (*machine).drop),
			"policies":  with(m, (*machine).setPolicies),
			"uppers":    with(m, (*machine).reportUppers),
			"acquire":   with(m, (*machine).acquire),
			"acquireAt": with(m, (*machine).acquireAt),
			"downgrade": with(m, (*machine).downgrade),
			"clone":     with(m, (*machine).cloneHold),
			"merge":     with(m, (*machine).merge),
			"close":     with(m, (*machine).closeHold),
			"deliver":   with(m, (*machine).deliver),
			"misuse":    with(m, (*machine).misuse),
			"":          with(m, (*machine).check),
		})
		m.T = t
		m.end()
	})
}

// machine runs a core, its twin, and a literal core to which changes of holds are
// given one by one while the other gets all that have come together.
type machine struct {
	*rapid.T
	twin          *twin
	core, literal *core.Core
	next          uint64 // number of the next id
	open          []*machineReservation
	holds         []*core.Hold      // issued by core and open
	queue         []core.HoldChange // made by holds, not applied
}

type machineReservation struct {
	plans          []core.Plan
	openings       []core.Opening
	core, literal  *core.Reservation
	heldDependency []twinHold
}

func with(m *machine, action func(*machine)) func(*rapid.T) {
	return func(t *rapid.T) {
		m.T = t
		action(m)
	}
}

// step runs one step on the twin and both cores and compares what it leads to.
func (m *machine) step(onTwin func(), onCore func(*core.Core) (core.Effects, error)) {
	before := m.twin.clone()
	onTwin()
	m.twin.remove()
	want := m.twin.effects(before)
	for _, c := range []*core.Core{m.core, m.literal} {
		got, err := onCore(c)
		if err != nil {
			m.Fatal(err)
		}
		got.Withheld, got.Broken = nil, nil
		if diff := cmp.Diff(want, got); diff != "" {
			m.Fatalf("effects (-want +got):\n%s", diff)
		}
	}
	m.checkProgress(before)
}

// refuse expects an error, after which nothing is different.
func (m *machine) refuse(name string, err error) {
	if err == nil {
		m.Fatalf("%s: no error", name)
	}
	m.check()
}

// checkProgress compares with what was before: I-6, I-7, I-8 and I-13.
func (m *machine) checkProgress(before *twin) {
	for _, id := range before.ids() {
		now, err := m.core.Frontiers(id)
		if err != nil {
			continue
		}
		was := before.frontiers(id)
		if !was.Read.LessEqual(now[0].Read) || !was.Implied.LessEqual(now[0].Implied) || !was.Upper.LessEqual(now[0].Upper) {
			m.Fatalf("went back from %+v to %+v", was, now[0])
		}
	}
}

// check compares the states, and holds with what they are to keep: I-14.
func (m *machine) check() {
	for _, c := range []*core.Core{m.core, m.literal} {
		if err := c.Check(); err != nil {
			m.Fatal(err)
		}
		if !slices.Equal(m.twin.ids(), c.IDs()) {
			m.Fatalf("got collections %v, want %v", c.IDs(), m.twin.ids())
		}
		for _, id := range m.twin.ids() {
			m.compare(c, id)
		}
	}
	for _, hold := range m.holds {
		f, err := m.core.Frontiers(hold.ID())
		if !hold.Since().IsEmpty() && (err != nil || !f[0].Read.LessEqual(hold.Since())) {
			m.Fatalf("hold on %v at %v: %v, %v", hold.ID(), hold.Since(), f, err)
		}
	}
}

func (m *machine) compare(c *core.Core, id core.GlobalID) {
	got := must(c.Inspect(id))(m)
	var counts []uint64
	for _, change := range got.Capabilities {
		for range change.Diff {
			counts = append(counts, change.Time)
		}
	}
	want := m.twin.collections[id]
	if diff := cmp.Diff(m.twin.frontiers(id), got.Frontiers); diff != "" {
		m.Fatalf("frontiers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(m.twin.capabilities(id), counts); diff != "" {
		m.Fatalf("capabilities of %v (-want +got):\n%s", id, diff)
	}
	if got.Primary != want.primary || !slices.Equal(got.Dependencies, want.dependencies) {
		m.Fatalf("%v depends on %v, primary %v; want %v, primary %v",
			id, got.Dependencies, got.Primary, want.dependencies, want.primary)
	}
}

// end closes and drops everything: nothing may be left (I-18).
func (m *machine) end() {
	for len(m.open) > 0 {
		m.abandon()
	}
	for len(m.holds) > 0 {
		m.closeHold()
	}
	m.deliver()
	ids := m.core.IDs()
	m.step(func() {
		for _, id := range ids {
			m.twin.drop(id)
		}
	}, func(c *core.Core) (core.Effects, error) { return c.Drop(ids...) })
	if m.core.Len() != 0 || m.literal.Len() != 0 {
		m.Fatalf("left over: %v, %v", m.core.IDs(), m.literal.IDs())
	}
}

// The generators favour few and small times, so that things meet.

func (m *machine) time(label string) frontier.Antichain {
	if rapid.IntRange(0, 19).Draw(m.T, label+" late") == 19 {
		return frontier.At(rapid.Uint64Min(frontier.MaxTime-2).Draw(m.T, label))
	}
	return frontier.At(rapid.Uint64Range(0, 40).Draw(m.T, label))
}

func (m *machine) frontier(label string) frontier.Antichain {
	if rapid.IntRange(0, 11).Draw(m.T, label+" empty") == 11 {
		return frontier.Empty()
	}
	return m.time(label)
}

// pick draws an element, and skips the action if there is none.
func pick[V any](m *machine, label string, from []V) V {
	if len(from) == 0 {
		m.Skip("no " + label)
	}
	return rapid.SampledFrom(from).Draw(m.T, label)
}

// some draws ids, with repetition.
func (m *machine) some(label string) []core.GlobalID {
	ids := m.core.IDs()
	if len(ids) == 0 {
		m.Skip("no " + label)
	}
	return rapid.SliceOfN(rapid.SampledFrom(ids), 1, 4).Draw(m.T, label)
}

// policy draws a policy, and says what it means.
func (m *machine) policy(depth int) (core.ReadPolicy, twinPolicy) {
	switch kind := rapid.IntRange(0, 3+depth).Draw(m.T, "kind of policy"); kind {
	case 0:
		since := m.frontier("since")
		return core.ValidFrom(since), func(frontier.Antichain) (frontier.Antichain, bool) { return since, false }
	case 1:
		return core.StepBack(), func(upper frontier.Antichain) (frontier.Antichain, bool) { return lagTwin(upper, 1, 1) }
	case 2:
		since := m.time("since")
		return core.NoPolicy(since), func(frontier.Antichain) (frontier.Antichain, bool) { return since, false }
	case 3:
		lag := rapid.Uint64Range(0, 12).Draw(m.T, "lag")
		granularity := rapid.Uint64Range(1, 5).Draw(m.T, "granularity")
		return must(core.LagBy(lag, granularity))(m), func(upper frontier.Antichain) (frontier.Antichain, bool) {
			return lagTwin(upper, lag, granularity)
		}
	default:
		a, twinA := m.policy(depth - 1)
		b, twinB := m.policy(depth - 1)
		return must(core.Multiple(a, b))(m), func(upper frontier.Antichain) (frontier.Antichain, bool) {
			atA, keepsA := twinA(upper)
			atB, keepsB := twinB(upper)
			if atA.LessEqual(atB) {
				return atA, keepsA || keepsB
			}
			return atB, keepsA || keepsB
		}
	}
}

// lagTwin looks for the answer by walking down from the upper.
func lagTwin(upper frontier.Antichain, lag, granularity uint64) (frontier.Antichain, bool) {
	t, ok := upper.Time()
	if !ok {
		return frontier.At(0), true
	}
	for range lag {
		if t > 0 {
			t--
		}
	}
	for lag > 0 && t%min(lag, granularity) != 0 {
		t--
	}
	return frontier.At(t), false
}
