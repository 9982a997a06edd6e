package persist_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
)

// exampleClient opens a store in memory.
func exampleClient() *persist.Client {
	rt := runtime.New(runtime.Options{})
	store := memory.New("example", memory.Options{})
	client, err := persist.New(rt, store.Blob(rt), store.Consensus(rt), persist.Config{})
	if err != nil {
		panic(err)
	}
	return client
}

func Example() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()
	shard := client.NewShardID()

	writer, err := client.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = writer.CompareAndAppend(ctx, []persist.Update{
		{Row: []byte("apple"), Time: 1, Diff: 2},
		{Row: []byte("apple"), Time: 7, Diff: -1},
	}, frontier.At(0), frontier.At(10))
	if err != nil {
		fmt.Println(err)
		return
	}

	reader, err := client.OpenReader(ctx, shard, persist.ReaderOptions{Purpose: "report"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, asOf := range []uint64{0, 3, 9} {
		updates, err := reader.Snapshot(ctx, asOf)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Print("as of ", asOf, ":")
		for _, u := range updates {
			fmt.Printf(" %s %+d", u.Row, u.Diff)
		}
		fmt.Println()
	}
	// Output:
	// as of 0:
	// as of 3: apple +2
	// as of 9: apple +1
}

func ExampleWriter_CompareAndAppend() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()
	writer, err := client.OpenWriter(ctx, client.NewShardID(), persist.WriterOptions{Purpose: "example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(writer.CompareAndAppend(ctx, nil, frontier.At(0), frontier.At(5)))
	err = writer.CompareAndAppend(ctx, nil, frontier.At(0), frontier.At(9))
	var mismatch *persist.UpperMismatchError
	if errors.As(err, &mismatch) {
		fmt.Println("the upper is", mismatch.Current)
	}
	// Output:
	// <nil>
	// the upper is {5}
}

func ExampleSince_CompareAndDowngrade() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()
	shard, id := client.NewShardID(), persist.CriticalReaderID{1}
	first := persist.Opaque{Codec: "epoch", Value: [8]byte{1}}
	second := persist.Opaque{Codec: "epoch", Value: [8]byte{2}}

	old, err := client.OpenSince(ctx, shard, id, first, "old owner")
	if err != nil {
		fmt.Println(err)
		return
	}
	taker, err := client.OpenSince(ctx, shard, id, first, "new owner")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(taker.CompareAndDowngrade(ctx, first, second, frontier.At(3)))
	_, err = old.CompareAndDowngrade(ctx, first, first, frontier.At(5))
	var owner *persist.OwnerError
	fmt.Println("fenced:", errors.As(err, &owner))
	// Output:
	// {3} <nil>
	// fenced: true
}

func ExampleClient_Inspect() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()
	shard := client.NewShardID()
	writer, err := client.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := writer.AdvanceUpper(ctx, frontier.At(42)); err != nil {
		fmt.Println(err)
		return
	}
	stored, err := client.Inspect(ctx, shard)
	fmt.Println(stored.SeqNo, stored.Since, stored.Upper, stored.Writers[0].Purpose, err)
	// Output:
	// v2 {0} {42} example <nil>
}

func ExampleClient_Usage() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()
	shard := client.NewShardID()
	if _, err := client.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "example"}); err != nil {
		fmt.Println(err)
		return
	}
	usage, err := client.Usage(ctx, shard)
	fmt.Println(usage.Current.Objects, usage.Older.Objects, usage.Unreferenced.Objects, usage.Missing, err)
	// Output:
	// 1 0 0 [] <nil>
}
