package frontier_test

import (
	"fmt"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/frontier/internal/partial"
)

// sizes are numbers of distinct times: within the value, and beyond.
var sizes = []uint64{1, 8, 10, 64, 1_000, 100_000}

// What a reader does to a collection: a hold where the frontier is, and its
// release. The cost may grow with the logarithm of the size.
func BenchmarkAcquireRelease(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("specialised/n=%d", size), func(b *testing.B) {
			antichain := held(size)
			b.ReportAllocs()
			for b.Loop() {
				acquireAndRelease(antichain)
			}
		})
	}
	for _, size := range sizes[:5] {
		b.Run(fmt.Sprintf("model/n=%d", size), func(b *testing.B) {
			var antichain partial.MutableAntichain[partial.Uint64]
			for time := range size {
				antichain.Apply(partial.Change[partial.Uint64]{Time: partial.Uint64(1000 + time), Diff: +1})
			}
			b.ReportAllocs()
			for b.Loop() {
				antichain.Apply(partial.Change[partial.Uint64]{Time: 1000, Diff: +1})
				antichain.Apply(partial.Change[partial.Uint64]{Time: 1000, Diff: -1})
			}
		})
	}
}

// What a writer does to a collection: the last hold at the frontier goes and
// comes again at the end, so that the frontier moves each time.
func BenchmarkMoveFrontier(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("n=%d", size), func(b *testing.B) {
			antichain := held(size)
			b.ReportAllocs()
			for b.Loop() {
				from := antichain.Frontier()
				time, _ := from.Time()
				var batch frontier.ChangeBatch
				must(batch.Move(from, frontier.At(time+size)))
				if moved, err := antichain.Apply(&batch); err != nil || moved.Len() != 2 {
					b.Fatal(moved, err)
				}
			}
		})
	}
}

// A mailbox between two takers: changes gather and are taken in order.
func BenchmarkFillAndDrain(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprintf("n=%d", size), func(b *testing.B) {
			var batch frontier.ChangeBatch
			b.ReportAllocs()
			for b.Loop() {
				for i := range size {
					must(batch.Update(i*7919%size, +1)) // in no order
				}
				for range batch.Drain() {
				}
			}
		})
	}
}

// A storm of holds that come and go at few times leaves nothing to sum up later.
func BenchmarkCancellingUpdates(b *testing.B) {
	var batch frontier.ChangeBatch
	var time uint64
	b.ReportAllocs()
	for b.Loop() {
		time = (time + 1) % 5
		must(batch.Update(time, +1))
		must(batch.Update(time, -1))
	}
}
