package head_test

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// A store answers nothing to a request that it has performed. The commit reads the head,
// finds its id there, and knows.
func ExampleCommit() {
	store := newWorld(printer{})
	call, err := head.NewCommit(shard, number(1), nil, 0, []byte("version 1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	store.ledger.data[call.ID()] = "version 1"

	isFirst := true
	for call.Outcome() == head.Running {
		fmt.Printf("%T\n", call.Next())
		answer := store.perform(call.Next())
		if isFirst {
			answer = head.Wrote{Verdict: head.Unclear}
		}
		isFirst = false
		call.Answer(answer)
	}
	fmt.Println(call.Outcome(), call.Head().Object.Current())
	// Output:
	// head.PutHead
	// head.GetHead
	// committed v1
}

// Two versions are in a segment, and one is in the head.
func ExampleScan() {
	store := newWorld(printer{})
	store.commit(3)
	store.run(head.NewSpill(shard, number(1), nil, head.Budget{Entries: 2, Kept: 1}))

	call, err := head.NewScan(shard, 2, 100)
	if err != nil {
		fmt.Println(err)
		return
	}
	for call.Outcome() == head.Running {
		fmt.Printf("%T\n", call.Next())
		call.Answer(store.perform(call.Next()))
	}
	for _, entry := range call.Entries() {
		fmt.Printf("%v %s\n", entry.SeqNo, entry.Data)
	}
	// Output:
	// head.GetHead
	// head.GetSegments
	// v2 other
	// v3 other
}

// printer is a tester for examples.
type printer struct{}

func (printer) Helper() {}

func (printer) Fatalf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
