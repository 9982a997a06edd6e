package core

import "github.com/tidemarkdb/tidemark/frontier"

// step is one atomic change of the core. Its first part, staging, writes down what
// shall change without changing it; the second, propagation, changes capabilities
// and can be undone; the third, commit, changes the rest and cannot fail.
type step struct {
	visits []*visit // in the order in which collections were touched
	queue  visitQueue
	spare  []*visit // for later, all zero
}

// visit is what a step does to one collection.
type visit struct {
	record *collection
	isNew  bool // installed by this step
	// staged values, which replace those of the record
	implied, upper frontier.Antichain
	policy         ReadPolicy
	// holds are the changes of readers. They are part of changes.
	holds frontier.ChangeBatch
	// changes are all changes of capabilities: complete when the step comes to
	// the visit, since all dependents come before.
	changes   frontier.ChangeBatch
	before    frontier.Antichain // the read frontier before the step
	isDone    bool               // propagation has been here
	isApplied bool               // and the changes were made
}

const (
	// visitsKeptMax bounds the memory that a large step leaves behind, to 6 MiB.
	visitsKeptMax = 16_384
	// visitsBlock is how many visits are allocated together.
	visitsBlock = 16
)

// touch returns the visit of a collection in this step.
func (s *step) touch(record *collection) *visit {
	if record.visit != 0 {
		return s.visits[record.visit-1]
	}
	v := s.take()
	v.record, v.before = record, record.read()
	v.implied, v.upper, v.policy = record.implied, record.upper, record.policy
	s.visits = append(s.visits, v)
	record.visit = int32(len(s.visits))
	s.queue.push(v)
	return v
}

// take returns a visit that is zero.
func (s *step) take() *visit {
	if len(s.spare) == 0 {
		block := make([]visit, visitsBlock)
		for i := range block {
			s.spare = append(s.spare, &block[i])
		}
	}
	last := len(s.spare) - 1
	v := s.spare[last]
	s.spare = s.spare[:last]
	return v
}

// install stages a new collection with the given number of capabilities at its
// implied one: its own and those of dependents whose edges come with it.
func (s *step) install(record *collection, capabilities int64) error {
	v := s.touch(record)
	v.isNew = true
	for t := range record.implied.Elements() {
		if err := v.changes.Update(t, capabilities); err != nil {
			return err
		}
	}
	return nil
}

// advance stages a move of the implied capability to what the policy wants, if
// that is no move back: the ratchet. Otherwise it returns false.
func (v *visit) advance(wanted frontier.Antichain) (ok bool, err error) {
	if !v.implied.LessEqual(wanted) {
		return false, nil
	}
	if err := v.changes.Move(v.implied, wanted); err != nil {
		return false, err
	}
	v.implied = wanted
	return true, nil
}

// setPolicy stages another policy and its effect. It returns what the policy
// wants, and false if that is withheld.
func (v *visit) setPolicy(policy ReadPolicy) (wanted frontier.Antichain, ok bool, err error) {
	if v.implied.IsEmpty() {
		wanted, _ = policy.Frontier(v.upper)
		return wanted, wanted.IsEmpty(), nil
	}
	v.policy = policy
	return v.evaluate()
}

// evaluate stages what the staged policy says about the staged upper. It returns
// what the policy wants, and false if that lies before what was given up.
func (v *visit) evaluate() (wanted frontier.Antichain, ok bool, err error) {
	wanted, isKept := v.policy.Frontier(v.upper)
	if isKept {
		return wanted, true, nil
	}
	ok, err = v.advance(wanted)
	return wanted, ok, err
}

// changeHolds stages changes that readers made.
func (v *visit) changeHolds(changes *frontier.ChangeBatch) error {
	if err := v.holds.Merge(changes); err != nil {
		return err
	}
	return v.changes.Merge(changes)
}

// checkHolds refuses changes that readers cannot have made.
func (v *visit) checkHolds() error {
	for t, diff := range v.holds.All() {
		if held := v.record.holds.Count(t); diff < 0 && held+diff < 0 {
			return &NegativeCapabilitiesError{ID: v.record.id, Time: t, Held: held, Diff: diff}
		}
		if diff > 0 && !v.before.LessEqualTime(t) {
			return &BeforeFrontierError{ID: v.record.id, Time: t, Read: v.before}
		}
	}
	return nil
}

