package catalog_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
	"github.com/tidemarkdb/tidemark/sim"
)

// A process takes an epoch, and is fenced when another one takes the next.
func ExampleNewMemory() {
	ctx := context.Background()
	rt := runtime.New(runtime.Options{})
	memory := catalog.NewMemory("orders")
	older, newer := memory.View(rt), memory.View(rt) // as two processes have it

	first, _ := older.NextEpoch(ctx)
	second, _ := newer.NextEpoch(ctx)
	err := older.Update(ctx, first, func(d catalog.Draft) error { return nil })
	fmt.Println(first, second, err)
	fmt.Println(errors.Is(err, persist.ErrDeterminate))
	// Output:
	// 1 2 epoch 1 is fenced by epoch 2
	// true
}

// A collection is dropped: in one step its mapping goes, and its shard is listed as
// to be finalised.
func ExampleView_Update() {
	ctx := context.Background()
	memory := catalog.NewMemory("orders")
	c := memory.View(runtime.New(runtime.Options{}))
	epoch, err := c.NextEpoch(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = c.Update(ctx, epoch, func(d catalog.Draft) error {
		return d.InsertShards(map[catalog.GlobalID]persist.ShardID{user(1): shard(1), user(2): shard(2)})
	})
	fmt.Println("create:", err)

	err = c.Update(ctx, epoch, func(d catalog.Draft) error {
		removed, err := d.DeleteShards(user(2))
		if err != nil {
			return err
		}
		return d.InsertUnfinalized(removed[user(2)])
	})
	fmt.Println("drop:", err)

	state := memory.Inspect()
	fmt.Println("mapped:", state.Shards)
	fmt.Println("to be finalised:", state.Unfinalized)
	// Output:
	// create: <nil>
	// drop: <nil>
	// mapped: [{u1 s01000000000000000000000000000001}]
	// to be finalised: [s01000000000000000000000000000002]
}

func ExampleDescription() {
	d := catalog.Description{ID: user(3), DependsOn: []catalog.GlobalID{user(2), user(1), user(2)}, Since: frontier.At(7)}
	fmt.Println(d.Clone())
	fmt.Println(d.Equal(d.Clone()), d.Validate())
	d.DependsOn = append(d.DependsOn, d.ID)
	fmt.Println(d.Validate())
	// Output:
	// {u3 [u1 u2] {7}}
	// true <nil>
	// invalid description: u3 depends on itself
}

func ExampleRead() {
	ctx := context.Background()
	c := catalog.NewMemory("orders").View(runtime.New(runtime.Options{}))
	epoch, err := c.NextEpoch(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	var metadata catalog.Metadata
	err = c.Update(ctx, epoch, func(d catalog.Draft) error {
		if err := d.InsertShards(map[catalog.GlobalID]persist.ShardID{user(1): shard(1)}); err != nil {
			return err
		}
		metadata, err = catalog.Read(d)
		return err
	})
	fmt.Println(err)
	fmt.Println(metadata.Shard(user(1)))
	// Output:
	// <nil>
	// s01000000000000000000000000000001 true
}

// The answer to the second update is lost. The next one shows what became of it.
func ExampleFaulty() {
	result, err := sim.Run(context.Background(), sim.Config{Seed: 1}, func(ctx context.Context, w *sim.World) error {
		memory := catalog.NewMemory("orders")
		inner := memory.View(w.Runtime())
		c := catalog.Faulty(w.Runtime(), inner, catalog.FaultPlan{FailAfter: 2})
		epoch, err := inner.NextEpoch(ctx)
		if err != nil {
			return err
		}
		for n := byte(1); err == nil; n++ {
			err = c.Update(ctx, epoch, func(d catalog.Draft) error { return d.InsertUnfinalized(shard(n)) })
			fmt.Println(n, err, errors.Is(err, persist.ErrIndeterminate))
		}
		return inner.Update(ctx, epoch, func(d catalog.Draft) error {
			shards, err := d.Unfinalized()
			fmt.Println(shards)
			return err
		})
	})
	fmt.Println(result.Verdict.Kind, err)
	// Output:
	// 1 <nil> false
	// 2 catalog: no answer to update: indeterminate true
	// [s01000000000000000000000000000001 s01000000000000000000000000000002]
	// ok <nil>
}
