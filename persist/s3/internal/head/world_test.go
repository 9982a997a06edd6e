package head_test

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// tester is what the tests of all kinds have in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

const shard = "s00000000000000000000000000000001"

// world is an object store with one key in it, and the ledger of what was ever visible
// there. Tags are hashes of the content, as they are in most stores.
type world struct {
	t         tester
	body      []byte   // of the head, nil if there is none
	tagBefore head.Tag // of the head before that
	segments  map[string][]byte
	late      []head.Action // requests that are still under way, without anybody waiting
	ledger    ledger
	chance    uint64 // the last number drawn for an id
}

func newWorld(t tester) *world {
	return &world{t: t, segments: make(map[string][]byte), ledger: ledger{data: make(map[head.ID]string)}}
}

// id returns an id that nothing else has.
func (w *world) id() (id head.ID) {
	w.chance++
	binary.BigEndian.PutUint64(id[:], w.chance)
	return id
}

func tagOf(body []byte) head.Tag {
	if body == nil {
		return ""
	}
	sum := md5.Sum(body)
	return head.Tag(hex.EncodeToString(sum[:]))
}

// perform does to the store what an action asks for, all at once, and returns the answer.
func (w *world) perform(action head.Action) head.Answer {
	w.t.Helper()
	switch a := action.(type) {
	case head.GetHead:
		if w.body == nil {
			return head.Absent{}
		}
		return head.Found{Tag: tagOf(w.body), Body: slices.Clone(w.body)}
	case head.PutHead:
		if a.Match != tagOf(w.body) {
			return head.Wrote{Verdict: head.PreconditionFailed}
		}
		w.install(a.Body)
		return head.Wrote{Verdict: head.Written, Tag: tagOf(w.body)}
	case head.PutSegment:
		w.segments[a.Name] = slices.Clone(a.Body)
		return head.Wrote{Verdict: head.Written}
	case head.GetSegments:
		name := a.Links[0].Name
		if body, ok := w.segments[name]; ok {
			return head.SegmentFound{Name: name, Body: slices.Clone(body)}
		}
		return head.SegmentAbsent{Name: name}
	case head.ListSegments:
		return head.Listed{Names: append(slices.Sorted(maps.Keys(w.segments)), "unknown")}
	case head.DeleteSegments:
		for _, name := range a.Names {
			delete(w.segments, name)
		}
		w.verify()
		return head.Deleted{}
	default:
		w.t.Fatalf("nothing to perform: %T", action)
		return nil
	}
}

// install makes a body the head, and writes into the ledger what becomes visible by that.
func (w *world) install(body []byte) {
	w.t.Helper()
	o, err := head.Decode(shard, body)
	if err != nil {
		w.t.Fatalf("an object was written that is not readable: %v", err)
	}
	w.body, w.tagBefore = slices.Clone(body), tagOf(w.body)
	w.ledger.installed(w.t, o)
	w.verify()
}

// verify reads everything and compares it with the ledger.
func (w *world) verify() {
	w.t.Helper()
	if w.body == nil {
		return
	}
	o := w.object()
	var all []head.Entry
	for _, link := range o.Links {
		entries, err := head.DecodeSegment(shard, link, w.segments[link.Name])
		if err != nil {
			w.t.Fatalf("versions %v to %v are lost: %v", link.First, link.Last, err)
		}
		all = append(all, entries...)
	}
	all = append(all, o.Entries...)
	w.ledger.compare(w.t, o.Low, slices.DeleteFunc(all, func(e head.Entry) bool { return e.SeqNo < o.Low }))
}

func (w *world) object() *head.Object {
	w.t.Helper()
	o, err := head.Decode(shard, w.body)
	if err != nil {
		w.t.Fatalf("the head is not readable: %v", err)
	}
	return o
}

// snapshot returns the head as somebody knows it who has just read it, nil if there is none.
func (w *world) snapshot() *head.Snapshot {
	if w.body == nil {
		return nil
	}
	return &head.Snapshot{Tag: tagOf(w.body), Object: w.object()}
}

// edit replaces the head as others would, at once. The nonce is new, whatever the edit does.
func (w *world) edit(change func(o *head.Object)) {
	w.t.Helper()
	o := w.object()
	change(o)
	w.write(o)
}

func (w *world) write(o *head.Object) {
	w.t.Helper()
	o.Nonce = w.id()
	body, err := head.Encode(shard, o)
	if err != nil {
		w.t.Fatalf("encode: %v", err)
	}
	w.install(body)
}

// commit appends n versions, as if n others had committed one after another.
func (w *world) commit(n int) {
	w.t.Helper()
	o := &head.Object{Low: 1}
	if w.body != nil {
		o = w.object()
	}
	next := state.SeqNo(len(w.ledger.log) + 1)
	for i := range n {
		entry := head.Entry{SeqNo: next + state.SeqNo(i), Commit: w.id(), Data: []byte("other")}
		w.ledger.data[entry.Commit] = "other"
		if i < n-1 {
			w.ledger.log = append(w.ledger.log, entry.Commit) // was visible for a moment
		}
		o.Entries = append(o.Entries, entry)
		o.Recent = append(o.Recent, entry.Commit)
	}
	o.Recent = o.Recent[max(0, len(o.Recent)-head.RingLength):]
	if n > 100 { // only the last ones are left
		o.Links, o.Entries = nil, o.Entries[len(o.Entries)-1:]
		o.Low = o.Current()
		w.ledger.low = o.Low
	}
	w.write(o)
}

// truncate leaves nothing but the newest version.
func (w *world) truncate() {
	w.t.Helper()
	w.edit(func(o *head.Object) {
		o.Low, o.Links, o.Entries = o.Current(), nil, o.Entries[len(o.Entries)-1:]
	})
}

// renew replaces the head by one of the same value.
func (w *world) renew() {
	w.t.Helper()
	w.edit(func(*head.Object) {})
}

// land lets request i of those that are still under way have its effect.
func (w *world) land(i int) {
	w.t.Helper()
	action := w.late[i]
	w.late = slices.Delete(w.late, i, i+1)
	w.perform(action)
}

// settle lets all of them.
func (w *world) settle() {
	w.t.Helper()
	for len(w.late) > 0 {
		w.land(0)
	}
}
