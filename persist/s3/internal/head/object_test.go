package head_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// number returns an id that shows a number.
func number(n int) (id head.ID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// versions returns the versions from first to last; each has its number as its id.
func versions(first, last int) (entries []head.Entry) {
	for n := first; n <= last; n++ {
		entries = append(entries, head.Entry{
			SeqNo: state.SeqNo(n), Commit: number(n), Data: fmt.Appendf(nil, "version %d", n),
		})
	}
	return entries
}

// ring returns the ids of the versions up to last.
func ring(last int) (ids []head.ID) {
	for n := max(1, last-head.RingLength+1); n <= last; n++ {
		ids = append(ids, number(n))
	}
	return ids
}

func firstVersion() *head.Object {
	return &head.Object{Nonce: number(100), Low: 1, Entries: versions(1, 1), Recent: ring(1)}
}

// everything has all that a head can have, and nothing of it zero.
func everything(t tester) *head.Object {
	t.Helper()
	o := &head.Object{Nonce: number(100), Low: 2, Entries: versions(5, 6), Recent: ring(6)}
	for i, entries := range [][]head.Entry{versions(1, 2), versions(3, 4)} {
		_, link, err := head.EncodeSegment(shard, number(7+i), entries)
		if err != nil {
			t.Fatalf("EncodeSegment: %v", err)
		}
		o.Links = append(o.Links, link)
	}
	return o
}

// brokenObjects are what no head may be: each breaks one invariant.
var brokenObjects = map[string]func(o *head.Object){
	"no nonce":                 func(o *head.Object) { o.Nonce = head.ID{} },
	"no entries":               func(o *head.Object) { o.Entries = nil },
	"a gap":                    func(o *head.Object) { o.Entries[1].SeqNo = 7 },
	"an entry twice":           func(o *head.Object) { o.Entries[1].SeqNo = 5 },
	"no id":                    func(o *head.Object) { o.Entries[1].Commit, o.Recent[5] = head.ID{}, head.ID{} },
	"another id":               func(o *head.Object) { o.Entries[0].Commit = number(99) },
	"ring too short":           func(o *head.Object) { o.Recent = o.Recent[1:] },
	"ring too long":            func(o *head.Object) { o.Recent = append([]head.ID{number(99)}, o.Recent...) },
	"ring empty":               func(o *head.Object) { o.Recent = nil },
	"ring out of order":        func(o *head.Object) { o.Recent[4], o.Recent[5] = o.Recent[5], o.Recent[4] },
	"low before all":           func(o *head.Object) { o.Low, o.Links = 4, nil },
	"low is 0":                 func(o *head.Object) { o.Low = 0 },
	"low beyond a segment":     func(o *head.Object) { o.Low = 3 },
	"low beyond an entry":      func(o *head.Object) { o.Low, o.Links = 6, nil },
	"gap between segments":     func(o *head.Object) { o.Links[0] = link(1, 1) },
	"segments overlap":         func(o *head.Object) { o.Links[0] = link(1, 3) },
	"segments out of order":    func(o *head.Object) { o.Links[0], o.Links[1] = o.Links[1], o.Links[0] },
	"gap before the entries":   func(o *head.Object) { o.Links[1] = link(3, 3) },
	"segment and entry":        func(o *head.Object) { o.Links[1] = link(3, 5) },
	"segment of no size":       func(o *head.Object) { o.Links[1].Bytes = 0 },
	"segment of no name":       func(o *head.Object) { o.Links[1].Name = "segment" },
	"segment before the first": func(o *head.Object) { *o = *firstVersion(); o.Low, o.Links = 0, nameless },
	"segment of another name":  func(o *head.Object) { o.Links[1].Name = link(3, 3).Name },
	"version too large":        func(o *head.Object) { o.Entries[0].Data = make([]byte, head.VersionBytesMax+1) },
	"more entries than ids":    func(o *head.Object) { *o = longObject(head.EntriesMax + 1) },
	"too many bytes":           func(o *head.Object) { *o = largeObject(head.EntriesKept + 2) },
	"segment of another range": func(o *head.Object) { o.Links[1].First = 4 },
	"too many segments":        func(o *head.Object) { *o = linkedObject(head.LinksMax + 1) },
	"versions that are no int": func(o *head.Object) { o.Entries = []head.Entry{{SeqNo: 1 << 63, Commit: number(1)}} },
}

// nameless is a link whose name says nothing, so that it seems to be of version 0.
var nameless = []head.Link{{Name: "segment", Bytes: 1}}

func link(first, last int) head.Link {
	_, link, err := head.EncodeSegment(shard, number(7), versions(first, last))
	if err != nil {
		panic(err)
	}
	return link
}

// longObject has so many versions, all inline.
func longObject(n int) head.Object {
	return head.Object{Nonce: number(1000), Low: 1, Entries: versions(1, n), Recent: ring(n)}
}

// largeObject has so many versions, all as large as they may be.
func largeObject(n int) head.Object {
	o := longObject(n)
	data := make([]byte, head.VersionBytesMax)
	for i := range o.Entries {
		o.Entries[i].Data = data
	}
	return o
}

// linkedObject has so many segments of one version each, and too many versions inline for
// anybody's budget.
func linkedObject(n int) head.Object {
	o := head.Object{
		Nonce: number(1000), Low: 1,
		Entries: versions(n+1, n+head.EntriesMax), Recent: ring(n + head.EntriesMax),
	}
	for i := state.SeqNo(1); i <= state.SeqNo(n); i++ {
		o.Links = append(o.Links, head.Link{Name: head.SegmentName(i, i, number(7)), First: i, Last: i, Bytes: 1})
	}
	return o
}

// TestCheckFindsEachBrokenInvariant protects the check itself: a line of it that is taken
// out is missed here.
func TestCheckFindsEachBrokenInvariant(t *testing.T) {
	for _, o := range []*head.Object{firstVersion(), everything(t)} {
		if err := o.Check(); err != nil {
			t.Errorf("%v is broken: %v", o, err)
		}
	}
	for name, breakIt := range brokenObjects {
		o := everything(t)
		breakIt(o)
		if err := o.Check(); err == nil {
			t.Errorf("%s: not found", name)
		}
		if _, err := head.Encode(shard, o); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

// TestTheRingCoversTheNewest protects those who look for their commit.
func TestTheRingCoversTheNewest(t *testing.T) {
	o := longObject(2)
	o.Recent, o.Entries, o.Low = ring(1000), versions(1000, 1000), 1000
	for n, want := range map[state.SeqNo]bool{0: false, 744: false, 745: true, 1000: true, 1001: false} {
		if id, known := o.CommitAt(n); known != want || known && id != number(int(n)) {
			t.Errorf("%v: %v, %t; want %t", n, id, known, want)
		}
	}
}

// TestSegmentNamesAreParsedStrictly protects what is not ours from a sweep.
func TestSegmentNamesAreParsedStrictly(t *testing.T) {
	name := head.SegmentName(3, 40, number(7))
	if first, last, ok := head.ParseSegmentName(name); first != 3 || last != 40 || !ok {
		t.Errorf("%s is %v to %v, %t", name, first, last, ok)
	}
	for _, name := range []string{
		"", "head", name + "0", name[1:], name[:len(name)-2], "+" + name[1:], name + "-1",
		head.SegmentName(0, 4, number(7)), head.SegmentName(4, 3, number(7)), head.SegmentName(1, 1<<63, number(7)),
		"0000000000000000003-0000000000000000040-0000000000000000000000000000000A",
	} {
		if _, _, ok := head.ParseSegmentName(name); ok {
			t.Errorf("%q is a name", name)
		}
	}
}
