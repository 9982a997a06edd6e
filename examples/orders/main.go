// Orders embeds the collections: it writes one, and reads it as of two times.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
)

func main() {
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	store := memory.New("store", memory.Options{})
	client := must(persist.New(rt, store.Blob(rt), store.Consensus(rt), persist.Config{}))
	defer client.Close()
	c := must(collections.Open(ctx, rt, client, collections.Config{}))
	defer c.Close(ctx)

	orders := collections.UserID(1)
	check(c.Create(ctx, collections.Description{ID: orders}))
	w := must(c.Writer(ctx, orders))
	check(w.CompareAndAppend(ctx, []persist.Update{
		{Row: []byte("apples"), Time: 1, Diff: +3},
		{Row: []byte("apples"), Time: 5, Diff: -1}, // from 5 on there is one less
	}, frontier.At(0), frontier.At(10)))
	for _, asOf := range []uint64{4, 9} {
		for u, err := range c.Snapshot(ctx, orders, asOf) {
			check(err)
			fmt.Printf("as of %d: %d %s\n", asOf, u.Diff, u.Row)
		}
	}
}

func must[T any](v T, err error) T { check(err); return v }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
