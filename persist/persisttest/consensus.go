package persisttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/tidemarkdb/tidemark/persist"
	"github.com/tidemarkdb/tidemark/runtime"
)

// Consensus runs the cases of [persist.Consensus].
func Consensus(t *testing.T, open Open) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, first, second persist.Consensus)
	}{
		{"an empty key", consensusEmpty},
		{"the first version is 1", consensusFirst},
		{"a wrong expectation does not commit", consensusMismatch},
		{"the next version is the expected one plus 1", consensusUsage},
		{"data is copied in and out", consensusCopies},
		{"large data", consensusLarge},
		{"data that is too large", consensusTooLarge},
		{"scan has bounds and a limit", consensusScan},
		{"truncate keeps the rest", consensusTruncate},
		{"keys are independent", consensusKeys},
		{"a cancelled write has not happened", consensusCancelled},
		{"concurrent writers make one chain", consensusConcurrent},
	} {
		t.Run(c.name, func(t *testing.T) {
			view := open(t)
			rt := runtime.New(runtime.Options{})
			_, first := view(rt)
			_, second := view(rt)
			c.run(t, first, second)
		})
	}
}

const key = "s00000000-0000-0000-0000-000000000001"

func consensusEmpty(t *testing.T, c, _ persist.Consensus) {
	if head, found, err := c.Head(t.Context(), key); found || err != nil {
		t.Errorf("head: %v, %v, %v", head, found, err)
	}
	if got, err := c.Scan(t.Context(), key, 0, 10); len(got) != 0 || err != nil {
		t.Errorf("scan: %v, %v", got, err)
	}
	if _, err := c.Truncate(t.Context(), key, 1); !errors.Is(err, persist.ErrUsage) {
		t.Errorf("truncate: %v, want a usage error", err)
	}
	wantMismatch(t, c, 1)
	wantMismatch(t, c, 7)
}

func consensusFirst(t *testing.T, first, second persist.Consensus) {
	appendVersion(t, first, 1)
	head, found, err := second.Head(t.Context(), key)
	if err != nil || !found || head.SeqNo != 1 || string(head.Data) != "version 1" {
		t.Errorf("head: %v, %v, %v", head, found, err)
	}
}

func consensusMismatch(t *testing.T, first, second persist.Consensus) {
	for n := range persist.SeqNo(3) {
		appendVersion(t, first, n+1)
	}
	for _, expected := range []persist.SeqNo{0, 1, 2, 4, 9} {
		wantMismatch(t, second, expected)
	}
	appendVersion(t, second, 4)
}

func consensusUsage(t *testing.T, c, _ persist.Consensus) {
	for _, next := range []persist.SeqNo{0, 2, 5} {
		_, err := c.CompareAndSet(t.Context(), key, 0, persist.Versioned{SeqNo: next})
		if !errors.Is(err, persist.ErrUsage) {
			t.Errorf("0 to %d: %v, want a usage error", next, err)
		}
	}
	beyond := persist.SeqNoMax
	_, err := c.CompareAndSet(t.Context(), key, beyond, persist.Versioned{SeqNo: beyond + 1})
	if !errors.Is(err, persist.ErrUsage) {
		t.Errorf("beyond the last SeqNo: %v, want a usage error", err)
	}
	if _, err := c.CompareAndSet(t.Context(), "", 0, persist.Versioned{SeqNo: 1}); !errors.Is(err, persist.ErrUsage) {
		t.Errorf("an empty key: %v, want a usage error", err)
	}
	if _, err := c.Scan(t.Context(), key, 0, 0); !errors.Is(err, persist.ErrUsage) {
		t.Errorf("a limit of 0: %v, want a usage error", err)
	}
	if _, found, err := c.Head(t.Context(), key); found || err != nil {
		t.Errorf("a usage error left something behind: %v, %v", found, err)
	}
}

func consensusCopies(t *testing.T, c, _ persist.Consensus) {
	data := []byte("abc")
	ok, err := c.CompareAndSet(t.Context(), key, 0, persist.Versioned{SeqNo: 1, Data: data})
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	data[0] = 'x'
	head, _, err := c.Head(t.Context(), key)
	must(t, err)
	if string(head.Data) != "abc" {
		t.Errorf("the store kept the caller's slice: %q", head.Data)
	}
	head.Data[0] = 'y'
	again, err := c.Scan(t.Context(), key, 1, 1)
	must(t, err)
	if len(again) != 1 || string(again[0].Data) != "abc" {
		t.Errorf("the store gave its own slice away: %q", again)
	}
}

func consensusLarge(t *testing.T, first, second persist.Consensus) {
	data := bytes.Repeat([]byte("0123456789"), 20_000)
	ok, err := first.CompareAndSet(t.Context(), key, 0, persist.Versioned{SeqNo: 1, Data: data})
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	head, _, err := second.Head(t.Context(), key)
	if err != nil || !bytes.Equal(head.Data, data) {
		t.Errorf("head: %d bytes, %v", len(head.Data), err)
	}
}

func consensusTooLarge(t *testing.T, c, _ persist.Consensus) {
	_, err := c.CompareAndSet(t.Context(), key, 0, persist.Versioned{SeqNo: 1, Data: make([]byte, 65<<20)})
	var tooLarge *persist.TooLargeError
	if !errors.As(err, &tooLarge) || !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("65 MiB: %v, want a TooLargeError", err)
	}
	appendVersion(t, c, 1)
}

