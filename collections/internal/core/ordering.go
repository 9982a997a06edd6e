package core

import "slices"

// ordering sorts plans so that dependencies come first.
type ordering struct {
	plans    []Plan           // by id
	index    map[GlobalID]int // of each plan
	external []GlobalID       // dependencies that are not planned, each once
	seen     map[GlobalID]bool
	state    []searchState // of each plan
	path     []GlobalID    // being searched, each depends on the next
	sorted   []Plan
}

type searchState uint8

const (
	unsearched searchState = iota
	searching
	searched
)

// newOrdering takes plans that are sorted by distinct ids.
func newOrdering(plans []Plan) *ordering {
	o := &ordering{
		plans: plans,
		index: make(map[GlobalID]int, len(plans)),
		seen:  make(map[GlobalID]bool),
		state: make([]searchState, len(plans)),
	}
	for i := range plans {
		o.index[plans[i].ID] = i
	}
	return o
}

func (o *ordering) isPlanned(id GlobalID) bool {
	_, ok := o.index[id]
	return ok
}

func (o *ordering) addExternal(id GlobalID) {
	if !o.seen[id] {
		o.seen[id] = true
		o.external = append(o.external, id)
	}
}

// sort returns the plans, dependencies first, or a [*DependencyCycleError]. It
// searches depth first, as in Tarjan's "Edge-disjoint spanning trees and
// depth-first search" (1976), in the order of ids.
func (o *ordering) sort() ([]Plan, error) {
	for i := range o.plans {
		if err := o.search(i); err != nil {
			return nil, err
		}
	}
	return o.sorted, nil
}

func (o *ordering) search(i int) error {
	plan := o.plans[i]
	switch o.state[i] {
	case searched:
		return nil
	case searching:
		start := slices.Index(o.path, plan.ID)
		return &DependencyCycleError{IDs: slices.Clone(o.path[start:])}
	}
	o.state[i] = searching
	o.path = append(o.path, plan.ID)
	for _, id := range plan.Dependencies {
		if next, ok := o.index[id]; ok {
			if err := o.search(next); err != nil {
				return err
			}
		}
	}
	o.path = o.path[:len(o.path)-1]
	o.state[i] = searched
	o.sorted = append(o.sorted, plan)
	return nil
}
