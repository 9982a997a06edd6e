package network

import (
	"slices"
	"sync"
)

// link is one direction between two nodes, by their names.
type link struct{ from, to string }

// links knows which links do not work.
type links[M any] struct {
	mu    *sync.Mutex // of the network; cut, clog and what ends them take it
	cuts  []*cut
	clogs []*clog[M]
	// released takes the messages of clogs that have ended.
	released func(envelope[M])
}

// cut takes links away.
type cut struct{ cuts func(link) bool }

// clog keeps messages, in the order in which they would have arrived.
type clog[M any] struct {
	clogs func(link) bool
	kept  []envelope[M]
}

// cut adds a cut; the result ends it.
func (l *links[M]) cut(cuts func(link) bool) (end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &cut{cuts}
	l.cuts = append(l.cuts, c)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.cuts = slices.DeleteFunc(l.cuts, func(other *cut) bool { return other == c })
	}
}

// isCut reports whether a link is taken away. A node can always talk to itself.
func (l *links[M]) isCut(on link) bool {
	return on.from != on.to && slices.ContainsFunc(l.cuts, func(c *cut) bool { return c.cuts(on) })
}

// clog adds a clog; the result ends it, and releases what it has kept.
func (l *links[M]) clog(clogs func(link) bool) (end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &clog[M]{clogs: clogs}
	l.clogs = append(l.clogs, c)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.clogs = slices.DeleteFunc(l.clogs, func(other *clog[M]) bool { return other == c })
		kept := c.kept
		c.kept = nil
		for _, e := range kept {
			l.released(e)
		}
	}
}

// hold keeps a message if its link is clogged.
func (l *links[M]) hold(e envelope[M]) bool {
	if e.from == e.to {
		return false
	}
	i := slices.IndexFunc(l.clogs, func(c *clog[M]) bool { return c.clogs(e.link) })
	if i >= 0 {
		l.clogs[i].kept = append(l.clogs[i].kept, e)
	}
	return i >= 0
}
