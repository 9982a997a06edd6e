package trace_test

import (
	"os"
	"time"

	"github.com/tidemarkdb/tidemark/sim/trace"
)

// A story is a sink: it can be given to a run, or to the events of a tail.
func ExampleStory() {
	var sink trace.Sink = trace.NewStory(os.Stdout).Add
	sink(trace.Event{
		Step: 12, Time: 3 * time.Millisecond, Node: "bank", Task: "main/alice", Kind: trace.Wait,
		Text: "lock bank.mutex#0", Location: "bank/account.go:31",
	})
	sink(trace.Event{
		Step: 13, Time: 4 * time.Millisecond, Node: "bank", Task: "main/bob", Kind: trace.Op,
		Text: "unlock bank.mutex#0", Location: "bank/account.go:33", Preempted: true,
	})
	// Output:
	// 12   +0.003000s  bank/main/alice  bank/account.go:31      waits: lock bank.mutex#0
	// >    13   +0.004000s  bank/main/bob    bank/account.go:33      unlock bank.mutex#0
}

func ExampleTail() {
	tail := trace.NewTail(2)
	for step := range uint64(5) {
		tail.Add(trace.Event{Step: step, Task: "main", Text: "yield"})
	}
	story := trace.NewStory(os.Stdout)
	for _, e := range tail.Events() {
		story.Add(e)
	}
	// Output:
	// 3   +0.000000s  main                                    yield
	//       4   +0.000000s  main                                    yield
}
