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

func ExampleWriter_NewBatch() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()
	shard := client.NewShardID()
	writer, err := client.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	builder := writer.NewBatch(ctx, frontier.At(0), persist.BatchOptions{})
	for _, row := range []string{"pear", "apple", "pear"} {
		if err := builder.Add(ctx, []byte(row), 0, 1); err != nil {
			fmt.Println(err)
			return
		}
	}
	batch, err := builder.Finish(ctx, frontier.At(1))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(batch.Len(), "updates from", batch.Lower(), "to", batch.Upper())
	// Only now it is known when they are committed.
	fmt.Println(batch.RewriteTimes(frontier.At(7), frontier.At(8)))
	fmt.Println(writer.CompareAndAppendBatches(ctx, []*persist.Batch{batch}, frontier.At(0), frontier.At(8)))
	// Output:
	// 2 updates from {0} to {1}
	// <nil>
	// <nil>
}

func ExampleWriter_UnmarshalBatch() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()
	shard := client.NewShardID()
	builder, err := client.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "builds"})
	if err != nil {
		fmt.Println(err)
		return
	}
	built, err := builder.NewBatch(ctx, frontier.At(0), persist.BatchOptions{}).Finish(ctx, frontier.At(5))
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := built.Marshal()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(errors.Is(built.Discard(ctx), persist.ErrUsage)) // it is in other hands

	appender, err := client.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "appends"})
	if err != nil {
		fmt.Println(err)
		return
	}
	received, err := appender.UnmarshalBatch(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(appender.CompareAndAppendBatches(ctx, []*persist.Batch{received}, frontier.At(0), frontier.At(5)))
	fmt.Println(appender.Upper())
	// Output:
	// true
	// <nil>
	// {5}
}

func ExampleFetcher() {
	ctx := context.Background()
	client := exampleClient()
	defer client.Close()
	shard := client.NewShardID()
	writer, err := client.OpenWriter(ctx, shard, persist.WriterOptions{Purpose: "example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	apples := []persist.Update{{Row: []byte("apple"), Time: 1, Diff: 2}}
	if err := writer.CompareAndAppend(ctx, apples, frontier.At(0), frontier.At(5)); err != nil {
		fmt.Println(err)
		return
	}
	reader, err := client.OpenReader(ctx, shard, persist.ReaderOptions{Purpose: "example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	lease, err := reader.SnapshotParts(ctx, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lease.Release()
	fetcher := client.NewFetcher(shard) // as a rule in another process, which has the tokens
	for _, token := range lease.Tokens {
		updates, err := fetcher.Fetch(ctx, token)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, u := range updates {
			fmt.Printf("%s %+d at %d\n", u.Row, u.Diff, u.Time)
		}
	}
	// Output:
	// apple +2 at 4
}
