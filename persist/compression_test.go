package persist_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
)

// TestCompressedPartsAreSmaller protects [persist.Config.Compression]: it counts from the
// next part on, also when parts of both kinds are merged, and nobody has to know of it who
// reads.
func TestCompressedPartsAreSmaller(t *testing.T) {
	p, ctx := newPlace(t), t.Context()
	c := p.client(persist.Config{InlineSizeMax: 1, CompactionsMax: -1})
	shard := c.NewShardID()
	w := p.writer(c, shard)
	row := []byte(strings.Repeat("much the same, ", 100))
	var want []persist.Update
	var sizes []uint64
	for i, compression := range []persist.Compression{persist.Uncompressed, persist.Zstd, persist.Uncompressed} {
		must(t, c.Configure(func(config *persist.Config) { config.Compression = compression }))
		at := uint64(i)
		updates := []persist.Update{{Row: append(bytes.Clone(row), byte(i)), Time: at, Diff: 1}}
		must(t, w.CompareAndAppend(ctx, updates, frontier.At(at), frontier.At(at+1)))
		want = append(want, updates...)
		usage, err := c.Usage(ctx, shard)
		must(t, err)
		sizes = append(sizes, usage.Current.Bytes)
	}
	if plain, packed := sizes[2]-sizes[1], sizes[1]-sizes[0]; packed > plain-1000 {
		t.Errorf("%d bytes with compression, %d without", packed, plain)
	}
	others := p.client(persist.Config{Compression: persist.Zstd, CompactionFanout: 2, InlineSizeMax: 1})
	writer := p.writer(others, shard)
	for at := uint64(3); at < 6; at++ {
		must(t, writer.CompareAndAppend(ctx, nil, frontier.At(at), frontier.At(at+1)))
	}
	r, err := others.OpenReader(ctx, shard, persist.ReaderOptions{})
	must(t, err)
	got, err := r.Snapshot(ctx, 2)
	must(t, err)
	if len(got) != len(want) {
		t.Fatalf("%d updates, not %d", len(got), len(want))
	}
	for i, u := range got {
		if !bytes.Equal(u.Row, want[i].Row) || u.Diff != 1 {
			t.Errorf("update %d: %d bytes, %+d", i, len(u.Row), u.Diff)
		}
	}
	if err := (persist.Config{Compression: persist.Zstd + 1}).Validate(); !errors.Is(err, persist.ErrUsage) {
		t.Errorf("a compression that does not exist: %v", err)
	}
}

// TestSettingsAreNobodysToChange protects the settings in force from whoever has a copy.
func TestSettingsAreNobodysToChange(t *testing.T) {
	columns := []string{"id"}
	c := newPlace(t).client(persist.Config{StatsColumns: columns})
	columns[0] = "mine"
	c.Config().StatsColumns[0] = "mine"
	err := c.Configure(func(config *persist.Config) {
		config.StatsColumns[0] = "mine"
		config.PartSize = -1
	})
	if got := c.Config().StatsColumns[0]; got != "id" || !errors.Is(err, persist.ErrUsage) {
		t.Errorf("%s, %v", got, err)
	}
}
