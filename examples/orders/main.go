// Orders embeds the collections: each run adds an apple to one that is kept in a
// directory, and reads it as of every time so far.
//
//	go run ./examples/orders /tmp/orders
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/tidemarkdb/tidemark/collections"
	"github.com/tidemarkdb/tidemark/collections/catalog"
	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/file"
	"github.com/tidemarkdb/tidemark/runtime"
)

func main() {
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	store := must(file.Open(ctx, rt, directory(), file.Options{}))
	client := must(persist.New(rt, store.Blob(rt), store.Consensus(rt), persist.Config{}))
	// One process at a time has the directory: its clock tells epochs apart.
	c := must(collections.Open(ctx, rt, client, collections.Config{Epoch: rt.Now().UnixNano()}))

	orders := collections.Description{ID: collections.UserID(1)}
	shards := map[collections.GlobalID]persist.ShardID{orders.ID: {1}} // the catalog of this program
	check(c.Install(ctx, catalog.Metadata{Shards: shards}, orders))
	w := must(c.Writer(ctx, orders.ID))
	now, _ := must(w.FetchRecentUpper(ctx)).Time() // where the run before was
	apple := persist.Update{Row: []byte("apples"), Time: now, Diff: +1}
	check(w.CompareAndAppend(ctx, []persist.Update{apple}, frontier.At(now), frontier.At(now+1)))
	for asOf := range now + 1 {
		for u, err := range c.Snapshot(ctx, orders.ID, asOf) {
			check(err)
			fmt.Printf("as of %d: %d %s\n", asOf, u.Diff, u.Row)
		}
	}
	// Nothing is closed: the end of the process is as good as its being killed.
}

// directory is where the orders are: the argument.
func directory() string {
	if len(os.Args) != 2 {
		log.Fatal("usage: orders DIRECTORY")
	}
	return os.Args[1]
}

func must[T any](v T, err error) T { check(err); return v }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
