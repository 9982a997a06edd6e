package collections_test

import (
	"context"
	"fmt"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
)

// open starts a controller on a store in memory.
func open(ctx context.Context, rt *runtime.Runtime) (*collections.Controller, error) {
	store := memory.New("store", memory.Options{})
	client, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), persist.Config{})
	if err != nil {
		return nil, err
	}
	return collections.Open(ctx, rt, client, collections.Config{})
}

func ExampleOpen() {
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	c, err := open(ctx, rt)
	if err != nil {
		fmt.Println(err)
		return
	}
	orders := collections.UserID(1)
	if err := c.Create(ctx, collections.Description{ID: orders}); err != nil {
		fmt.Println(err)
	}
	w, err := c.Writer(ctx, orders)
	if err != nil {
		fmt.Println(err)
		return
	}
	updates := []persist.Update{
		{Row: []byte("apples"), Time: 1, Diff: +3},
		{Row: []byte("apples"), Time: 5, Diff: -1},
		{Row: []byte("pears"), Time: 5, Diff: +2},
	}
	if err := w.CompareAndAppend(ctx, updates, frontier.At(0), frontier.At(10)); err != nil {
		fmt.Println(err)
	}
	for _, asOf := range []uint64{4, 9} {
		for u, err := range c.Snapshot(ctx, orders, asOf) {
			fmt.Printf("as of %d: %d %s (%v)\n", asOf, u.Diff, u.Row, err)
		}
	}
	fmt.Println(c.Close(ctx))
	// Output:
	// as of 4: 3 apples (<nil>)
	// as of 9: 2 apples (<nil>)
	// as of 9: 2 pears (<nil>)
	// <nil>
}

func ExampleController_Hold() {
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
	holds, err := c.Hold(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	until := collections.ValidFrom(frontier.At(100))
	if _, err := c.SetReadPolicies(ctx, collections.PolicyChange{ID: id, Policy: until}); err != nil {
		fmt.Println(err)
	}
	f, err := c.Frontiers(id)
	fmt.Println("wanted from", f[0].Implied, "readable from", f[0].Read, err)
	fmt.Println(holds[0].Downgrade(frontier.At(40)), holds[0].Downgrade(frontier.At(30)))
	holds.Close()
	fmt.Println(c.Close(ctx))
	// Output:
	// wanted from {100} readable from {0} <nil>
	// <nil> hold on u1 at {30} is before {40}
	// <nil>
}
