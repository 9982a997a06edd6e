package persist_test

import (
	"bytes"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// TestMergesKeepToTheTotalOfWhatIsInlined protects the metadata from growing: what is merged
// of objects stays there only as long as there is room, as what is appended does. Found by
// P-23 in evolution, seed 6.
func TestMergesKeepToTheTotalOfWhatIsInlined(t *testing.T) {
	const most = 150
	p := newPlace(t)
	c := p.client(persist.Config{InlineTotalMax: most, InlineSizeMax: 400, CompactionFanout: 2})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	for i := range uint64(60) {
		row := bytes.Repeat([]byte{byte('a' + i%26)}, 40)
		update := persist.Update{Row: row, Time: i, Diff: 1}
		must(t, w.CompareAndAppend(t.Context(), []persist.Update{update}, frontier.At(i), frontier.At(i+1)))
		seen, err := c.Inspect(t.Context(), shard)
		must(t, err)
		inlined, largest := uint64(0), uint64(0)
		for _, batch := range seen.Batches {
			inlined, largest = inlined+batch.Inlined, max(largest, batch.Inlined)
		}
		if inlined-largest > most {
			t.Fatalf("after %d appends %d bytes are inlined, %d of them in one batch", i+1, inlined, largest)
		}
		if i == 0 && inlined == 0 {
			t.Error("nothing is inlined at first")
		}
	}
}
