// Shared is what any number of processes may run at the same time, on any machines, with nothing but a
// bucket in common: each adds five apples to one collection, and reads what all of them have added.
//
//	go run ./examples/shared s3://bucket/prefix alice
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/s3"
	"github.com/tidemarkdb/tidemark/persist/s3/s3env"
	"github.com/tidemarkdb/tidemark/runtime"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: shared s3://BUCKET/PREFIX NAME")
	}
	ctx, rt := context.Background(), runtime.New(runtime.Options{})
	store := must(s3env.Open(ctx, rt, os.Args[1], s3.Options{}))
	client := must(persist.New(rt, store.Blob(), store.Consensus(), persist.Config{}))
	defer client.Close()

	apples := persist.ShardID{1} // all know that it is this one
	w := must(client.OpenWriter(ctx, apples, persist.WriterOptions{Purpose: "apples"}))
	for added := 0; added < 5; {
		now, _ := w.Upper().Time()
		apple := persist.Update{Row: []byte(os.Args[2]), Time: now, Diff: +1}
		err := w.CompareAndAppend(ctx, []persist.Update{apple}, frontier.At(now), frontier.At(now+1))
		var taken *persist.UpperMismatchError
		if errors.As(err, &taken) {
			continue // another process was first at this time, and the writer knows the next one
		}
		check(err)
		added++
	}

	r := must(client.OpenReader(ctx, apples, persist.ReaderOptions{Purpose: "count"}))
	upper, _ := w.Upper().Time()
	for _, u := range must(r.Snapshot(ctx, upper-1)) {
		fmt.Printf("%d apples of %s\n", u.Diff, u.Row)
	}
	check(r.Close(ctx))
}

func must[T any](v T, err error) T { check(err); return v }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
