package collections_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

func ExampleController_Create() {
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	c, err := open(ctx, rt)
	if err != nil {
		fmt.Println(err)
		return
	}
	orders, totals := collections.UserID(1), collections.UserID(2)
	fmt.Println(c.Create(ctx,
		collections.Description{ID: totals, DependsOn: []collections.GlobalID{orders}},
		collections.Description{ID: orders},
	))
	fmt.Println(c.IDs())
	fmt.Println(c.Create(ctx, collections.Description{ID: orders})) // exists
	fmt.Println(c.Create(ctx, collections.Description{ID: totals})) // is another one
	fmt.Println(c.Close(ctx))
	// Output:
	// <nil>
	// [u1 u2]
	// <nil>
	// collection id u2 is in use
	// <nil>
}

func ExampleController_Drop() {
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	c, err := open(ctx, rt)
	if err != nil {
		fmt.Println(err)
		return
	}
	id := collections.UserID(1)
	if err := c.Create(ctx, collections.Description{ID: id}); err != nil {
		fmt.Println(err)
	}
	hold, err := c.HoldAt(ctx, id, frontier.At(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("dropped:", c.Drop(ctx, id))
	f, err := c.Frontiers(id)
	fmt.Println("wanted from", f[0].Implied, "readable from", f[0].Read, err)
	hold.Close()
	fmt.Println(c.Close(ctx))
	// Output:
	// dropped: <nil>
	// wanted from {} readable from {0} <nil>
	// <nil>
}

func ExampleController_Snapshot() {
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	c, err := open(ctx, rt)
	if err != nil {
		fmt.Println(err)
		return
	}
	id := collections.UserID(1)
	if err := c.Create(ctx, collections.Description{ID: id, Since: frontier.At(5)}); err != nil {
		fmt.Println(err)
	}
	for _, err := range c.Snapshot(ctx, id, 3) {
		var early *collections.ReadBeforeSinceError
		fmt.Println(errors.As(err, &early), err)
	}
	fmt.Println(c.Close(ctx))
	// Output:
	// true collections: u1 can be read from {5} on and not as of 3
	// <nil>
}

func ExampleController_SetReadPolicies() {
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	c, err := open(ctx, rt)
	if err != nil {
		fmt.Println(err)
		return
	}
	id := collections.UserID(1)
	if err := c.Create(ctx, collections.Description{ID: id}); err != nil {
		fmt.Println(err)
	}
	for _, since := range []uint64{100, 60} {
		policy := collections.ValidFrom(frontier.At(since))
		withheld, err := c.SetReadPolicies(ctx, collections.PolicyChange{ID: id, Policy: policy})
		f, _ := c.Frontiers(id)
		fmt.Println("readable from", f[0].Read, err)
		for _, w := range withheld {
			fmt.Println("withheld:", w.ID, "is given up to", w.Implied, "and was wanted from", w.Wanted)
		}
	}
	fmt.Println(c.Close(ctx))
	// Output:
	// readable from {100} <nil>
	// readable from {100} <nil>
	// withheld: u1 is given up to {100} and was wanted from {60}
	// <nil>
}

func ExampleWriter() {
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	c, err := open(ctx, rt)
	if err != nil {
		fmt.Println(err)
		return
	}
	id := collections.UserID(1)
	if err := c.Create(ctx, collections.Description{ID: id}); err != nil {
		fmt.Println(err)
	}
	w, err := c.Writer(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	apples := []persist.Update{{Row: []byte("apples"), Time: 3, Diff: 1}}
	fmt.Println(w.CompareAndAppend(ctx, apples, frontier.At(0), frontier.At(5)), w.Upper())
	err = w.CompareAndAppend(ctx, apples, frontier.At(0), frontier.At(5)) // was done
	var mismatch *persist.UpperMismatchError
	fmt.Println(errors.As(err, &mismatch), mismatch.Current)
	fmt.Println(w.AdvanceUpper(ctx, frontier.Empty()), w.Upper()) // no more updates
	fmt.Println(c.Close(ctx))
	// Output:
	// <nil> {5}
	// true {5}
	// <nil> {}
	// <nil>
}

func ExampleHolds() {
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	c, err := open(ctx, rt)
	if err != nil {
		fmt.Println(err)
		return
	}
	orders, customers := collections.UserID(1), collections.UserID(2)
	if err := c.Create(ctx, collections.Description{ID: orders, Since: frontier.At(10)},
		collections.Description{ID: customers, Since: frontier.At(12)}); err != nil {
		fmt.Println(err)
	}
	holds, err := c.Hold(ctx, orders, customers)
	if err != nil {
		fmt.Println(err)
		return
	}
	asOf := holds[0].Since().Join(holds[1].Since())
	fmt.Println("both can be read from", asOf)
	for _, h := range holds {
		fmt.Println(h.ID(), h.Since(), h.Downgrade(asOf))
	}
	holds.Close()
	fmt.Println(c.Close(ctx))
	// Output:
	// both can be read from {12}
	// u1 {10} <nil>
	// u2 {12} <nil>
	// <nil>
}
