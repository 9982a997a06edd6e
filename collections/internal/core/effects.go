package core

import (
	"slices"

	"github.com/tidemarkdb/tidemark/frontier"
)

// Effects is what a step leads to. The lists are the caller's to keep, and are in
// the order of ids unless they say otherwise. The zero value means that nothing
// has changed.
type Effects struct {
	// Downgrades are to be made durable. They replace earlier ones of the same
	// collection; joining them comes to the same, since a since never goes back.
	Downgrades []Downgrade
	// Removed are the collections that exist no more, aliases included: nobody is
	// going to hear of them again.
	Removed []GlobalID
	// Changed are the collections that were installed, or of which some frontier
	// has moved, as they are now.
	Changed []Frontiers
	// Withheld are the policies that [Core.SetPolicies] was given and that ask for
	// what was given up before, in the order of the call.
	Withheld []Withheld
	// Broken are the promises that [Core.Install] found broken, in the order in
	// which the collections were installed.
	Broken []BrokenPromise
}

// Downgrade says how far the since of a shard may be moved.
type Downgrade struct {
	// ID is the collection that owns the shard.
	ID GlobalID
	// Since is its read frontier; {} if the collection exists no more.
	Since frontier.Antichain
}

// Frontiers are where a collection is.
type Frontiers struct {
	ID GlobalID
	// Upper is the last one reported.
	Upper frontier.Antichain
	// Implied is from where on the collection itself wants to be readable; {} if
	// it is being dropped.
	Implied frontier.Antichain
	// Read is from where on it is readable: at or before Implied, and at or before
	// what any reader or dependent needs.
	Read frontier.Antichain
}

// Withheld says that a policy has no effect now. It waits until it asks for more,
// but if Implied is {}, the collection is being dropped and the policy forgotten.
type Withheld struct {
	ID GlobalID
	// Wanted is what the policy asks for.
	Wanted frontier.Antichain
	// Implied is what was given up before: it is beyond Wanted.
	Implied frontier.Antichain
}

// BrokenPromise says that a collection, when it was installed, depended on history
// that is gone: its shard was behind the implied capability of the dependency,
// and was neither new nor sealed, nor written beyond it. Whoever writes to it
// cannot tell any more what was written and might write it twice. A bug of whoever moved the
// since of the dependency is one reason. The other one is a policy of ID that gives up what has
// not been written yet, as a lag of 0 does, if a crash comes before that since is durable.
type BrokenPromise struct {
	ID         GlobalID
	Dependency GlobalID
	// Since and Upper are those of the shard of ID.
	Since, Upper frontier.Antichain
	// Implied is the implied capability of the dependency.
	Implied frontier.Antichain
}

// sort puts the lists in the order that Effects promises.
func (e *Effects) sort() {
	slices.SortFunc(e.Downgrades, func(a, b Downgrade) int { return a.ID.Compare(b.ID) })
	slices.SortFunc(e.Removed, GlobalID.Compare)
	slices.SortFunc(e.Changed, func(a, b Frontiers) int { return a.ID.Compare(b.ID) })
}
