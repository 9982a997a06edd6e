package head_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// TestPlansCoverWhatIsAskedFor protects readers: for every range, the plan names each version
// once, in segments or inline, and no segment that is not needed.
func TestPlansCoverWhatIsAskedFor(t *testing.T) {
	o := everything(t) // 2 to 6; the segments are 1 to 2 and 3 to 4
	for from := range state.SeqNo(9) {
		for limit := range 9 {
			var want, links []state.SeqNo
			for n := max(2, from); n <= 6 && len(want) < limit; n++ {
				want = append(want, n)
			}
			p := o.Plan(from, limit)
			var got []state.SeqNo
			for n := p.First; n <= p.Last; n++ {
				got = append(got, n)
			}
			for _, l := range p.Links {
				links = append(links, l.First)
			}
			var wantLinks []state.SeqNo
			inline := 0
			for _, n := range want {
				switch first := (n-1)/2*2 + 1; {
				case n >= 5:
					inline++
				case len(wantLinks) == 0 || wantLinks[len(wantLinks)-1] != first:
					wantLinks = append(wantLinks, first)
				}
			}
			if !cmp.Equal(want, got) || !cmp.Equal(wantLinks, links) || len(p.Inline) != inline {
				t.Errorf("%d from %v on: %v, links %v, %d inline; want %v, %v, %d", limit, from, got, links,
					len(p.Inline), want, wantLinks, inline)
			}
		}
	}
}

// TestScansReadOnlyWhatTheyNeed protects the bill.
func TestScansReadOnlyWhatTheyNeed(t *testing.T) {
	for _, c := range []struct {
		from  state.SeqNo
		limit int
		want  string // versions
		reads int    // segments
	}{
		{0, 100, "[v1 v2 v3 v4 v5 v6 v7 v8]", 2},
		{2, 2, "[v2 v3]", 2},
		{3, 1, "[v3]", 1},
		{5, 100, "[v5 v6 v7 v8]", 0},
		{7, 1, "[v7]", 0},
		{9, 1, "[]", 0},
	} {
		w := newWorld(t)
		spilled(w) // 1 to 2, 3 to 4, and 5 to 8 in the head
		call, err := head.NewScan(shard, c.from, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		reads := 0
		for call.Outcome() == head.Running {
			if _, ok := call.Next().(head.GetSegments); ok {
				reads++
			}
			call.Answer(w.perform(call.Next()))
		}
		var got []state.SeqNo
		for _, e := range call.Entries() {
			got = append(got, e.SeqNo)
		}
		w.ledger.wantEntries(t, call.Entries())
		if fmt.Sprint(got) != c.want || reads != c.reads {
			t.Errorf("%d from %v on: %v with %d reads; want %s with %d", c.limit, c.from, got, reads, c.want, c.reads)
		}
	}
	if _, err := head.NewScan(shard, 1, 0); !errors.Is(err, state.ErrUsage) {
		t.Errorf("a limit of 0: %v, want a usage error", err)
	}
}

// TestMissingSegments protects against both mistakes: to call truncation a loss, and a loss
// truncation.
func TestMissingSegments(t *testing.T) {
	t.Run("truncated", func(t *testing.T) {
		w, call := scanning(t)
		w.run(head.NewTruncate(shard, w.id(), nil, 4))
		w.run(call)
		if entries := call.Entries(); call.Outcome() != head.Committed || len(entries) != 5 || entries[0].SeqNo != 4 {
			t.Errorf("%v (%v), %v", call.Outcome(), call.Err(), entries)
		}
	})
	t.Run("lost", func(t *testing.T) {
		w, call := scanning(t)
		w.run(head.NewTruncate(shard, w.id(), nil, 2)) // low advances, but not past it
		w.segments = nil
		w.run(call)
		if call.Outcome() != head.Corrupted || !errors.Is(call.Err(), wire.ErrCorruption) {
			t.Errorf("%v (%v), want corruption", call.Outcome(), call.Err())
		}
	})
	t.Run("damaged", func(t *testing.T) {
		w, call := scanning(t)
		for _, body := range w.segments {
			body[len(body)/2] ^= 1
		}
		w.run(call)
		if call.Outcome() != head.Corrupted || !errors.Is(call.Err(), wire.ErrCorruption) {
			t.Errorf("%v (%v), want corruption", call.Outcome(), call.Err())
		}
	})
	t.Run("with the head", func(t *testing.T) {
		w, call := scanning(t)
		w.segments, w.body = nil, nil
		w.run(call)
		if call.Outcome() != head.Corrupted || !errors.Is(call.Err(), wire.ErrCorruption) {
			t.Errorf("%v (%v), want corruption", call.Outcome(), call.Err())
		}
	})
}

// scanning returns a scan that has read a head with two segments.
func scanning(t *testing.T) (*world, *head.Scan) {
	w := newWorld(t)
	spilled(w)
	call, err := head.NewScan(shard, 1, 100)
	if err != nil {
		t.Fatal(err)
	}
	call.Answer(w.perform(call.Next()))
	return w, call
}
