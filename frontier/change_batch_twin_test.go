package frontier_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/frontiertest"
)

// A batch is the same as its twin after any calls; a call that fails changes
// nothing; a clone does not feel what happens to the original.
func TestChangeBatchIsItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		t.Repeat(rapid.StateMachineActions(&changeBatchMachine{want: twin{}, wantClone: twin{}}))
	})
}

// changeBatchMachine has an exported method for each thing that can happen.
type changeBatchMachine struct {
	batch, clone    frontier.ChangeBatch
	want, wantClone twin
}

// step takes what the twin became, unless batch and twin both refused.
func (m *changeBatchMachine) step(t *rapid.T, err error, after twin, overflow *frontier.OverflowError) {
	if !sameOverflow(err, overflow) {
		t.Fatalf("got error %v, want %v", err, overflow)
	}
	if overflow == nil {
		m.want = after
	}
}

func (m *changeBatchMachine) Update(t *rapid.T) {
	c := anyChange().Draw(t, "change")
	after, overflow := m.want.plus(c)
	m.step(t, m.batch.Update(c.Time, c.Diff), after, overflow)
}

func (m *changeBatchMachine) Extend(t *rapid.T) {
	changes := rapid.SliceOfN(anyChange(), 0, 12).Draw(t, "changes")
	staged, overflow := twin{}.plus(changes...)
	after := m.want
	if overflow == nil {
		after, overflow = m.want.plus(staged.changes()...)
	}
	m.step(t, m.batch.Extend(changes...), after, overflow)
}

func (m *changeBatchMachine) Merge(t *rapid.T) {
	other := frontiertest.ChangeBatch().Draw(t, "other")
	after, overflow := m.want.plus(list(other.All())...)
	m.step(t, m.batch.Merge(other), after, overflow)
}

func (m *changeBatchMachine) MergeWithItself(t *rapid.T) {
	after, overflow := m.want.plus(m.want.changes()...)
	m.step(t, m.batch.Merge(&m.batch), after, overflow)
}

func (m *changeBatchMachine) Move(t *rapid.T) {
	from, to := frontiertest.Antichain().Draw(t, "from"), frontiertest.Antichain().Draw(t, "to")
	after, overflow := m.want.plus(movement(from, to)...)
	m.step(t, m.batch.Move(from, to), after, overflow)
}

func (m *changeBatchMachine) DrainInto(t *rapid.T) {
	other := frontiertest.ChangeBatch().Draw(t, "other")
	held, _ := twin{}.plus(list(other.All())...)
	after, overflow := held.plus(m.want.changes()...)
	m.step(t, m.batch.DrainInto(other), after, overflow)
	if overflow != nil {
		return
	}
	if !m.batch.IsEmpty() {
		t.Fatalf("%v left behind", m.batch)
	}
	m.batch = *other
}

func (m *changeBatchMachine) DrainSome(t *rapid.T) {
	n := rapid.IntRange(1, 12).Draw(t, "n")
	for time, diff := range m.batch.Drain() {
		if first := m.want.changes()[0]; first != (frontier.Change{Time: time, Diff: diff}) {
			t.Fatalf("drained %d:%+d, want %v", time, diff, first)
		}
		delete(m.want, time)
		if n--; n == 0 {
			return
		}
	}
}

func (m *changeBatchMachine) Clone(*rapid.T) {
	m.clone, m.wantClone = m.batch.Clone(), maps.Clone(m.want)
}

func (m *changeBatchMachine) Check(t *rapid.T) {
	if err := m.batch.Check(); err != nil {
		t.Fatal(err)
	}
	want, wantClone := m.want.changes(), m.wantClone.changes()
	if got := list(m.batch.All()); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if m.batch.Len() != len(want) || m.batch.IsEmpty() != (len(want) == 0) {
		t.Fatalf("%d entries, empty %t, in %v", m.batch.Len(), m.batch.IsEmpty(), m.batch)
	}
	if got := list(m.clone.All()); !slices.Equal(got, wantClone) {
		t.Fatalf("the clone became %v, want %v", got, wantClone)
	}
	if isSame := slices.Equal(want, wantClone); m.batch.Equal(m.clone) != isSame {
		t.Fatalf("%v equals %v is %t", m.batch, m.clone, !isSame)
	}
}
