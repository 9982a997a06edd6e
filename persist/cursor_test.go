package persist_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tidemarkdb/tidemark/frontier"
	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/persist/relation"
)

// TestCursorsReadPieceByPiece protects readers of much from holding it all, and what they
// read from being deleted meanwhile.
func TestCursorsReadPieceByPiece(t *testing.T) {
	onWatchedStore(t, func(ctx context.Context, s *watchedStore) {
		c := s.client(persist.Config{
			InlineSizeMax: 1, PartSize: 20_000, CompactionFanout: 2, GCVersionsMin: 2, RollupThreshold: 2,
		})
		defer c.Close()
		w, err := c.OpenWriter(ctx, persist.ShardID{1}, persist.WriterOptions{Purpose: "test"})
		s.must(err)
		s.must(w.CompareAndAppend(ctx, rows(8000, 0), frontier.At(0), frontier.At(1)))
		r, err := c.OpenReader(ctx, w.Shard(), persist.ReaderOptions{Purpose: "test"})
		s.must(err)
		first := relation.BytesValue([]byte("row 0100"))
		cursor, err := r.Cursor(ctx, 0, persist.CompareColumn("row", persist.GreaterOrEqual, first))
		s.must(err)
		var got []persist.Update
		pieces := 0
		for {
			piece, err := cursor.Next(ctx)
			s.must(err)
			if len(piece) == 0 {
				break
			}
			pieces++
			got = append(got, piece...)
			s.grow(ctx, w, 3) // garbage is collected meanwhile
		}
		s.rt.Always(len(got) == 7900 && string(got[0].Row) == "row 0100", "P-28", "rows", len(got))
		s.rt.Always(pieces >= 2 && pieces < 20, "bounded", "pieces", pieces)
		cursor.Close()
		cursor.Close()
		piece, err := cursor.Next(ctx)
		s.rt.Always(piece == nil && err == nil, "closed", "error", err)
		_, err = r.Cursor(ctx, 0, persist.Filter{})
		s.must(err)
	})
}

// TestACursorThatFailsStaysFailed protects readers from gaps: what was lost by an error is
// not followed by the rest.
func TestACursorThatFailsStaysFailed(t *testing.T) {
	p := newPlace(t)
	shard := p.tenParts(schemaOf(t, idColumn))
	r := p.typedReader(p.client(persist.Config{}), shard, relation.Schema{})
	cursor, err := r.Cursor(t.Context(), 99)
	must(t, err)
	defer cursor.Close()
	for _, key := range p.keys(shard) {
		_, _, err := p.store.Blob(p.live()).Delete(t.Context(), key)
		must(t, err)
	}
	for i := range 2 {
		if got, err := cursor.Next(t.Context()); got != nil || !errors.Is(err, persist.ErrCorruption) {
			t.Errorf("call %d: %d updates, %v", i, len(got), err)
		}
	}
}

func ExampleReader_Cursor() {
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
		{Row: []byte("apple"), Time: 1, Diff: 2}, {Row: []byte("melon"), Time: 2, Diff: 1},
	}, frontier.At(0), frontier.At(5))
	if err != nil {
		fmt.Println(err)
		return
	}
	reader, err := client.OpenReader(ctx, shard, persist.ReaderOptions{Purpose: "example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	cursor, err := reader.Cursor(ctx, 4)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cursor.Close()
	for {
		piece, err := cursor.Next(ctx)
		if len(piece) == 0 || err != nil {
			fmt.Println("end", err)
			return
		}
		for _, u := range piece {
			fmt.Println(string(u.Row), u.Diff)
		}
	}
	// Output:
	// apple 2
	// melon 1
	// end <nil>
}
