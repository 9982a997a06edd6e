package head_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/internal/wire"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

func TestHeadsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := objects(t)
		data, err := head.Encode(shard, want)
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		got, err := head.Decode(shard, data)
		if err != nil {
			t.Fatalf("Decode: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("read as something else (-want +got):\n%s", diff)
		}
	})
}

// objects draws a head: segments, entries and a low among the first of them.
func objects(t *rapid.T) *head.Object {
	begin := rapid.IntRange(1, 600).Draw(t, "begin")
	o := &head.Object{Nonce: number(rapid.IntRange(1, 9).Draw(t, "nonce"))}
	next := begin
	for range rapid.IntRange(0, 3).Draw(t, "segments") {
		last := next + rapid.IntRange(0, 3).Draw(t, "more")
		o.Links = append(o.Links, link(next, last))
		next = last + 1
	}
	last := next + rapid.IntRange(0, 4).Draw(t, "more")
	o.Entries, o.Recent = versions(next, last), ring(last)
	for i := range o.Entries {
		o.Entries[i].Data = rapid.SliceOfN(rapid.Byte(), 1, 5).Draw(t, "data")
	}
	o.Low = o.Entries[0].SeqNo
	if len(o.Links) > 0 {
		o.Low = rapid.SampledFrom(versions(begin, int(o.Links[0].Last))).Draw(t, "low").SeqNo
	}
	return o
}

// TestDamageIsFound protects data against bits that flip, wherever they are.
func TestDamageIsFound(t *testing.T) {
	data, err := head.Encode(shard, everything(t))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(data) * 8 {
		data[bit/8] ^= 1 << (bit % 8)
		if _, err := head.Decode(shard, data); !errors.Is(err, wire.ErrCorruption) {
			t.Fatalf("bit %d: %v, want corruption", bit, err)
		}
		data[bit/8] ^= 1 << (bit % 8)
	}
	for n := range data {
		if _, err := head.Decode(shard, data[:n]); !errors.Is(err, wire.ErrCorruption) {
			t.Fatalf("the first %d bytes: %v, want corruption", n, err)
		}
	}
}

// TestObjectsUnderWrongNamesAreRefused protects against a bucket that somebody has copied
// objects around in.
func TestObjectsUnderWrongNamesAreRefused(t *testing.T) {
	data, err := head.Encode("another shard", firstVersion())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := head.Decode(shard, data); !errors.Is(err, wire.ErrCorruption) {
		t.Errorf("the head of another shard: %v, want corruption", err)
	}
	segment, right, err := head.EncodeSegment("another shard", number(7), versions(3, 4))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := head.DecodeSegment(shard, right, segment); !errors.Is(err, wire.ErrCorruption) {
		t.Errorf("a segment of another shard: %v, want corruption", err)
	}
	for name, change := range map[string]func(l *head.Link){
		"name":     func(l *head.Link) { l.Name = head.SegmentName(3, 4, number(8)) },
		"bytes":    func(l *head.Link) { l.Bytes++ },
		"checksum": func(l *head.Link) { l.Checksum++ },
		"first":    func(l *head.Link) { l.First-- },
		"last":     func(l *head.Link) { l.Last++ },
	} {
		wrong := right
		change(&wrong)
		if _, err := head.DecodeSegment("another shard", wrong, segment); !errors.Is(err, wire.ErrCorruption) {
			t.Errorf("another %s: %v, want corruption", name, err)
		}
	}
}

