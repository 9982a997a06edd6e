package core

import "github.com/tidemarkdb/tidemark/frontier"

// Inspection is all that the core knows about a collection, for people and
// checkers. It is a copy.
type Inspection struct {
	Frontiers
	Policy ReadPolicy
	// Primary is the collection that owns the shard, the zero value if this one does.
	Primary GlobalID
	// Dependencies are distinct, the primary first, then in the order of the plan.
	Dependencies []GlobalID
	// Capabilities are all, Holds those of readers and reservations; by time.
	Capabilities []frontier.Change
	Holds        []frontier.Change
}

// IsDropping reports whether the collection only exists for those who hold it.
func (i *Inspection) IsDropping() bool { return i.Implied.IsEmpty() }

// Inspect returns all about one collection. If it does not exist the error is a
// [*CollectionMissingError].
func (c *Core) Inspect(id GlobalID) (Inspection, error) {
	record, err := c.get(id)
	if err != nil {
		return Inspection{}, err
	}
	inspection := Inspection{
		Frontiers:    record.frontiers(),
		Policy:       record.policy,
		Primary:      record.primary(),
		Capabilities: listCounts(&record.capabilities),
		Holds:        listCounts(&record.holds),
	}
	for _, dependency := range record.dependencies {
		inspection.Dependencies = append(inspection.Dependencies, dependency.id)
	}
	return inspection, nil
}

func listCounts(counts *frontier.MutableAntichain) []frontier.Change {
	var list []frontier.Change
	for t, count := range counts.Counts() {
		list = append(list, frontier.Change{Time: t, Diff: count})
	}
	return list
}