func consensusScan(t *testing.T, first, second persist.Consensus) {
	for n := range persist.SeqNo(6) {
		appendVersion(t, first, n+1)
	}
	for _, c := range []struct {
		from        persist.SeqNo
		limit       int
		first, last persist.SeqNo // 0, 0: nothing
	}{
		{0, 100, 1, 6}, {1, 6, 1, 6}, {1, 3, 1, 3}, {4, 1, 4, 4}, {5, 9, 5, 6}, {6, 1, 6, 6}, {7, 5, 0, 0}, {99, 1, 0, 0},
	} {
		wantScan(t, second, c.from, c.limit, c.first, c.last)
	}
}

func consensusTruncate(t *testing.T, first, second persist.Consensus) {
	for n := range persist.SeqNo(5) {
		appendVersion(t, first, n+1)
	}
	for _, c := range []struct {
		before   persist.SeqNo
		deleted  int
		earliest persist.SeqNo
	}{
		{0, 0, 1}, {1, 0, 1}, {3, 2, 3}, {3, 0, 3}, {2, 0, 3}, {5, 2, 5}, {5, 0, 5},
	} {
		deleted, err := second.Truncate(t.Context(), key, c.before)
		if err != nil || deleted != c.deleted {
			t.Errorf("truncate before %d: %d, %v; want %d", c.before, deleted, err, c.deleted)
		}
		wantScan(t, first, 0, 100, c.earliest, 5)
	}
	if _, err := first.Truncate(t.Context(), key, 6); !errors.Is(err, persist.ErrUsage) {
		t.Errorf("truncate before what does not exist: %v, want a usage error", err)
	}
	wantScan(t, first, 0, 100, 5, 5)
	wantMismatch(t, first, 0)
	wantMismatch(t, first, 2)
	appendVersion(t, first, 6)
}

func consensusKeys(t *testing.T, first, second persist.Consensus) {
	for _, k := range []string{"b", "a", "c/d"} {
		ok, err := first.CompareAndSet(t.Context(), k, 0, persist.Versioned{SeqNo: 1, Data: []byte(k)})
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	var keys []string
	must(t, second.ListKeys(t.Context(), func(k string) error {
		keys = append(keys, k)
		return nil
	}))
	if want := []string{"a", "b", "c/d"}; !slices.Equal(keys, want) {
		t.Errorf("keys: %q, want %q", keys, want)
	}
	head, _, err := second.Head(t.Context(), "a")
	if err != nil || string(head.Data) != "a" {
		t.Errorf("head of a: %q, %v", head.Data, err)
	}
}

func consensusCancelled(t *testing.T, c, _ persist.Consensus) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.CompareAndSet(ctx, key, 0, persist.Versioned{SeqNo: 1})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, persist.ErrDeterminate) {
		t.Errorf("compare-and-set under a cancelled context: %v", err)
	}
	if _, found, err := c.Head(t.Context(), key); found || err != nil {
		t.Errorf("it left something behind: %v, %v", found, err)
	}
}

// consensusConcurrent lets writers race on two views and has the history
// judged.
func consensusConcurrent(t *testing.T, first, second persist.Consensus) {
	const writers, rounds = 6, 15
	history := NewHistory()
	rt := runtime.New(runtime.Options{})
	group := rt.NewGroup(t.Context())
	for w := range writers {
		c := []persist.Consensus{first, second}[w%2]
		group.Go("writer", func(ctx context.Context) error {
			for range rounds {
				expected, err := history.Head(ctx, w, c, key)
				if err != nil {
					return err
				}
				if _, err := history.CompareAndSet(ctx, w, c, key, expected); err != nil {
					return err
				}
			}
			return nil
		})
	}
	must(t, group.Wait())
	must(t, history.Check())
	all, err := first.Scan(t.Context(), key, 0, writers*rounds)
	must(t, err)
	for i, v := range all {
		if v.SeqNo != persist.SeqNo(i+1) {
			t.Fatalf("version %d at place %d", v.SeqNo, i)
		}
	}
}

func appendVersion(t *testing.T, c persist.Consensus, n persist.SeqNo) {
	t.Helper()
	next := persist.Versioned{SeqNo: n, Data: fmt.Appendf(nil, "version %d", n)}
	if ok, err := c.CompareAndSet(t.Context(), key, n-1, next); !ok || err != nil {
		t.Fatalf("append version %d: %v, %v", n, ok, err)
	}
}

func wantMismatch(t *testing.T, c persist.Consensus, expected persist.SeqNo) {
	t.Helper()
	ok, err := c.CompareAndSet(t.Context(), key, expected, persist.Versioned{SeqNo: expected + 1})
	if ok || err != nil {
		t.Errorf("compare-and-set from %d: %v, %v; want a mismatch", expected, ok, err)
	}
}

func wantScan(t *testing.T, c persist.Consensus, from persist.SeqNo, limit int, first, last persist.SeqNo) {
	t.Helper()
	got, err := c.Scan(t.Context(), key, from, limit)
	must(t, err)
	var want []persist.SeqNo
	for n := first; n != 0 && n <= last; n++ {
		want = append(want, n)
	}
	var seqNos []persist.SeqNo
	for _, v := range got {
		seqNos = append(seqNos, v.SeqNo)
		if string(v.Data) != fmt.Sprintf("version %d", v.SeqNo) {
			t.Errorf("version %d holds %q", v.SeqNo, v.Data)
		}
	}
	if !slices.Equal(seqNos, want) {
		t.Errorf("scan from %d, limit %d: got %v, want %v", from, limit, seqNos, want)
	}
}
