package frontier_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
)

// Counts and frontier are those of the twin after any calls; each call tells the
// movement of the frontier; a call that fails changes nothing; a clone does not
// feel what happens to the original.
func TestMutableAntichainIsItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		t.Repeat(rapid.StateMachineActions(&mutableAntichainMachine{want: twin{}, wantClone: twin{}}))
	})
}

// mutableAntichainMachine has an exported method for each thing that can happen.
type mutableAntichainMachine struct {
	antichain, clone frontier.MutableAntichain
	want, wantClone  twin
}

func (m *mutableAntichainMachine) update(t *rapid.T, c frontier.Change) {
	after, overflow := m.want.plus(c)
	moved, err := m.antichain.Update(c.Time, c.Diff)
	m.step(t, moved, err, after, overflow)
}

// step takes what the twin became, unless antichain and twin both refused.
func (m *mutableAntichainMachine) step(
	t *rapid.T, moved frontier.ChangeBatch, err error, after twin, overflow *frontier.OverflowError,
) {
	if !sameOverflow(err, overflow) {
		t.Fatalf("got error %v, want %v", err, overflow)
	}
	if overflow != nil {
		after = m.want
	}
	if want := movement(m.want.frontier(), after.frontier()); !slices.Equal(list(moved.All()), want) {
		t.Fatalf("moved by %v, want %v", moved, want)
	}
	m.want = after
}

func (m *mutableAntichainMachine) Update(t *rapid.T) {
	m.update(t, anyChange().Draw(t, "change"))
}

func (m *mutableAntichainMachine) AcquireAtTheFrontier(t *rapid.T) {
	time, _ := m.antichain.Frontier().Time()
	m.update(t, frontier.Change{Time: time, Diff: +1})
}

func (m *mutableAntichainMachine) ReleaseAllAtTheFrontier(t *rapid.T) {
	time, _ := m.antichain.Frontier().Time()
	m.update(t, frontier.Change{Time: time, Diff: -m.antichain.Count(time)})
}

func (m *mutableAntichainMachine) Apply(t *rapid.T) {
	batch := frontiertest.ChangeBatch().Draw(t, "batch")
	after, overflow := m.want.plus(list(batch.All())...)
	moved, err := m.antichain.Apply(batch)
	m.step(t, moved, err, after, overflow)
}

func (m *mutableAntichainMachine) Clone(*rapid.T) {
	m.clone, m.wantClone = m.antichain.Clone(), maps.Clone(m.want)
}

func (m *mutableAntichainMachine) Check(t *rapid.T) {
	if err := m.antichain.Check(); err != nil {
		t.Fatal(err)
	}
	if m.antichain.Frontier() != m.want.frontier() {
		t.Fatalf("frontier of %v, want %v", m.antichain, m.want.frontier())
	}
	want, wantClone := m.want.changes(), m.wantClone.changes()
	if got := list(m.antichain.Counts()); !slices.Equal(got, want) || m.antichain.Len() != len(want) {
		t.Fatalf("%d counts %v, want %v", m.antichain.Len(), got, want)
	}
	for time := range uint64(21) {
		if m.antichain.Count(time) != m.want.at(time).Int64() {
			t.Fatalf("count %d at %d, want %v", m.antichain.Count(time), time, m.want.at(time))
		}
	}
	if got := list(m.clone.Counts()); !slices.Equal(got, wantClone) {
		t.Fatalf("the clone became %v, want %v", got, wantClone)
	}
	if isSame := slices.Equal(want, wantClone); m.antichain.Equal(m.clone) != isSame {
		t.Fatalf("%v equals %v is %t", m.antichain, m.clone, !isSame)
	}
}
