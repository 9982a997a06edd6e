package core_test

import (
	"maps"
	"slices"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

// twin is the slow and obvious model of a core. It keeps what people decided, and
// works out everything else from the definitions whenever it is asked. It has no
// counts, no propagation and no order of visits.
type twin struct {
	collections map[core.GlobalID]*twinCollection
	holds       []twinHold // of readers, as far as the core was told, and of reservations
}

type twinCollection struct {
	dependencies []core.GlobalID
	primary      core.GlobalID
	implied      frontier.Antichain
	upper        frontier.Antichain
	policy       twinPolicy
}

type twinHold struct {
	id   core.GlobalID
	time uint64
}

// twinPolicy returns what a policy asks for, and true if that is that nothing
// changes.
type twinPolicy func(upper frontier.Antichain) (frontier.Antichain, bool)

func newTwin() *twin { return &twin{collections: map[core.GlobalID]*twinCollection{}} }

// clone returns a copy to compare with later.
func (w *twin) clone() *twin {
	copied := &twin{collections: map[core.GlobalID]*twinCollection{}, holds: slices.Clone(w.holds)}
	for id, c := range w.collections {
		record := *c
		copied.collections[id] = &record
	}
	return copied
}

// capabilities lists the times of all that keeps a collection back: I-1.
func (w *twin) capabilities(id core.GlobalID) (times []uint64) {
	add := func(f frontier.Antichain) { times = slices.AppendSeq(times, f.Elements()) }
	add(w.collections[id].implied)
	for dependent, c := range w.collections {
		if slices.Contains(c.dependencies, id) {
			add(w.read(dependent))
		}
	}
	for _, hold := range w.holds {
		if hold.id == id {
			times = append(times, hold.time)
		}
	}
	slices.Sort(times)
	return times
}

// read returns the read frontier.
func (w *twin) read(id core.GlobalID) frontier.Antichain {
	return frontier.Empty().Insert(w.capabilities(id)...)
}

func (w *twin) frontiers(id core.GlobalID) core.Frontiers {
	c := w.collections[id]
	return core.Frontiers{ID: id, Upper: c.upper, Implied: c.implied, Read: w.read(id)}
}

func (w *twin) ids() []core.GlobalID {
	return slices.SortedFunc(maps.Keys(w.collections), core.GlobalID.Compare)
}

// install adds a collection whose dependencies are there.
func (w *twin) install(plan core.Plan, opening core.Opening) {
	c := &twinCollection{primary: plan.Primary, implied: opening.Since, upper: opening.Upper}
	if plan.Primary.IsValid() {
		c.dependencies = append(c.dependencies, plan.Primary)
	}
	c.dependencies = append(c.dependencies, plan.Dependencies...)
	for _, id := range c.dependencies {
		if d := w.collections[id]; c.implied.LessEqual(d.implied) {
			c.implied = d.implied
		}
	}
	initial := c.implied
	c.policy = func(frontier.Antichain) (frontier.Antichain, bool) { return initial, false }
	w.collections[plan.ID] = c
}

func (w *twin) alter(existing, version core.GlobalID) {
	f, old := w.read(existing), w.collections[existing]
	w.install(core.Plan{ID: version}, core.Opening{Since: f, Upper: old.upper})
	old.primary = version
	old.dependencies = append([]core.GlobalID{version}, old.dependencies...)
}

// evaluate moves the implied capability if that is no move back.
func (c *twinCollection) evaluate() {
	wanted, isKept := c.policy(c.upper)
	if !isKept && c.implied.LessEqual(wanted) {
		c.implied = wanted
	}
}

func (w *twin) setPolicy(id core.GlobalID, policy twinPolicy) {
	if c := w.collections[id]; !c.implied.IsEmpty() {
		c.policy = policy
		c.evaluate()
	}
}

func (w *twin) drop(id core.GlobalID) {
	if c := w.collections[id]; c != nil {
		c.implied = frontier.Empty()
	}
}

func (w *twin) report(id core.GlobalID, upper frontier.Antichain) {
	if c := w.collections[id]; c != nil {
		if c.upper.LessEqual(upper) {
			c.upper = upper
		}
		if !c.implied.IsEmpty() {
			c.evaluate()
		}
	}
}

func (w *twin) hold(id core.GlobalID, at frontier.Antichain) {
	for t := range at.Elements() {
		w.holds = append(w.holds, twinHold{id, t})
	}
}

func (w *twin) release(id core.GlobalID, at frontier.Antichain) {
	for t := range at.Elements() {
		i := slices.Index(w.holds, twinHold{id, t})
		w.holds = slices.Delete(w.holds, i, i+1)
	}
}

func (w *twin) apply(changes []core.HoldChange) {
	for i := range changes {
		for t, diff := range changes[i].Changes.All() {
			for ; diff > 0; diff-- {
				w.hold(changes[i].ID, frontier.At(t))
			}
		}
	}
	for i := range changes {
		for t, diff := range changes[i].Changes.All() {
			for ; diff < 0; diff++ {
				w.release(changes[i].ID, frontier.At(t))
			}
		}
	}
}

// remove takes out what nothing holds any more.
func (w *twin) remove() {
	var gone []core.GlobalID
	for id := range w.collections {
		if w.read(id).IsEmpty() {
			gone = append(gone, id)
		}
	}
	for _, id := range gone {
		delete(w.collections, id)
	}
}

// effects returns what changed since before, other than what is only known to
// the step itself.
func (w *twin) effects(before *twin) core.Effects {
	var e core.Effects
	for _, id := range before.ids() {
		was := before.frontiers(id)
		if w.collections[id] == nil {
			e.Removed = append(e.Removed, id)
			if !before.collections[id].primary.IsValid() {
				e.Downgrades = append(e.Downgrades, core.Downgrade{ID: id, Since: frontier.Empty()})
			}
			continue
		}
		now := w.frontiers(id)
		if now.Read != was.Read && !w.collections[id].primary.IsValid() {
			e.Downgrades = append(e.Downgrades, core.Downgrade{ID: id, Since: now.Read})
		}
	}
	for _, id := range w.ids() {
		if before.collections[id] == nil || before.frontiers(id) != w.frontiers(id) {
			e.Changed = append(e.Changed, w.frontiers(id))
		}
	}
	return e
}
