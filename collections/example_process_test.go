package collections_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
)

// newClient returns a client of a store in memory.
func newClient(rt *runtime.Runtime) (*persist.Client, error) {
	store := memory.New("store", memory.Options{})
	return persist.New(rt, store.Blob(rt), store.Consensus(rt), persist.Config{})
}

// A program that has a catalog prepares within a transaction of its own, here a draft
// of a catalog in memory, and installs what was committed.
func ExampleController_Prepare() {
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	client, err := newClient(rt)
	if err != nil {
		fmt.Println(err)
		return
	}
	own := catalog.NewMemory("own").View(rt)
	epoch, err := own.NextEpoch(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := collections.Open(ctx, rt, client, collections.Config{Epoch: epoch})
	if err != nil {
		fmt.Println(err)
		return
	}
	orders := collections.UserID(1)
	transact := func(change collections.Change) (committed catalog.Metadata, err error) {
		return committed, own.Update(ctx, epoch, func(draft catalog.Draft) error {
			if err := c.Prepare(draft, change); err != nil {
				return err
			}
			committed, err = catalog.Read(draft) // with what the program has to say itself
			return err
		})
	}
	committed, err := transact(collections.Change{Create: []collections.GlobalID{orders}})
	fmt.Println("committed", len(committed.Shards), err, "there are", c.IDs())
	fmt.Println(c.Install(ctx, committed, collections.Description{ID: orders}), "there are", c.IDs())
	committed, err = transact(collections.Change{Drop: []collections.GlobalID{orders}})
	fmt.Println("committed", len(committed.Shards), err, "there are", c.IDs())
	fmt.Println(c.Remove(committed, orders), "there are", c.IDs())
	fmt.Println(c.Close(ctx))
	// Output:
	// committed 1 <nil> there are []
	// <nil> there are [u1]
	// committed 0 <nil> there are [u1]
	// <nil> there are []
	// <nil>
}

// Two processes share a catalog: the one that opens later takes over.
func ExampleFencedError() {
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	client, err := newClient(rt)
	if err != nil {
		fmt.Println(err)
		return
	}
	shared := catalog.NewMemory("shared")
	older, err := collections.Open(ctx, rt, client, collections.Config{
		Catalog:    shared.View(rt),
		Supervisor: func(fatal error) { fmt.Println("supervisor:", fatal) }, // ends the process
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	newer, err := collections.Open(ctx, rt, client, collections.Config{Catalog: shared.View(rt)})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = older.Create(ctx, collections.Description{ID: collections.UserID(1)})
	var fenced *collections.FencedError
	fmt.Println(errors.Is(err, collections.ErrFenced), errors.As(err, &fenced), fenced.Actual == newer.Epoch())
	fmt.Println(older.Err())
	fmt.Println(older.Close(ctx), newer.Close(ctx))
	// Output:
	// supervisor: collections: fenced: epoch 2 has replaced 1, says the catalog
	// true true true
	// collections: fenced: epoch 2 has replaced 1, says the catalog
	// <nil> <nil>
}

func ExampleLoggingEvents() {
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	client, err := newClient(rt)
	if err != nil {
		fmt.Println(err)
		return
	}
	withoutNoise := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "shard" {
			return slog.Attr{}
		}
		return a
	}
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutNoise}))
	c, err := collections.Open(ctx, rt, client, collections.Config{Events: collections.LoggingEvents(log)})
	if err != nil {
		fmt.Println(err)
		return
	}
	id := collections.UserID(1)
	if err := c.Create(ctx, collections.Description{ID: id}); err != nil {
		fmt.Println(err)
	}
	policy := collections.ValidFrom(frontier.At(100))
	if _, err := c.SetReadPolicies(ctx, collections.PolicyChange{ID: id, Policy: policy}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(c.Close(ctx)) // waits for what is to be durable
	// Output:
	// level=INFO msg="since moved" collection=u1 since={100}
	// <nil>
}