// run finishes the step that has been staged. If staging failed, with err, or if
// propagation does, nothing has happened and the error is returned.
func (c *Core) run(err error) (Effects, error) {
	s := &c.step
	defer s.reset()
	c.touched = c.touched[:0]
	for i := 0; err == nil && i < len(s.visits); i++ {
		err = s.visits[i].checkHolds()
	}
	if err != nil {
		return Effects{}, err
	}
	if err := s.propagate(); err != nil {
		s.undo()
		return Effects{}, err
	}
	c.visits += uint64(len(s.visits))
	return c.commit(), nil
}

// propagate changes capabilities, dependents before dependencies, and goes on to
// the dependencies of those whose read frontier moves.
func (s *step) propagate() error {
	for len(s.queue) > 0 {
		v := s.queue.pop()
		v.isDone = true
		if v.changes.IsEmpty() {
			continue
		}
		moved, err := v.apply()
		if err != nil {
			return err
		}
		if moved.IsEmpty() {
			continue
		}
		if err := s.forward(v.record, &moved); err != nil {
			return err
		}
	}
	return nil
}

// forward stages at each dependency that a read frontier has moved.
func (s *step) forward(from *collection, moved *frontier.ChangeBatch) error {
	for _, dependency := range from.dependencies {
		v := s.touch(dependency)
		if v.isDone {
			return violation("I-12", "%v of rank %d depends on %v of rank %d",
				from.id, from.rank, dependency.id, dependency.rank)
		}
		if err := v.changes.Merge(moved); err != nil {
			return err
		}
	}
	return nil
}

// apply changes the capabilities and returns how the read frontier moved.
func (v *visit) apply() (moved frontier.ChangeBatch, err error) {
	c := v.record
	for t, diff := range v.changes.All() {
		if count := c.capabilities.Count(t); diff < 0 && count+diff < 0 {
			return moved, violation("I-2", "%+d at %d of %v with %d capabilities", diff, t, c.id, count)
		}
		if diff > 0 && !v.isNew && !v.before.LessEqualTime(t) {
			return moved, violation("I-3", "%+d at %d of %v, before the read frontier %v", diff, t, c.id, v.before)
		}
	}
	moved, err = c.capabilities.Apply(&v.changes)
	if err != nil {
		return moved, err
	}
	v.isApplied = true
	if !v.isNew && !v.before.LessEqual(c.read()) {
		return moved, violation("I-6", "the read frontier of %v goes from %v to %v", c.id, v.before, c.read())
	}
	return moved, nil
}

// undo takes back what propagate did before it failed.
func (s *step) undo() {
	for _, v := range s.visits {
		if !v.isApplied {
			continue
		}
		// The sums were valid before, and no diff that was applied to counts that
		// are not negative is too small to be negated: none of this can overflow.
		for t, diff := range v.changes.All() {
			_, _ = v.record.capabilities.Update(t, -diff)
		}
	}
}

// commit makes the rest of the staged changes and says what has changed.
func (c *Core) commit() Effects {
	var effects Effects
	for _, v := range c.step.visits {
		record, after := v.record, v.record.read()
		c.touched = append(c.touched, record.id)
		hasMoved := after != v.before
		hasChanged := v.isNew || hasMoved || v.implied != record.implied || v.upper != record.upper
		record.implied, record.upper, record.policy = v.implied, v.upper, v.policy
		if !v.holds.IsEmpty() {
			// Holds are part of the capabilities, whose sums did not overflow.
			_, _ = record.holds.Apply(&v.holds)
		}
		if v.isNew {
			c.collections[record.id] = record
		}
		if after.IsEmpty() {
			delete(c.collections, record.id)
			effects.Removed = append(effects.Removed, record.id)
		} else if hasChanged {
			effects.Changed = append(effects.Changed, record.frontiers())
		}
		if hasMoved && !v.isNew && !record.hasPrimary {
			effects.Downgrades = append(effects.Downgrades, Downgrade{ID: record.id, Since: after})
		}
	}
	effects.sort()
	return effects
}

// reset forgets the step, whether it happened or not.
func (s *step) reset() {
	for _, v := range s.visits {
		v.record.visit = 0
		*v = visit{} // let go of records that were removed
		s.spare = append(s.spare, v)
	}
	clear(s.queue)
	s.visits, s.queue = s.visits[:0], s.queue[:0]
	if len(s.spare) > visitsKeptMax {
		*s = step{}
	}
}