// TestImpossibleObjectsAreNotBelieved protects against programs that write what they should
// not: a checksum that is right proves nothing.
func TestImpossibleObjectsAreNotBelieved(t *testing.T) {
	data, err := head.Encode(shard, everything(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(fields map[uint64]any){
		"low":              func(fields map[uint64]any) { fields[3] = uint64(99) },
		"no entries":       func(fields map[uint64]any) { fields[5] = []any{} },
		"an id less":       func(fields map[uint64]any) { fields[6] = fields[6].([]byte)[len(head.ID{}):] },
		"a byte less":      func(fields map[uint64]any) { fields[6] = fields[6].([]byte)[1:] },
		"an unknown field": func(fields map[uint64]any) { fields[7] = uint64(1) },
	} {
		_, body, err := wire.Open(wire.KindHead, data, wire.Versions{Oldest: 1, Newest: 1})
		if err != nil {
			t.Fatal(err)
		}
		var fields map[uint64]any
		if err := wire.Unmarshal("head", body, &fields); err != nil {
			t.Fatal(err)
		}
		change(fields)
		if body, err = wire.Marshal(fields); err != nil {
			t.Fatal(err)
		}
		record, err := wire.Seal(wire.KindHead, head.FormatVersion, body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := head.Decode(shard, record); !errors.Is(err, wire.ErrCorruption) {
			t.Errorf("%s: %v, want corruption", name, err)
		}
	}
}

// TestImpossibleSegmentsAreNotWritten protects what could not be read again.
func TestImpossibleSegmentsAreNotWritten(t *testing.T) {
	beyond := versions(1, 1)
	beyond[0].SeqNo = state.MaxSeqNo + 1
	zero := versions(1, 1)
	zero[0].SeqNo = 0
	for name, entries := range map[string][]head.Entry{
		"none": nil, "version 0": zero, "too many": versions(1, head.EntriesMax+1), "beyond the last": beyond,
		"a gap": append(versions(1, 1), versions(3, 3)...),
	} {
		if _, _, err := head.EncodeSegment(shard, number(7), entries); !errors.Is(err, wire.ErrCorruption) {
			t.Errorf("%s: %v, want corruption", name, err)
		}
	}
}

// TestNewerFormatsAreRefused protects what a newer program has written.
func TestNewerFormatsAreRefused(t *testing.T) {
	record, err := wire.Seal(wire.KindHead, head.FormatVersion+1, []byte("unknown"))
	if err != nil {
		t.Fatal(err)
	}
	var version *wire.VersionError
	if _, err := head.Decode(shard, record); !errors.As(err, &version) || version.Found != head.FormatVersion+1 {
		t.Errorf("a newer head: %v, want a VersionError", err)
	}
	record, err = wire.Seal(wire.KindSegment, head.FormatVersion+1, []byte("unknown"))
	if err != nil {
		t.Fatal(err)
	}
	newer := link(3, 4)
	newer.Bytes, newer.Checksum = uint64(len(record)), wire.Checksum(record)
	if _, err := head.DecodeSegment(shard, newer, record); !errors.As(err, &version) {
		t.Errorf("a newer segment: %v, want a VersionError", err)
	}
}

// FuzzDecode protects against whatever a bucket may hold: it seals the input, so that it
// gets past the checksum.
func FuzzDecode(f *testing.F) {
	truncated := &head.Object{Nonce: number(1), Low: 2, Entries: versions(2, 3), Recent: ring(3)}
	for _, o := range []*head.Object{firstVersion(), truncated} {
		data, err := head.Encode(shard, o)
		if err != nil {
			f.Fatal(err)
		}
		_, body, err := wire.Open(wire.KindHead, data, wire.Versions{Oldest: 1, Newest: 1})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		data, err := wire.Seal(wire.KindHead, head.FormatVersion, body)
		if err != nil {
			t.Fatal(err)
		}
		o, err := head.Decode(shard, data)
		if err != nil {
			if !errors.Is(err, wire.ErrCorruption) {
				t.Fatalf("error is %v, want corruption", err)
			}
			return
		}
		if again, err := head.Encode(shard, o); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("accepted %x, which is written as %x (%v)", data, again, err)
		}
		o.Plan(0, 10)
	})
}

func FuzzDecodeSegment(f *testing.F) {
	data, _, err := head.EncodeSegment(shard, number(7), versions(3, 4))
	if err != nil {
		f.Fatal(err)
	}
	_, body, err := wire.Open(wire.KindSegment, data, wire.Versions{Oldest: 1, Newest: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	gap, err := wire.Marshal(map[uint64]any{1: shard, 2: link(3, 4).Name, 3: append(versions(3, 3), versions(5, 5)...)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(gap)
	f.Fuzz(func(t *testing.T, body []byte) {
		data, err := wire.Seal(wire.KindSegment, head.FormatVersion, body)
		if err != nil {
			t.Fatal(err)
		}
		of := link(3, 4)
		of.Bytes, of.Checksum = uint64(len(data)), wire.Checksum(data)
		entries, err := head.DecodeSegment(shard, of, data)
		if err != nil && !errors.Is(err, wire.ErrCorruption) || err == nil && len(entries) != 2 {
			t.Fatalf("%d entries, error %v", len(entries), err)
		}
	})
}
