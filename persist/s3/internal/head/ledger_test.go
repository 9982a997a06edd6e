package head_test

import (
	"github.com/tidemarkdb/tidemark/persist/internal/state"
	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
)

// ledger is the naive twin, and the oracle: a list of which commit was ever visible as which
// version, and where versions begin. It has no heads, segments, rings or tags.
type ledger struct {
	log  []head.ID // of version 1, 2, 3 ...
	low  state.SeqNo
	data map[head.ID]string // what each commit that was ever begun wants to append
}

// installed checks that an object is one of the possible next ones, and notes what it shows.
func (l *ledger) installed(t tester, o *head.Object) {
	t.Helper()
	current := state.SeqNo(len(l.log))
	isLonger := o.Current() == current+1
	switch {
	case o.Current() != current && !isLonger:
		t.Fatalf("the newest version went from %v to %v", current, o.Current())
	case isLonger:
		l.log = append(l.log, o.Newest().Commit)
	}
	if o.Low < l.low {
		t.Fatalf("versions began at %v and now at %v", l.low, o.Low)
	}
	l.low = o.Low
	for n := o.Current(); n > 0; n-- {
		id, known := o.CommitAt(n)
		if !known {
			break
		}
		if id != l.log[n-1] {
			t.Fatalf("%v was %v and now is %v", n, l.log[n-1], id)
		}
	}
}

// compare checks that entries are all versions that there are.
func (l *ledger) compare(t tester, low state.SeqNo, entries []head.Entry) {
	t.Helper()
	if low != l.low || len(entries) != len(l.log)-int(l.low)+1 {
		t.Fatalf("there are %d versions from %v on, want %d from %v on", len(entries), low, len(l.log)-int(l.low)+1, l.low)
	}
	l.wantEntries(t, entries)
}

// wantEntries checks that entries are in a row, and are what was committed.
func (l *ledger) wantEntries(t tester, entries []head.Entry) {
	t.Helper()
	for i, e := range entries {
		if e.SeqNo != entries[0].SeqNo+state.SeqNo(i) || int(e.SeqNo) > len(l.log) {
			t.Fatalf("%v is at %d after %v", e.SeqNo, i, entries[0].SeqNo)
		}
		if id := l.log[e.SeqNo-1]; e.Commit != id || string(e.Data) != l.data[id] {
			t.Fatalf("%v is %q of %v, want %q of %v", e.SeqNo, e.Data, e.Commit, l.data[id], id)
		}
	}
}

// visible returns how often a commit was visible, at its place and at another one.
func (l *ledger) visible(id head.ID, at state.SeqNo) (there, elsewhere int) {
	for i, other := range l.log {
		switch {
		case other != id:
		case state.SeqNo(i+1) == at:
			there++
		default:
			elsewhere++
		}
	}
	return there, elsewhere
}

// judge compares what a commit says of itself with what was visible. It is called when nothing
// is under way any more.
func (l *ledger) judge(t tester, outcome head.Outcome, id head.ID, at state.SeqNo) {
	t.Helper()
	there, elsewhere := l.visible(id, at)
	isTrue := false
	switch outcome {
	case head.Committed:
		isTrue = there == 1
	case head.Mismatched, head.Failed:
		isTrue = there == 0
	case head.Indeterminate:
		isTrue = there <= 1
	}
	if !isTrue || elsewhere > 0 {
		t.Fatalf("%v says it is %v, but was visible %d times as %v and %d times elsewhere",
			id, outcome, there, at, elsewhere)
	}
}
