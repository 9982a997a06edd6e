package s3

import (
	"container/list"

	"github.com/tidemarkdb/tidemark/persist/s3/internal/head"
	"github.com/tidemarkdb/tidemark/runtime"
)

// headsMax is how many heads a process remembers, mostly of less than 64 KiB each.
const headsMax = 512

// heads remembers the newest heads that this process has seen. No answer is given from here:
// a commit begins with one and finds out whether it was the newest, and a reading asks for it
// only if it has changed.
type heads struct {
	mu       *runtime.Mutex // guards what follows
	known    map[string]*list.Element
	recent   *list.List      // of *remembered, the one used last in front
	spilling map[string]bool // the keys whose older versions are being moved
}

type remembered struct {
	key      string
	snapshot *head.Snapshot
	losses   int // commits in a row to which another process was first
}

func newHeads(rt *runtime.Runtime) *heads {
	return &heads{
		mu: rt.NewMutex(), known: make(map[string]*list.Element), recent: list.New(), spilling: make(map[string]bool),
	}
}

// get returns what is known of a key, or nil.
func (h *heads) get(key string) *head.Snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	element := h.known[key]
	if element == nil {
		return nil
	}
	h.recent.MoveToFront(element)
	return element.Value.(*remembered).snapshot
}

// put remembers a head, unless a later one is known.
func (h *heads) put(key string, snapshot *head.Snapshot) {
	if snapshot == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if element := h.known[key]; element != nil {
		one := element.Value.(*remembered)
		if isAfter(snapshot.Object, one.snapshot.Object) {
			one.snapshot = snapshot
		}
		h.recent.MoveToFront(element)
		return
	}
	h.known[key] = h.recent.PushFront(&remembered{key: key, snapshot: snapshot})
	if h.recent.Len() > headsMax {
		last := h.recent.Back()
		delete(h.known, h.recent.Remove(last).(*remembered).key)
	}
}

// lost counts a commit to which another process was first, and returns how many in a row were
// lost before it.
func (h *heads) lost(key string) (before int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if element := h.known[key]; element != nil {
		one := element.Value.(*remembered)
		before, one.losses = one.losses, one.losses+1
	}
	return before
}

// won ends a row of lost commits.
func (h *heads) won(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if element := h.known[key]; element != nil {
		element.Value.(*remembered).losses = 0
	}
}

// isAfter reports whether a head may have followed another one. Heads with the same versions
// may be in any order: a wrong guess costs a request.
func isAfter(later, earlier *head.Object) bool {
	return later.Current() >= earlier.Current() && later.Low >= earlier.Low
}

// beginSpill returns false if somebody else moves versions of the key at the moment. Otherwise
// the caller has to end it.
func (h *heads) beginSpill(key string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.spilling[key] {
		return false
	}
	h.spilling[key] = true
	return true
}

func (h *heads) endSpill(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.spilling, key)
}
