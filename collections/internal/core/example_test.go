package core_test

import (
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/collections/internal/core"
	"github.com/tidemarkdb/tidemark/frontier"
)

// A source reads through its remap collection, u1: whoever holds the source holds
// that too. Errors are left out.
func Example() {
	c := core.New()
	remap, source := core.UserID(1), core.UserID(2)
	reservation, _ := c.Reserve(core.Plan{ID: source, Dependencies: []core.GlobalID{remap}}, core.Plan{ID: remap})
	var openings []core.Opening
	for _, id := range reservation.Order() { // now the shards are opened
		openings = append(openings, core.Opening{ID: id, Since: frontier.At(0), Upper: frontier.At(10)})
	}
	_, _ = c.Install(reservation, openings...)

	hold, _ := c.Acquire(source)
	_, _ = c.SetPolicies(
		core.PolicyChange{ID: remap, Policy: core.StepBack()},
		core.PolicyChange{ID: source, Policy: core.StepBack()},
	)
	effects, _ := c.ReportUppers(core.UpperReport{ID: source, Upper: frontier.At(20)})
	fmt.Println("held:", effects.Downgrades)

	effects, _ = c.ApplyHoldChanges(hold[0].Close())
	fmt.Println("released:", effects.Downgrades)

	effects, _ = c.Drop(remap, source)
	fmt.Println("dropped:", effects.Downgrades, effects.Removed)
	// Output:
	// held: []
	// released: [{u1 {9}} {u2 {19}}]
	// dropped: [{u1 {}} {u2 {}}] [u1 u2]
}

// Operations on a hold return the change that the core has to hear of.
func ExampleHold() {
	c := core.New()
	reservation, _ := c.Reserve(core.Plan{ID: core.UserID(1)})
	_, _ = c.Install(reservation, core.Opening{ID: core.UserID(1), Since: frontier.At(5), Upper: frontier.At(10)})

	hold, _ := c.AcquireAt(core.UserID(1), frontier.At(5))
	clone, change, _ := hold.Clone()
	fmt.Println("clone:", change.Changes)
	change, _ = hold.Downgrade(frontier.At(9))
	fmt.Println("downgrade:", change.Changes)
	change, _ = hold.Merge(clone)
	fmt.Println("merge:", change.Changes, "since", hold.Since())
	_, err := hold.Downgrade(frontier.At(4))
	fmt.Println("error:", err)
	fmt.Println("close:", hold.Close().Changes, hold.Close().Changes)
	// Output:
	// clone: [5:+1]
	// downgrade: [5:-1 9:+1]
	// merge: [9:-1] since {5}
	// error: hold on u1 at {4} is before {5}
	// close: [5:-1] []
}

// A reservation takes ids and holds dependencies while shards are being opened.
func ExampleCore_Reserve() {
	c := core.New()
	_, err := c.Reserve(
		core.Plan{ID: core.UserID(1), Dependencies: []core.GlobalID{core.UserID(2)}},
		core.Plan{ID: core.UserID(2), Dependencies: []core.GlobalID{core.UserID(1)}},
	)
	fmt.Println(err)

	reservation, _ := c.Reserve(
		core.Plan{ID: core.UserID(1), Dependencies: []core.GlobalID{core.UserID(2)}},
		core.Plan{ID: core.UserID(2)},
	)
	fmt.Println(reservation.Order())

	_, err = c.Reserve(core.Plan{ID: core.UserID(2)})
	var reused *core.IDReusedError
	fmt.Println(errors.As(err, &reused), c.Len())
	// Output:
	// collections depend on each other: [u1 u2]
	// [u2 u1]
	// true 0
}

// The new version of a table owns the shard from then on.
func ExampleCore_Alter() {
	c := core.New()
	reservation, _ := c.Reserve(core.Plan{ID: core.UserID(1)})
	_, _ = c.Install(reservation, core.Opening{ID: core.UserID(1), Since: frontier.At(5), Upper: frontier.At(10)})
	_, _ = c.Alter(core.UserID(1), core.UserID(2))

	effects, _ := c.SetPolicies(
		core.PolicyChange{ID: core.UserID(1), Policy: core.StepBack()},
		core.PolicyChange{ID: core.UserID(2), Policy: core.StepBack()},
	)
	fmt.Println(effects.Downgrades)
	// Output: [{u2 {9}}]
}

// Keep what the last ten seconds had, but at least everything from 42,000 on. The
// rounding makes the frontier move once per second.
func ExampleMultiple() {
	lag, _ := core.LagBy(10_000, 1_000)
	policy, _ := core.Multiple(lag, core.ValidFrom(frontier.At(42_000)))
	for _, upper := range []uint64{30_500, 50_999, 51_000, 90_000} {
		since, _ := policy.Frontier(frontier.At(upper))
		fmt.Println(upper, since)
	}
	_, isKept := policy.Frontier(frontier.Empty())
	fmt.Println("sealed, kept as it is:", isKept)
	// Output:
	// 30500 {20000}
	// 50999 {40000}
	// 51000 {41000}
	// 90000 {42000}
	// sealed, kept as it is: true
}

func ExampleParseGlobalID() {
	id, err := core.ParseGlobalID("u42")
	fmt.Println(id, id.IsUser(), err)
	_, err = core.ParseGlobalID("42")
	fmt.Println(err)
	// Output:
	// u42 true <nil>
	// malformed collection id: "42"
}
