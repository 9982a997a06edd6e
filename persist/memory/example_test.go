package memory_test

import (
	"context"
	"fmt"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/memory"
	"github.com/tidemarkdb/tidemark/runtime"
)

func ExampleNew() {
	ctx := context.Background()
	rt := runtime.New(runtime.Options{})
	store := memory.New("orders", memory.Options{})
	log := store.Consensus(rt)
	fmt.Println(log.CompareAndSet(ctx, "shard", 0, persist.Versioned{SeqNo: 1, Data: []byte("first")}))
	fmt.Println(log.CompareAndSet(ctx, "shard", 0, persist.Versioned{SeqNo: 1, Data: []byte("too late")}))
	head, found, err := log.Head(ctx, "shard")
	fmt.Println(head.SeqNo, string(head.Data), found, err)
	// Output:
	// true <nil>
	// false <nil>
	// v1 first true <nil>
}
