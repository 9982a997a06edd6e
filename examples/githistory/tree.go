package main

import (
	"fmt"

	"github.com/tidemarkdb/tidemark/persist"
)

// tree is the rows of one commit, by path.
type tree map[string]row

// apply makes the changes of a commit, and returns the updates that they come to
// at a time: of each path the old row is retracted and the new one is inserted.
// A change of the mode alone comes to none. The error says that the changes are
// not of this tree; it is then of no use any more.
func (t tree) apply(
	changes []change, time uint64, linesOf func(version) (int, error),
) (updates []persist.Update, err error) {
	for _, c := range changes {
		old, existed := t[c.path]
		if existed != (c.before.kind != absent) || old.object != c.before.object {
			return nil, fmt.Errorf("path %q was not left as git finds it", c.path)
		}
		lines, err := linesOf(c.after)
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", c.path, err)
		}
		exists := c.after.kind != absent
		next := row{path: c.path, object: c.after.object, lines: lines}
		if existed && exists && old == next {
			continue
		}
		if existed {
			updates = append(updates, persist.Update{Row: old.encode(), Time: time, Diff: -1})
			delete(t, c.path)
		}
		if exists {
			updates = append(updates, persist.Update{Row: next.encode(), Time: time, Diff: +1})
			t[c.path] = next
		}
	}
	return updates, nil
}
