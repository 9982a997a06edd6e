package core

import "github.com/tidemarkdb/tidemark/frontier"

// PolicyChange gives a collection another read policy.
type PolicyChange struct {
	ID     GlobalID
	Policy ReadPolicy
}

// SetPolicies sets read policies as one step. Each takes effect at once: the
// implied capability moves to what the policy asks for, given the upper. It never
// moves back; a policy that asks for that is kept all the same, until its time
// has come, and reported in [Effects.Withheld]. Repeated ids take effect one after
// the other, and the last policy stays. A collection that is being dropped keeps
// no policy.
//
// If one does not exist the error is a [*CollectionMissingError] about the first
// of those, and no policy is set.
func (c *Core) SetPolicies(changes ...PolicyChange) (Effects, error) {
	var withheld []Withheld
	err := func() error {
		for _, change := range changes {
			record, err := c.get(change.ID)
			if err != nil {
				return err
			}
			v := c.step.touch(record)
			wanted, ok, err := v.setPolicy(change.Policy)
			if err != nil {
				return err
			}
			if !ok {
				withheld = append(withheld, Withheld{ID: change.ID, Wanted: wanted, Implied: v.implied})
			}
		}
		return nil
	}()
	effects, err := c.run(err)
	if err != nil {
		return Effects{}, err
	}
	effects.Withheld = withheld
	return effects, nil
}

// Drop lets go of the given collections, as one step and for good: it sets the
// policy [ValidFrom] {}. A collection that nothing else holds is removed at once,
// others with the last hold and dependent; until then they can be read. Ids of
// collections that do not exist are passed over, as are repeated ones.
//
// It never fails, unless there is a bug: then the error is a [*ViolationError].
func (c *Core) Drop(ids ...GlobalID) (Effects, error) {
	dropped := ValidFrom(frontier.Empty())
	err := func() error {
		for _, id := range ids {
			record, ok := c.collections[id]
			if !ok {
				continue
			}
			v := c.step.touch(record)
			v.policy = dropped
			if _, err := v.advance(frontier.Empty()); err != nil {
				return err
			}
		}
		return nil
	}()
	return c.run(err)
}

// UpperReport says that the upper of a collection was seen somewhere.
type UpperReport struct {
	ID    GlobalID
	Upper frontier.Antichain
}

// ReportUppers takes in uppers as one step. A report that is not later than an
// earlier one leaves the upper where it is; the policy is evaluated in any case.
// Reports about collections that do not exist are passed over: they are normal,
// since whoever watches uppers learns of a drop later.
//
// It never fails, unless there is a bug: then the error is a [*ViolationError].
func (c *Core) ReportUppers(reports ...UpperReport) (Effects, error) {
	err := func() error {
		for _, report := range reports {
			record, ok := c.collections[report.ID]
			if !ok {
				continue
			}
			v := c.step.touch(record)
			v.upper = v.upper.Join(report.Upper)
			if _, _, err := v.evaluate(); err != nil {
				return err
			}
		}
		return nil
	}()
	return c.run(err)
}
