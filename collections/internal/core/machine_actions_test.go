package core_test

import (
	"errors"
	"slices"

	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

const collectionsMax = 10

// plan draws up to three collections that depend on existing ones and on each
// other. Their numbers are mixed up, so that the order of ids says nothing.
func (m *machine) plan() *machineReservation {
	if m.core.Len() > collectionsMax {
		m.Skip("enough collections")
	}
	r := new(machineReservation)
	possible := slices.DeleteFunc(m.core.IDs(), func(id core.GlobalID) bool {
		return m.twin.collections[id].implied.IsEmpty()
	})
	for range rapid.IntRange(1, 3).Draw(m.T, "plans") {
		m.next++
		id := core.UserID(m.next*7919%1000 + 1000*(m.next/1000))
		plan, opening := core.Plan{ID: id}, core.Opening{ID: id, Since: m.time("since"), Upper: m.frontier("upper")}
		if len(possible) > 0 {
			plan.Dependencies = rapid.SliceOfNDistinct(rapid.SampledFrom(possible), 0, 2, rapid.ID[core.GlobalID]).
				Draw(m.T, "dependencies")
		}
		if len(plan.Dependencies) > 0 && rapid.Bool().Draw(m.T, "alias") {
			plan.Primary, plan.Dependencies = plan.Dependencies[0], plan.Dependencies[1:]
		}
		possible = append(possible, id)
		r.plans, r.openings = append(r.plans, plan), append(r.openings, opening)
	}
	return r
}

func (m *machine) reserve() { m.open = append(m.open, m.reserved()) }

// reserved reserves new collections. Plans are given in another order than the
// one in which they depend on each other.
func (m *machine) reserved() *machineReservation {
	r := m.plan()
	mixed := rapid.Permutation(r.plans).Draw(m.T, "order")
	r.core = must(m.core.Reserve(mixed...))(m)
	r.literal = must(m.literal.Reserve(mixed...))(m)
	for _, plan := range r.plans {
		for _, id := range append(slices.Clone(plan.Dependencies), plan.Primary) {
			isHeld := slices.ContainsFunc(r.heldDependency, func(h twinHold) bool { return h.id == id })
			if m.twin.collections[id] == nil || isHeld {
				continue
			}
			t, _ := m.twin.read(id).Time()
			r.heldDependency = append(r.heldDependency, twinHold{id, t})
			m.twin.hold(id, frontier.At(t))
		}
	}
	return r
}

func (m *machine) create() { m.installOne(m.reserved()) }

func (m *machine) install() {
	i := pick(m, "reservation", indexes(m.open))
	r := m.open[i]
	for _, held := range r.heldDependency {
		if m.twin.collections[held.id].implied.IsEmpty() {
			_, err := m.core.Install(r.core, r.openings...)
			var dropping *core.DependencyDroppingError
			if !errors.As(err, &dropping) {
				m.Fatalf("install on a dependency that is being dropped: %v", err)
			}
			return
		}
	}
	m.open = slices.Delete(m.open, i, i+1)
	m.installOne(r)
}

func (m *machine) installOne(r *machineReservation) {
	m.step(func() {
		for i, plan := range r.plans {
			m.twin.install(plan, r.openings[i])
		}
		m.releaseDependencies(r)
	}, func(c *core.Core) (core.Effects, error) {
		return c.Install(r.of(c, m), rapid.Permutation(r.openings).Draw(m.T, "order of openings")...)
	})
}

func (m *machine) abandon() {
	i := pick(m, "reservation", indexes(m.open))
	r := m.open[i]
	m.open = slices.Delete(m.open, i, i+1)
	m.step(func() { m.releaseDependencies(r) },
		func(c *core.Core) (core.Effects, error) { return c.Abandon(r.of(c, m)) })
}

func (m *machine) releaseDependencies(r *machineReservation) {
	for _, held := range r.heldDependency {
		m.twin.release(held.id, frontier.At(held.time))
	}
}

func (r *machineReservation) of(c *core.Core, m *machine) *core.Reservation {
	if c == m.literal {
		return r.literal
	}
	return r.core
}

func indexes[V any](list []V) (all []int) {
	for i := range list {
		all = append(all, i)
	}
	return all
}

func (m *machine) alter() {
	existing := pick(m, "collection", m.core.IDs())
	if c := m.twin.collections[existing]; c.primary.IsValid() || c.implied.IsEmpty() || m.core.Len() > collectionsMax {
		_, err := m.core.Alter(existing, existing)
		m.refuse("alter", err)
		return
	}
	m.next++
	version := core.SystemID(m.next)
	m.step(func() { m.twin.alter(existing, version) },
		func(c *core.Core) (core.Effects, error) { return c.Alter(existing, version) })
}

func (m *machine) drop() {
	ids := append(m.some("collections"), core.TransientID(1))
	m.step(func() {
		for _, id := range ids {
			m.twin.drop(id)
		}
	}, func(c *core.Core) (core.Effects, error) { return c.Drop(ids...) })
}

func (m *machine) setPolicies() {
	var changes []core.PolicyChange
	var policies []twinPolicy
	for _, id := range m.some("collections") {
		policy, twinPolicy := m.policy(2)
		changes = append(changes, core.PolicyChange{ID: id, Policy: policy})
		policies = append(policies, twinPolicy)
	}
	m.step(func() {
		for i, change := range changes {
			m.twin.setPolicy(change.ID, policies[i])
		}
	}, func(c *core.Core) (core.Effects, error) { return c.SetPolicies(changes...) })
}

func (m *machine) reportUppers() {
	var reports []core.UpperReport
	for _, id := range append(m.some("collections"), core.TransientID(1)) {
		reports = append(reports, core.UpperReport{ID: id, Upper: m.frontier("upper")})
	}
	m.step(func() {
		for _, report := range reports {
			m.twin.report(report.ID, report.Upper)
		}
	}, func(c *core.Core) (core.Effects, error) { return c.ReportUppers(reports...) })
}

func (m *machine) acquire() {
	ids := m.some("collections")
	var wanted []frontier.Antichain
	for _, id := range ids {
		wanted = append(wanted, m.twin.read(id))
	}
	m.step(func() {
		for i, id := range ids {
			m.twin.hold(id, wanted[i])
		}
	}, func(c *core.Core) (core.Effects, error) {
		holds, err := c.Acquire(ids...)
		for i, hold := range holds {
			if hold.ID() != ids[i] || hold.Since() != wanted[i] {
				m.Fatalf("hold %d on %v at %v, want %v at %v", i, hold.ID(), hold.Since(), ids[i], wanted[i])
			}
		}
		if c == m.core {
			m.holds = append(m.holds, holds...)
		}
		return core.Effects{}, err
	})
}

func (m *machine) acquireAt() {
	id, since := pick(m, "collection", m.core.IDs()), m.frontier("since")
	if !m.twin.read(id).LessEqual(since) {
		_, err := m.core.AcquireAt(id, since)
		m.refuse("acquire before since", err)
		return
	}
	m.step(func() { m.twin.hold(id, since) }, func(c *core.Core) (core.Effects, error) {
		hold, err := c.AcquireAt(id, since)
		if c == m.core {
			m.holds = append(m.holds, hold)
		}
		return core.Effects{}, err
	})
}

// What holds do changes nothing in the core until it is delivered.

func (m *machine) send(change core.HoldChange, err error) {
	if err != nil {
		m.Fatal(err)
	}
	m.queue = append(m.queue, change)
}

func (m *machine) downgrade() {
	hold, to := pick(m, "hold", m.holds), m.frontier("to")
	change, err := hold.Downgrade(to)
	if err != nil && hold.Since().LessEqual(to) || err == nil && hold.Since() != to {
		m.Fatalf("hold at %v, to %v: %v", hold.Since(), to, err)
	}
	if err == nil {
		m.send(change, nil)
	}
}

func (m *machine) cloneHold() {
	clone, change, err := pick(m, "hold", m.holds).Clone()
	m.send(change, err)
	m.holds = append(m.holds, clone)
}

func (m *machine) merge() {
	a, b := pick(m, "hold", m.holds), pick(m, "other", m.holds)
	change, err := a.Merge(b)
	if a.ID() != b.ID() {
		m.refuse("merge", err)
		return
	}
	m.send(change, err)
	m.forgetClosed()
}

func (m *machine) closeHold() {
	hold := pick(m, "hold", m.holds)
	m.send(hold.Close(), nil)
	m.forgetClosed()
	m.send(hold.Close(), nil)
}

func (m *machine) forgetClosed() { m.holds = slices.DeleteFunc(m.holds, (*core.Hold).IsClosed) }

// deliver gives all changes to the core as one step, and one by one to the literal
// core. Where they lead must not differ.
func (m *machine) deliver() {
	before := m.twin.clone()
	var last map[core.GlobalID]frontier.Antichain
	for _, c := range []*core.Core{m.literal, m.core} {
		batches := [][]core.HoldChange{m.queue}
		if c == m.literal {
			batches = slices.Collect(slices.Chunk(m.queue, 1))
		}
		downgraded := map[core.GlobalID]frontier.Antichain{}
		for _, batch := range batches {
			effects, err := c.ApplyHoldChanges(batch...)
			if err != nil {
				m.Fatal(err)
			}
			for _, d := range effects.Downgrades {
				downgraded[d.ID] = d.Since
			}
		}
		for id, since := range last {
			if downgraded[id] != since || len(last) != len(downgraded) {
				m.Fatalf("downgrades one by one %v, together %v", last, downgraded)
			}
		}
		last = downgraded
	}
	m.twin.apply(m.queue)
	m.twin.remove()
	m.queue = nil
	m.checkProgress(before)
}

// misuse does what must be refused, together with something that would be right.
func (m *machine) misuse() {
	id := pick(m, "collection", m.core.IDs())
	absent := core.TransientID(1)
	goodPolicy := core.PolicyChange{ID: id, Policy: core.ValidFrom(frontier.Empty())}
	_, err := m.core.SetPolicies(goodPolicy, core.PolicyChange{ID: absent})
	m.refuse("policy of nothing", err)
	_, err = m.core.Acquire(id, absent)
	m.refuse("hold on nothing", err)
	_, err = m.core.Reserve(core.Plan{ID: absent}, core.Plan{ID: id})
	m.refuse("reused id", err)

	change := core.HoldChange{ID: id}
	if t, _ := m.twin.read(id).Time(); t > 0 && rapid.Bool().Draw(m.T, "increment") {
		must(0, change.Changes.Update(rapid.Uint64Range(0, t-1).Draw(m.T, "before the frontier"), +1))(m)
	} else {
		inspection := must(m.core.Inspect(id))(m)
		at := rapid.SampledFrom(inspection.Capabilities).Draw(m.T, "capability").Time
		held := int64(0)
		for _, hold := range inspection.Holds {
			if hold.Time == at {
				held = hold.Diff
			}
		}
		must(0, change.Changes.Update(at, -held-1))(m)
	}
	_, err = m.core.ApplyHoldChanges(change)
	m.refuse("forged change", err)
}
